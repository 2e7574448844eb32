"""What the doctor sees in a pass forward and back: units, activations and errors by layer."""

import numpy as np

from chainrule.doctor.findings import FEWEST_SAMPLES, Finding, harm, listed, percent
from chainrule.doctor.layer_states import FLAT_ON_THE_LEFT, LARGEST_SLOPE, length

# Half of a layer saturated: the error that comes through it is mostly that of the other half.
SATURATED_SHARE = 1 / 2
# Some dead units cost time and do no other harm: a deep relu network has a tenth or two of them
# with its first weights. With most of a layer dead, what it passes on is in danger.
DEAD_SHARE, DEAD_MANY = 1 / 4, 3 / 4
# ‖δ‖ of the first hidden layer beside that of the last. At a hundredth a rate that suits the last
# layers takes 100 epochs for what one should do; at 100 times, what suits the first stops the last.
UNSTABLE = 100.0
# An output off by more than half the range of the targets is plainly wrong. If its |δ| is less than
# a quarter of the difference, a saturated σ' is in it: costs without that factor, such as
# cross_entropy, have δ = a - y.
WRONG, HELD = 1 / 2, 1 / 4
HELD_SHARE = 1 / 2  # of samples; a trained network has a few such, of those it gets wrong
# In float32 a step of a millionth of a weight is about the smallest that changes it.
ZERO = 1e-6
# Outputs that differ by less than this, beside how targets differ, are one answer.
ALIKE = 1e-3


def look_at_layers(case):
    """Find what is wrong in the layers of a `Case`."""
    found = _not_finite(case) or _identical_units(case.net)
    if found:  # all that follows comes from it
        return found
    enough = case.score.samples >= FEWEST_SAMPLES
    hidden = case.layers[:-1]
    found = [*_dead_units(hidden, case.score), *_saturated_units(hidden, case.score)]
    found = found if enough else []
    if not any(layer.stuck == layer.units for layer in hidden):  # through which no δ comes
        found += _unstable_gradient(hidden, case.score)
    if case.Y is not None:
        wrong = _wrong_outputs(case)
        explained = wrong or any(finding.severity == "serious" for finding in found)
        found += wrong
        if enough and not explained:
            found += _same_outputs(case.trace.a[-1], case.Y)
    return found


def _wrong_outputs(case):
    """Find errors that the outputs could avoid, but that make no gradient."""
    reach = np.clip(case.Y, *case.net._output.reach)
    error = case.trace.a[-1].astype(np.float64) - reach
    return _zero_gradient(case.layers, error, case.score) or _held_output(case, error)


def _not_finite(case):
    for layer, what, array in _on_the_way(case):
        if not np.isfinite(array).all():
            text = (
                f"{what} of layer {layer} has values that are not finite, the first to do so on "
                "the way forward and back. Nothing after it can be computed."
            )
            advice = (
                "go back to a saved network or make a new one, and train it with a tenth of the "
                "learning rate, and with scaled inputs and targets."
            )
            return [Finding("not_finite", "serious", text, advice, {"layer": layer, "what": what})]
    return []


def _on_the_way(case):
    """Yield (layer, what, array) in the order of computation."""
    net, trace, nabla = case.net, case.trace, case.nabla
    numbers = range(2, len(net.sizes) + 1)
    if net.scale.size:
        yield 2, "s", net.scale
    for l in numbers:  # noqa: E741 - as in the book
        yield l, "W", net.weights[l - 2]
        if net.bias:
            yield l, "b", net.biases[l - 2]
        yield l, "z", trace.z[l - 2]
        yield l, "a", trace.a[l - 2]
    for l in reversed(numbers):  # noqa: E741
        yield l, "δ", trace.delta[l - 2]
        yield l, "∂C/∂W", nabla.weights[l - 2]


def _identical_units(net):
    """Find layers whose units are, and so remain, copies of one: same weights in and out."""
    same = []
    for i in range(len(net.hidden)):
        rows, columns = net.weights[i], net.weights[i + 1].T
        alike = (rows == rows[0]).all() and (columns == columns[0]).all()
        alike &= not net.bias or (net.biases[i] == net.biases[i][0]).all()
        if alike and len(rows) > 1:
            same.append(i + 2)
    if not same:
        return []
    where = listed([f"layer {number}" for number in same])
    text = (
        f"All units of {where} have the same weights, in and out: they compute the same, get the "
        "same δ and stay the same, as good as a single unit."
    )
    advice = "initial weights drawn at random, such as init='scaled'; then train afresh."
    return [Finding("identical_units", "serious", text, advice, {"layers": tuple(same)})]


def _dead_units(hidden, score):
    dead = []
    for layer in hidden:
        if layer.activation in FLAT_ON_THE_LEFT and layer.stuck >= DEAD_SHARE * layer.units:
            dead.append(layer)
            if layer.stuck == layer.units:  # the layers above see the same in all samples
                break
    if not dead:
        return []
    parts = [f"{x.stuck} of the {x.units} {x.activation} units of layer {x.number}" for x in dead]
    text = (
        f"{listed(parts)} are off for every sample: they say the same to all of them, and their "
        "weights learn nothing."
    )
    advice = (
        "a smaller learning rate, so that no step throws units so far; biases that begin at 0 "
        "(init='he'); scaled inputs. Units that are dead stay so: train afresh."
    )
    many = any(layer.stuck >= DEAD_MANY * layer.units for layer in dead)
    severity = harm(score, "serious" if many else "warning")
    figures = _by_layer(dead, units="units", dead="stuck")
    return [Finding("dead_units", severity, text, advice, figures)]


