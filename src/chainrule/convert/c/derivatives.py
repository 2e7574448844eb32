"""What a C file can compute besides: ∂output/∂input, and one step of gradient descent."""

from chainrule.convert.c import names, templates
from chainrule.convert.c.program import Program
from chainrule.convert.c.source import Source

# ∂C/∂a_j of output a_j and its target t, with the cost's parameter. Of those in FUSED, whose cost
# goes with its output activation, it is δ_j = ∂C/∂z_j.
COSTS = {
    "quadratic": "a[j] - t",
    "squared_error": "REAL(-2.0) * (t - a[j])",
    "absolute_error": "(real)((a[j] > t) - (a[j] < t))",
    "huber": "clipped(a[j] - t, -PARAMETER, PARAMETER)",
    "quantile": "(t > a[j]) ? -levels[j] : ((t < a[j]) ? REAL(1.0) - levels[j] : REAL(0.0))",
    "hinge": "(REAL(1.0) - t * a[j] > REAL(0.0)) ? -t : REAL(0.0)",
    "cross_entropy": "a[j] - t",
    "poisson": "a[j] - t",
    "log_likelihood": "mass * (a[j] - PARAMETER / REAL(N_OUT.0)) - (REAL(1.0) - PARAMETER) * t",
    "gaussian": """(j < HALFU) ? (a[j] - t) * exp_of(-a[j + HALFU])
            : REAL(0.5) * (REAL(1.0) - (t - a[j - HALFU]) * (t - a[j - HALFU]) * exp_of(-a[j]))""",
}
FUSED = {"cross_entropy", "poisson", "log_likelihood"}
NEEDS = {"huber": ["clipped"], "gaussian": ["exp_of"]}


def check_gradient(program: Program) -> None:
    """Raise ValueError for the model of a table."""
    if program.blueprint.preparation is not None:
        raise ValueError(
            "gradient=True is for models of numbers; a table's rows have categories, by which "
            "there is no derivative"
        )


def check_trained(program: Program) -> None:
    """Raise ValueError for a model that one step of gradient descent does not know how to train."""
    blueprint = program.blueprint
    if blueprint.preparation is not None or len(program.members) != 1:
        raise ValueError(
            "train=True is for one network of numbers; this is the model of a table, or an "
            "ensemble, whose networks can be written one by one"
        )
    if blueprint.chains[0].trains_scale:
        raise ValueError(
            "train=True trains weights and biases, and this network learns the scale of its inputs "
            "too; make it with trainable_scale=False"
        )
    if blueprint.cost not in COSTS:
        raise ValueError(
            f"train=True knows the costs of chainrule; this network has {blueprint.cost}, which is "
            "code in Python"
        )
    if any(stage.activation == "step" for stage in program.stages):
        raise ValueError("train=True needs slopes; the activation 'step' has none to descend by")


def write_derivatives(
    source: Source, program: Program, name: str, *, gradient: bool, train: bool
) -> int:
    """Add what is asked for; return how many numbers it keeps on the stack."""
    kind, kept = templates.type_of(program.dtype), 0
    if gradient or train:
        pieces = ("forward", "times_slope", "back")
        source.functions += [templates.piece(each, kind) for each in pieces]
    if gradient:
        kept = write_gradient(source, program, name)
    return write_training(source, program, name) if train else kept


def _inputs(program: Program, kind: str) -> tuple[str, str]:
    """Return the lines of C that make a^1 of x, and what it is called."""
    if program.members[0].scaling is None:
        return "", "x"
    return (
        f"""\
    {kind} first[{program.n_in}];
    for (size_t k = 0U; k < {program.n_in}U; k++) {{
        first[k] = x[k] * chain->in_scale[k] + chain->in_shift[k];
    }}
""",
        "first",
    )


def _neurons(program: Program) -> int:
    """Return the most that a network has behind its inputs."""
    return max(sum(len(each.biases) for each in member.stages) for member in program.members)


def _widest(program: Program) -> int:
    return max([program.n_in, *(len(stage.biases) for stage in program.stages)])


