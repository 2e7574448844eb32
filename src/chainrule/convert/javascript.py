"""`to_js`: a model as one module of JavaScript, which needs nothing besides.

The module has three parts as they are, `js_functions.js`, `js_answers.js` and, for a table,
`js_table.js`; the rest is the model's own numbers, written here.
"""

from collections.abc import Iterable
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.checks.keywords import known_options
from chainrule.convert.blueprint import Blueprint, Chain, blueprint_of
from chainrule.convert.js_columns import check_exact, columns_js, trial_rows
from chainrule.convert.js_literals import literal, numbers_js, part
from chainrule.convert.rounding import exactly
from chainrule.files.model_file import file_name
from chainrule.results.whole_file import write_whole
from chainrule.version import __version__

VECTORS = 8  # that a module tests itself with


@known_options()
def to_js(model: Any, path: str | PathLike[str]) -> None:
    """Write a model as an ES module, for browsers and Node, without any other file.

    It computes in float64, whatever the dtype of the network, and exports

    - ``predict(x)``: what `predict` answers, a class, a value (an array for several outputs), or 0
      and 1 for several labels;
    - ``feedforward(x)``: the outputs, a Float64Array;
    - ``probabilities(x)``: where outputs are probabilities of classes, one for each;
    - ``quantiles(x)``: where a table's quantiles were learned, their values in order;
    - ``classes`` and ``inputs``: their names, or null;
    - ``selfTest()``: throws unless the module says what the model said here.

    x is an array of n_1 numbers. For the model of a table, `predict`, `probabilities` and
    `quantiles` take a row instead: an object by the names of the columns, or an array of the
    entries, where holes are null, dates a Date or text of ISO 8601 in UTC, and durations days;
    ``prepare(row)`` has the numbers that `feedforward` takes. What does not fit throws a TypeError.

    Parameters
    ----------
    model : Network, Ensemble, Predictor, or a fitted estimator of chainrule.sklearn
    path : str or path object
        Used as it is; ``.mjs`` is known to Node as a module anywhere. An old file there is replaced
        when the new one is whole.

    Raises
    ------
    TypeError, ValueError
        For what has no blueprint: activations in Python, parameters that are not finite.
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> import chainrule as cr
    >>> from chainrule.convert import to_js
    >>> net = cr.Network([2, 3, 1], seed=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     to_js(net, f"{folder}/net.mjs")
    """
    path = file_name(path)
    text = module_of(blueprint_of(model))
    write_whole(path, lambda file: file.write(text.encode("ascii")))


def module_of(blueprint: Blueprint) -> str:
    """Return the module of a blueprint; its text is ASCII."""
    is_table = blueprint.preparation is not None
    parts = [_head(blueprint), networks_js(blueprint), part("js_functions.js")]
    if blueprint.preparation is not None:
        parts += [columns_js(blueprint.preparation), part("js_table.js")]
    parts += [part("js_answers.js"), _answers(blueprint, "prepare(x)" if is_table else "x")]
    return "\n".join([*parts, _vectors(blueprint)])


def _head(blueprint: Blueprint) -> str:
    check_exact("classes", blueprint.classes or ())
    chain = blueprint.chains[0]
    n = len(blueprint.chains)
    sizes = "-".join(map(str, chain.sizes))
    what = f"a network {sizes}" if n == 1 else f"the mean of {n} networks, the first {sizes}"
    if blueprint.preparation is not None:
        what = f"a table of {len(blueprint.preparation.columns)} columns, prepared for {what}"
    return (
        f"// {what}: written by chainrule {__version__}.\n"
        "// import { predict } from this file, in a browser or Node; it needs nothing besides.\n\n"
        f"const INPUTS = {blueprint.n_in}, OUTPUTS = {blueprint.n_out}, "
        f"THRESHOLD = {literal(blueprint.threshold)};\n\n"
        "/** What the inputs are called; null where they have no names. */\n"
        f"export const inputs = {literal(blueprint.inputs)};\n\n"
        "/** What the classes are called, in the order of the outputs; null for other answers. */\n"
        f"export const classes = {literal(blueprint.classes)};\n"
    )