def _saturated_units(hidden, score):
    flat = [
        layer
        for layer in hidden
        if layer.activation in LARGEST_SLOPE
        and (layer.saturated >= SATURATED_SHARE or layer.stuck >= DEAD_SHARE * layer.units)
    ]
    if not flat or score.good:
        return []
    parts = [
        f"{percent(x.saturated)} of the {x.activation} units of layer {x.number} ({x.stuck} of "
        f"{x.units} for every sample)"
        for x in flat
    ]
    text = (
        f"Over the samples {listed(parts)} are saturated: σ'(z) is below a twentieth of its "
        "largest value, so they hardly learn."
    )
    advice = (
        "smaller initial weights (init='scaled' or 'glorot'), scaled inputs, a smaller learning "
        "rate, or l2 to hold the weights down; then train afresh."
    )
    many = any(layer.saturated >= SATURATED_SHARE for layer in flat)
    severity = "serious" if many else "warning"
    figures = _by_layer(flat, units="units", saturated="saturated", stuck="stuck")
    return [Finding("saturated_units", severity, text, advice, figures)]


def _by_layer(layers, **fields):
    figures = {"layers": tuple(layer.number for layer in layers)}
    return figures | {
        name: tuple(getattr(layer, field) for layer in layers) for name, field in fields.items()
    }


def _zero_gradient(layers, error, score):
    errors, largest = length(error), max(layer.delta for layer in layers)
    if score.good or errors == 0 or largest > ZERO * errors:
        return []
    text = (
        f"The gradient is all but zero everywhere: ‖δ‖ is {largest:.2g} at most in every layer, "
        f"while the answers are off by {errors:.2g}. Training stands still."
    )
    advice = (
        "smaller weights, so that units are not saturated, or a cost that fits the output: "
        "cross_entropy with sigmoid, log_likelihood with softmax."
    )
    return [Finding("zero_gradient", "serious", text, advice, {"delta": largest, "error": errors})]


def _held_output(case, error):
    """Find samples that an output gets wrong, and cannot learn from for it is saturated."""
    where, span = case.saturated[-1], float(np.ptp(case.Y))
    held = np.abs(error) > WRONG * span
    held &= np.abs(case.trace.delta[-1]) < HELD * np.abs(error)
    share = float((held if where is None else held & where).any(axis=1).mean())
    if not span or share < HELD_SHARE:
        return []
    output = case.layers[-1]
    text = (
        f"In {percent(share)} of the samples an output of layer {output.number}, of "
        f"{output.activation} units, is saturated and wrong: δ has the factor σ'(z), next to 0, so "
        "it learns slowly from its worst mistakes."
    )
    advice = (
        "a cost that cancels σ' (cross_entropy with sigmoid, log_likelihood with softmax), or "
        "smaller initial weights."
    )
    figures = {"layer": output.number, "share": share}
    return [Finding("saturated_output", "warning", text, advice, figures)]


def _unstable_gradient(hidden, score):
    if len(hidden) < 2 or hidden[-1].delta == 0 or score.good:
        return []
    first, last = hidden[0], hidden[-1]
    ratio = first.delta / last.delta
    if 1 / UNSTABLE <= ratio <= UNSTABLE:
        return []
    sizes = f"‖δ‖ is {first.delta:.2g} in layer {first.number} and {last.delta:.2g} in layer "
    sizes += f"{last.number}"
    figures = {"first": first.delta, "last": last.delta, "ratio": ratio}
    figures |= {"layers": (first.number, last.number)}
    if ratio < 1:
        kind = "vanishing_gradient"
        times = f", {1 / ratio:.2g} times less in the first" if ratio else ""
        text = f"The error vanishes on its way back: {sizes}{times}. The first layers hardly learn."
        advice = "hidden='relu' with init='he', or hidden='tanh' with init='glorot'; fewer layers."
    else:
        kind = "exploding_gradient"
        text = (
            f"The error explodes on its way back: {sizes}, {ratio:.2g} times more in the first. No "
            "learning rate suits both."
        )
        advice = "smaller initial weights (init='he' for relu, 'glorot' for tanh); fewer layers."
    return [Finding(kind, "serious", text, advice, figures)]


def _same_outputs(a, Y):
    spread, wanted = (float(x.astype(np.float64).std(axis=0).max()) for x in (a, Y))
    if wanted == 0 or spread > ALIKE * wanted:
        return []
    text = (
        f"The network gives the same answer to every sample: over samples its outputs have a "
        f"standard deviation of {spread:.2g} at most, the targets {wanted:.2g}."
    )
    advice = "larger initial weights (init='glorot', or 'he' for relu), or longer training."
    figures = {"spread": spread, "wanted": wanted}
    return [Finding("same_outputs", "serious", text, advice, figures)]