def write_gradient(source: Source, program: Program, name: str) -> int:
    """Add NAME_gradient, the Jacobian of all outputs by all inputs; return the numbers it keeps."""
    kind, upper, n_in, n_out = (
        templates.type_of(program.dtype), name.upper(), program.n_in, program.n_out,
    )  # fmt: skip
    neurons, widest, members = _neurons(program), _widest(program), program.members
    scaling, a = _inputs(program, kind)
    one, zero = (names.number(each, program.dtype) for each in (1, 0))
    product = "chain->share * " * (len(members) > 1) + "delta[k]"
    product += " * chain->in_scale[k]" * (members[0].scaling is not None)
    product += " * chain->out_scale[i]" * (members[0].output_scaling is not None)
    source.functions.append(f"""\
/* Adds what one network has of d out_i / d x_k to grad[i * {n_in} + k]: BP2 from each output. */
static void differentiate(const struct chain *chain, const {kind} *w, const {kind} *x,
    {kind} *grad)
{{
    {kind} zs[{neurons}];
    {kind} as[{neurons}];
    {kind} one[{widest}];
    {kind} two[{widest}];
{scaling}    forward(chain, w, {a}, zs, as);
    for (size_t i = 0U; i < {n_out}U; i++) {{
        {kind} *delta = one;
        {kind} *below = two;
        size_t weight = 0U;
        size_t neuron = 0U;
        for (size_t l = 0U; l < chain->n_layers; l++) {{
            weight += (chain->layers[l].n_in + 1U) * chain->layers[l].n_out;
            neuron += chain->layers[l].n_out;
        }}
        for (size_t j = 0U; j < {n_out}U; j++) {{
            delta[j] = (i == j) ? {one} : {zero};
        }}
        for (size_t l = chain->n_layers; l > 0U; l--) {{
            const struct layer *const layer = &chain->layers[l - 1U];
            {kind} *const written = below;
            weight -= (layer->n_in + 1U) * layer->n_out;
            neuron -= layer->n_out;
            times_slope(layer, &zs[neuron], &as[neuron], delta);
            back(below, &w[weight], delta, layer->n_in, layer->n_out);
            below = delta;
            delta = written;
        }}
        for (size_t k = 0U; k < {n_in}U; k++) {{
            grad[i * {n_in}U + k] += {product};
        }}
    }}
}}
""")
    declared = (
        f"void {name}_gradient(const {kind} x[{upper}_N_IN], {kind} out[{upper}_N_OUT],\n"
        f"    {kind} grad[{upper}_N_OUT * {upper}_N_IN])"
    )
    source.declared.append(
        f"/* Writes the outputs, and d out[i] / d x[k] to grad[i * {upper}_N_IN + k]. */\n"
        f"{declared};\n"
    )
    calls = "\n".join(
        f"    differentiate(&chains[{k}], {parameters}, x, grad);"
        for k, parameters in enumerate(source.parameters)
    )
    source.functions.append(f"""\
{declared}
{{
    {name}_feedforward(x, out);
    for (size_t i = 0U; i < {n_out * n_in}U; i++) {{
        grad[i] = {zero};
    }}
{calls}
}}
""")
    return 2 * neurons + 2 * widest + n_in * bool(scaling)