def networks_js(blueprint: Blueprint) -> str:
    """Return the networks with all their numbers."""
    each = zip(blueprint.chains, blueprint.shares.tolist(), strict=True)
    return "const networks = [" + ", ".join(_network(*one) for one in each) + "];\n"


def _network(chain: Chain, share: float) -> str:
    layers = [
        f"{{ activation: {literal(layer.activation)}, parameter: {literal(layer.parameter)},\n"
        f"biases: {numbers_js(layer.biases)},\nweights: {numbers_js(layer.weights)} }}"
        for layer in chain.layers
    ]
    return (
        f"{{\nshare: {literal(share)},\nscaling: {_scaling(chain.scaling)},\n"
        f"layers: [{', '.join(layers)}],\noutputScaling: {_scaling(chain.output_scaling)},\n}}"
    )


def _scaling(scaling: tuple[NDArray[Any], NDArray[Any]] | None) -> str:
    if scaling is None:
        return "null"
    scale, shift = map(numbers_js, scaling)
    return f"{{ scale: {scale}, shift: {shift} }}"


def _answers(blueprint: Blueprint, x: str) -> str:
    """Return the functions that answer, of which there are those that the model has."""
    said = f"feedforward({x})"
    if blueprint.answers == "classes":
        answer = f"classOf({said})"
    elif blueprint.answers == "multilabel":
        answer = f"Array.from({said}, (a) => Number(a > THRESHOLD))"
    elif blueprint.levels is not None:
        answer = f"quantiles(x)[{blueprint.middle}]"
    else:
        answer = f"{said}[0]" if blueprint.n_out == 1 else said
    functions = [
        "// ---------------------------------------------------------------- the answers\n",
        "/** The class, the value or the labels. */\n"
        f"export function predict(x) {{\n  return {answer};\n}}\n",
    ]
    if blueprint.levels is not None:
        functions.append(
            f"export const levels = {literal(blueprint.levels)};\n\n"
            "/** A value for each of the levels; no two of them cross. */\n"
            f"export function quantiles(x) {{\n  return {said}.sort();\n}}\n"
        )
    if (probabilities := _probabilities(blueprint, said)) is not None:
        functions.append(
            "/** The probability of each class, in their order. */\n"
            f"export function probabilities(x) {{\n  {probabilities}\n}}\n"
        )
    return "\n".join(functions)


def _probabilities(blueprint: Blueprint, said: str) -> str | None:
    """Return the code of the probabilities; None where outputs are none."""
    if blueprint.answers != "classes" or not blueprint.are_probabilities:
        return None
    if blueprint.n_out == 1:
        return f"const [a] = {said};\n  return Float64Array.of(1 - a, a);"
    if blueprint.temperature == 1:
        return f"return {said};"
    least = float(np.finfo(blueprint.chains[0].dtype).tiny)
    return f"return tempered({said}, {literal(blueprint.temperature)}, {literal(least)});"


def _vectors(blueprint: Blueprint) -> str:
    """Return what the module tests itself with, where rounding cannot decide what is said."""
    rows: Iterable[Any]
    if blueprint.preparation is None:
        x = rows = _trial_inputs(blueprint.chains[0])
    else:
        rows, x = trial_rows(blueprint.preparation, VECTORS)
    expected, within = exactly(blueprint, x)
    lines = [
        "  "
        + literal(
            {"given": list(row), "expected": said.tolist(), "within": bound.tolist()}
            | ({} if blueprint.preparation is None else {"prepared": prepared.tolist()})
        )
        for row, prepared, said, bound in zip(rows, x, expected, within, strict=True)
        if np.isfinite([said, bound]).all()
    ]
    return "const VECTORS = [\n" + ",\n".join(lines) + "\n];\n"


def _trial_inputs(chain: Chain) -> NDArray[np.float64]:
    """Return inputs (VECTORS, n_1) that are normally distributed once they are scaled."""
    drawn = np.random.default_rng(0).normal(size=(VECTORS, chain.sizes[0])).round(3)
    if chain.scaling is None:
        return drawn
    scale, shift = chain.scaling
    return (drawn - shift) / np.where(scale == 0, 1.0, scale)
