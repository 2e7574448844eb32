"""The functions that users of the C file call: feedforward, predict, and the names of classes."""

from chainrule.convert.c import names, templates
from chainrule.convert.c.derivatives import write_derivatives
from chainrule.convert.c.program import Program
from chainrule.convert.c.self_test import Means, write_network_test, write_table_test
from chainrule.convert.c.source import POINTER, Source
from chainrule.convert.c.table import Table, write_table


def write_functions(
    source: Source, program: Program, name: str, means: Means, *, gradient: bool, train: bool
) -> Table | None:
    """Add all functions and the self-test; return the table, if its rows are given.

    Parameters
    ----------
    means : function
        What the networks say of inputs (m, n_1), for the self-test.
    """
    kind, upper, preparation = templates.type_of(program.dtype), name.upper(), None
    body, kept, table = _said(source, program), 0, None
    preparation = program.blueprint.preparation
    if preparation is not None:
        table = write_table(source, preparation, name, program.dtype)
        write_calls(source, program, name, table.given, table.prepared + body)
        write_table_test(source, name, program, table, means)
        kept = program.n_in
    else:
        source.declared.append(f"#define {upper}_N_IN {program.n_in}")
        write_calls(source, program, name, f"const {kind} x[{upper}_N_IN]", body)
        kept = write_derivatives(source, program, name, gradient=gradient, train=train)
        write_network_test(source, name, program, means)
    shared = program.n_out if len(program.members) > 1 else 0
    placed = program.n_out if program.blueprint.answers != "values" else 0
    source.ram += program.dtype.itemsize * (shared + placed + kept)
    return table


def _said(source: Source, program: Program) -> str:
    """Return the lines of C that write what all networks say of `x` to `out`."""
    if len(program.members) == 1:
        return f"    answer({source.answer}x, out);\n"
    kind = templates.type_of(program.dtype)
    n = len(program.members)
    zero = names.number(0, program.dtype)
    return f"""\
    static const {kind} *const parameters[{n}] = {{{", ".join(source.parameters)}}};
    {kind} part[{program.n_out}];
    for (size_t j = 0U; j < {program.n_out}U; j++) {{
        out[j] = {zero};
    }}
    for (size_t k = 0U; k < {n}U; k++) {{
        answer(&chains[k], parameters[k], x, part);
        for (size_t j = 0U; j < {program.n_out}U; j++) {{
            out[j] += chains[k].share * part[j];
        }}
    }}
"""


def write_calls(source: Source, program: Program, name: str, given: str, body: str) -> None:
    """Add the functions.

    Parameters
    ----------
    given : str
        The parameter that they take, such as "const float x[N]".
    body : str
        The lines that write what the networks say of it to `out`.
    """
    kind, upper, blueprint = templates.type_of(program.dtype), name.upper(), program.blueprint
    of, n_out = given.rpartition(" ")[2].partition("[")[0].lstrip("*"), program.n_out
    source.declared.append(f"#define {upper}_N_OUT {n_out}\n")
    after = ""
    if program.is_tempered:
        source.needed.append("temper")
        after += (
            f"    temper(out, {n_out}U, {names.number(blueprint.temperature, program.dtype)});\n"
        )
    if program.is_sorted:
        source.needed.append("sort")
        after += f"    sort(out, {n_out}U);\n"
    outputs = f"{name}_feedforward"
    source.declared.append(_what_is_written(program))
    declared = f"void {name}_feedforward({given}, {kind} out[{upper}_N_OUT])"
    source.declared.append(f"{declared};\n")
    if program.is_tempered:  # whose largest may be rounded to equals
        outputs = "untempered"
        source.functions.append(f"static void untempered({given}, {kind} *out)\n{{\n{body}}}\n")
        body = f"    untempered({of}, out);\n"
    source.functions.append(f"{declared}\n{{\n{body}{after}}}\n")
    if program.is_sorted:
        source.declared.append(
            "/* The output whose level is nearest to 1/2 */\n"
            f"#define {upper}_MIDDLE {blueprint.middle}\n"
        )
    if blueprint.answers == "classes":
        _write_classes(source, program, name, given, f"{outputs}({of}, out)")
    elif blueprint.answers == "multilabel":
        _write_labels(source, program, name, given, f"{outputs}({of}, out)")


def _what_is_written(program: Program) -> str:
    blueprint = program.blueprint
    what = "what the network says"
    if blueprint.output == "softmax":
        what = "the probability of each class"
    elif blueprint.answers == "classes" and program.n_out == 1:
        what = f"a number, which is above {blueprint.threshold:g} for the second class"
    elif blueprint.answers == "multilabel":
        what = f"a number for each label, which is above {blueprint.threshold:g} where it has it"
    elif blueprint.levels is not None:
        what = f"quantiles, of the levels {', '.join(map(str, blueprint.levels))}"
    elif blueprint.answers == "values":
        what = "values"
    return f"/* Writes {what}. Inputs must be finite; calls may run at the same time. */"


def _write_classes(source: Source, program: Program, name: str, given: str, call: str) -> None:
    blueprint, kind, upper = program.blueprint, templates.type_of(program.dtype), name.upper()
    n_classes = max(program.n_out, 2)
    words = [str(each) for each in blueprint.classes or ()]
    source.declared.append(
        f"#define {upper}_N_CLASSES {n_classes}\n"
        f"extern const char *const {name}_classes[{upper}_N_CLASSES];\n\n"
        f"/* Returns the place of the class among them. */\nint {name}_predict({given});\n"
    )
    strings = names.lines([names.text(each) for each in words])
    source.constants.append(
        f"const char *const {name}_classes[{upper}_N_CLASSES] = {{\n{strings}\n}};\n"
    )
    source.flash += sum(POINTER + len(each.encode("utf-8", "replace")) + 1 for each in words)
    if program.n_out == 1:
        chosen = (
            f"    return (out[0] > {names.number(blueprint.threshold, program.dtype)}) ? 1 : 0;"
        )
        best = ""
    else:
        best = "    size_t best = 0U;\n"
        chosen = f"""\
    for (size_t j = 1U; j < {program.n_out}U; j++) {{
        best = (out[j] > out[best]) ? j : best;
    }}
    return (int)best;"""
    source.functions.append(
        f"int {name}_predict({given})\n{{\n    {kind} out[{program.n_out}];\n{best}    {call};\n"
        f"{chosen}\n}}\n"
    )


def _write_labels(source: Source, program: Program, name: str, given: str, call: str) -> None:
    kind, upper = templates.type_of(program.dtype), name.upper()
    declared = f"void {name}_predict({given}, uint8_t labels[{upper}_N_OUT])"
    source.declared.append(f"/* Writes 1 for each label that it has, else 0. */\n{declared};\n")
    threshold = names.number(program.blueprint.threshold, program.dtype)
    source.functions.append(f"""\
{declared}
{{
    {kind} out[{program.n_out}];
    {call};
    for (size_t j = 0U; j < {program.n_out}U; j++) {{
        labels[j] = (out[j] > {threshold}) ? 1U : 0U;
    }}
}}
""")