def write_training(source: Source, program: Program, name: str) -> int:
    """Add NAME_train, one step of gradient descent; return the numbers it keeps."""
    kind, upper, member = templates.type_of(program.dtype), name.upper(), program.members[0]
    blueprint, n_out = program.blueprint, program.n_out
    neurons, widest = _neurons(program), _widest(program)
    source.needed += NEEDS.get(blueprint.cost, [])
    biases = """\
    for (size_t j = 0U; j < n_out; j++) {
        w[n_in * n_out + j] -= rate * delta[j];
    }
"""
    words = {"    BIASES\n": biases if blueprint.chains[0].bias else ""}
    source.functions.append(templates.piece("descend", kind, words))
    source.functions.append(_output_delta(source, program, kind))
    slope = (
        "    times_slope(&chain->layers[chain->n_layers - 1U], &zs[neuron], &as[neuron], delta);\n"
    )
    scaling, a = _inputs(program, kind)
    source.declared.append(f"""\
#define {upper}_N_PARAMETERS {member.flat.size}
#define {upper}_N_TARGETS {_targets(program)[0]}

/* What it has learned: copy it to train on. Of each layer the weights, that from neuron k to
 * neuron j of n_out at [k * n_out + j], then the biases. */
extern const {kind} {name}_parameters[{upper}_N_PARAMETERS];

/* Writes what the network says with these parameters. */
void {name}_feedforward_by(const {kind} parameters[{upper}_N_PARAMETERS],
    const {kind} x[{upper}_N_IN], {kind} out[{upper}_N_OUT]);

/* One step of gradient descent for one sample and its targets: {_what_targets_are(program)}. */
void {name}_train({kind} parameters[{upper}_N_PARAMETERS], const {kind} x[{upper}_N_IN],
    const {kind} y[{upper}_N_TARGETS], {kind} rate);
""")
    source.functions.append(f"""\
void {name}_feedforward_by(const {kind} parameters[{upper}_N_PARAMETERS],
    const {kind} x[{upper}_N_IN], {kind} out[{upper}_N_OUT])
{{
    answer(&chains[0], parameters, x, out);
}}

void {name}_train({kind} parameters[{upper}_N_PARAMETERS], const {kind} x[{upper}_N_IN],
    const {kind} y[{upper}_N_TARGETS], {kind} rate)
{{
    const struct chain *const chain = &chains[0];
    {kind} zs[{neurons}];
    {kind} as[{neurons}];
    {kind} one[{widest}];
    {kind} two[{widest}];
    {kind} *delta = one;
    {kind} *below = two;
    size_t weight = {upper}_N_PARAMETERS;
    size_t neuron = {neurons - n_out}U;
{scaling}    forward(chain, parameters, {a}, zs, as);
    output_delta(&as[neuron], y, delta); /* BP1 */
{slope * (blueprint.cost not in FUSED)}    for (size_t l = chain->n_layers; l > 0U; l--) {{
        const struct layer *const layer = &chain->layers[l - 1U];
        const {kind} *from = {a};
        {kind} *const written = below;
        weight -= (layer->n_in + 1U) * layer->n_out;
        if (l > 1U) {{ /* BP2, by the weights as they were */
            neuron -= layer->n_in;
            from = &as[neuron];
            back(below, &parameters[weight], delta, layer->n_in, layer->n_out);
            times_slope(&chain->layers[l - 2U], &zs[neuron], from, below);
        }}
        descend(&parameters[weight], from, delta, layer->n_in, layer->n_out, rate);
        below = delta;
        delta = written;
    }}
}}
""")
    return 2 * neurons + 2 * widest + program.n_in * bool(scaling)


def _targets(program: Program) -> tuple[int, str]:
    """Return how many there are, and in C the place of that of output j."""
    blueprint, n_out = program.blueprint, program.n_out
    if blueprint.cost == "gaussian":
        return n_out // 2, f"j % {n_out // 2}U"
    levels = blueprint.learned_by.outputs_per_target
    return n_out // levels, f"j / {levels}U" if levels > 1 else "j"


def _what_targets_are(program: Program) -> str:
    cost, answers = program.blueprint.cost, program.blueprint.answers
    if cost == "hinge":
        return "1 for the class, else -1"
    if answers == "classes":
        return "1 for the class, else 0"
    return "1 for a label that it has, else 0" if answers == "multilabel" else "in their units"


def _output_delta(source: Source, program: Program, kind: str) -> str:
    """Return the function for ∂C/∂a, or δ^L."""
    blueprint, n_out, dtype = program.blueprint, program.n_out, program.dtype
    _, place = _targets(program)
    scaling = program.members[0].output_scaling
    y = f"y[{place}]"
    if scaling is not None:  # learned as (y - shift)/scale: of a mean's variance by the mean's
        at = place if blueprint.cost == "gaussian" else "j"
        y = f"({y} - out_shift[{at}]) / out_scale[{at}]"
    _, parameters = blueprint.learned_by.compiled(n_out)
    parameter = parameters[0] if parameters else 0.0
    words = {
        "PARAMETER": names.number(parameter, dtype),
        "N_OUT": str(n_out),
        "HALF": str(n_out // 2),
    }
    value, before = COSTS[blueprint.cost], ""
    for word, meant in words.items():
        value = value.replace(word, meant)
    if blueprint.cost == "quantile":
        source.constant("levels", dtype.type(parameters))
    if blueprint.cost == "log_likelihood":
        before = f"""\
    real mass = REAL(0.0);
    for (size_t j = 0U; j < {n_out}U; j++) {{
        mass += y[j];
    }}
"""
    text = f"""\
/* dC/da^L of the cost {blueprint.cost}{", or delta^L itself" * (blueprint.cost in FUSED)} */
static void output_delta(const real *a, const real *y, real *delta)
{{
{before}    for (size_t j = 0U; j < {n_out}U; j++) {{
        const real t = {y};
        delta[j] = {value};
    }}
}}
"""
    return templates.in_type(text, kind)
