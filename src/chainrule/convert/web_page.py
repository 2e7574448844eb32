"""`to_html`: a page on which one moves a small network's inputs and sees z, a and δ of each neuron.

`page.html`, `page.css` and `page.js` are the page, `js_functions.js` and `js_backward.js` its
arithmetic; what is written here is the network and what its inputs and outputs are called.
"""

import re
from collections.abc import Sequence
from html import escape
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.checks.arrays import as_real
from chainrule.checks.keywords import known_options
from chainrule.checks.options import check_text
from chainrule.convert.blueprint import Blueprint, Chain, blueprint_of, one_chain
from chainrule.convert.javascript import networks_js
from chainrule.convert.js_literals import literal, part
from chainrule.convert.rounding import exactly
from chainrule.costs import Cost, UserCost
from chainrule.files.model_file import file_name
from chainrule.network import Network
from chainrule.results.whole_file import write_whole
from chainrule.version import __version__

MOST_LAYERS, MOST_NEURONS, MOST_WEIGHTS = 8, 24, 800  # that can be told apart in a picture
FAR = 3.0  # a^1 of the sliders' ends, where no X says them
MOST = 1e100  # that a slider of outputs reaches, where exponentials overflow
SAMPLES = 256  # of inputs, by which the outputs' range is found


@known_options()
def to_html(
    net: Any,
    path: str | PathLike[str],
    *,
    X: ArrayLike | None = None,
    names: Sequence[str] | None = None,
    title: str = "A network",
) -> None:
    """Write a page that shows a small network at work, for a browser, without any other file.

    A slider moves each input. The picture has a circle for each neuron, coloured by its activation,
    and a line for each weight; the outputs stand beside it. A target, a class or a value, gives the
    cost C and δ of every neuron, by BP1 and BP2; a neuron that one points at, or goes to by the
    arrow keys, shows its row: weights, b, z, a, δ and ∂C/∂w = a δ. All is computed in float64.

    The address may say what is shown: ``page.html#x=1,0.5&target=2`` has the inputs, in their
    units, and the place of the class, or the values that the outputs should have.

    Parameters
    ----------
    net : Network, or an estimator of chainrule.sklearn that has one
        Of at most 8 layers, 24 neurons in each, and 800 weights.
    path : str or path object
        Used as it is. An old file there is replaced when the new one is whole.
    X : array (m, n_1), optional
        Inputs, whose least and largest are the ends of the sliders, and whose medians they begin
        at. By default a^1, what the network reads after its scaling, goes from -3 to 3.
    names : sequence of str, optional
        Of the inputs (n_1,); by default those of the frame that it was trained with, or x₁, x₂, ...
    title : str, default "A network"

    Raises
    ------
    ValueError
        For a network that is too large for a picture, for an ensemble and the model of a table, for
        X or names that do not fit.
    TypeError
        For what is no network, activations in Python, and names that are no text.
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> import chainrule as cr
    >>> from chainrule.convert import to_html
    >>> net = cr.Network([2, 3, 1], seed=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     to_html(net, f"{folder}/net.html", names=["left", "right"], title="Exclusive or")
    """
    path = file_name(path)
    blueprint = blueprint_of(net)
    chain = one_chain(blueprint, "a page")
    model = getattr(net, "network_", net)
    if not isinstance(model, Network):
        raise TypeError(
            "expected a Network, or an estimator that has one; give a network of the ensemble, "
            "ensemble[0]"
        )
    _check_size(chain)
    check_text("title", title)
    low, start, high = _ranges(chain, X)
    named = _names(names, blueprint)
    inputs = [
        {"name": name, "low": a, "start": b, "high": c}
        for name, a, b, c in zip(named, low.tolist(), start.tolist(), high.tolist(), strict=True)
    ]
    page = _page(blueprint, model._cost, inputs, _reached(blueprint, low, high))
    text = _filled(blueprint, page, title)
    write_whole(path, lambda file: file.write(text.encode("utf-8")))


def _check_size(chain: Chain) -> None:
    sizes, weights = chain.sizes, sum(layer.weights.size for layer in chain.layers)
    if len(sizes) > MOST_LAYERS or max(sizes) > MOST_NEURONS or weights > MOST_WEIGHTS:
        raise ValueError(
            f"expected a network of at most {MOST_LAYERS} layers, {MOST_NEURONS} neurons in each, "
            f"and {MOST_WEIGHTS} weights, which can be told apart in a picture; got sizes "
            f"{list(sizes)} and {weights} weights. to_js writes networks of any size"
        )


def _names(names: Sequence[str] | None, blueprint: Blueprint) -> list[str]:
    """Return what the inputs are called."""
    n = blueprint.n_in
    if names is None:
        return list(blueprint.inputs or _numbered("x", n))
    if isinstance(names, str) or not all(isinstance(each, str) for each in names):
        raise TypeError(f"names must be a list of text, one for each input; got {names!r:.200}")
    if len(names) != n:
        raise ValueError(f"names must be {n}, one for each input; got {len(names)}")
    return list(map(str, names))


def _numbered(letter: str, n: int) -> list[str]:
    if n == 1:
        return [letter]
    digits = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
    return [letter + str(k + 1).translate(digits) for k in range(n)]


def _ranges(chain: Chain, X: ArrayLike | None) -> tuple[NDArray[np.float64], ...]:
    """Return where sliders begin, stand at first, and end, (n_1,) each, in the inputs' units."""
    n = chain.sizes[0]
    scale, shift = chain.scaling or (np.ones(n), np.zeros(n))
    scale = np.where(scale == 0, 1.0, scale)
    ends = np.sort([(-FAR - shift) / scale, (FAR - shift) / scale], axis=0)
    middle = -shift / scale
    if X is None:
        return ends[0], middle, ends[1]
    given = as_real("X", X, np.float64)
    if given.ndim != 2 or given.shape[1] != n or len(given) == 0:
        raise ValueError(f"X must be inputs (m, {n}), m >= 1; got shape {given.shape}")
    low, start, high = given.min(axis=0), np.median(given, axis=0), given.max(axis=0)
    still = low == high  # a slider that could not be moved
    half = np.abs(ends[1] - ends[0]) / 2
    return np.where(still, low - half, low), start, np.where(still, high + half, high)


def _reached(
    blueprint: Blueprint, low: NDArray[np.float64], high: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the least and the largest that each output says within the sliders, (2, n_L)."""
    drawn = np.random.default_rng(0).uniform(low, high, (SAMPLES, len(low)))
    outputs = np.clip(np.nan_to_num(exactly(blueprint, drawn)[0]), -MOST, MOST)
    ends = np.array([outputs.min(axis=0), outputs.max(axis=0)])
    if blueprint.output in ("sigmoid", "softmax", "step", "hard_sigmoid", "tanh", "softsign"):
        bounds = np.array([-1.0 if blueprint.output in ("tanh", "softsign") else 0.0, 1.0])[:, None]
        scale, shift = blueprint.chains[0].output_scaling or (1.0, 0.0)
        return bounds * scale + shift * np.ones(blueprint.n_out)
    room = np.where(ends[1] > ends[0], 0.1 * (ends[1] - ends[0]), 1.0)
    return np.array([ends[0] - room, ends[1] + room])


def _page(
    blueprint: Blueprint,
    cost: Cost,
    inputs: list[dict[str, Any]],
    reached: NDArray[np.float64],
) -> dict[str, Any]:
    """Return what page.js has to know besides the network."""
    chain = blueprint.chains[0]
    reason = _why_no_delta(chain, cost)
    n_out, classes = blueprint.n_out, blueprint.classes
    each = cost.outputs_per_target
    n_targets = n_out // each
    of = cost.lay_out(np.arange(n_targets)[None])[0].tolist()  # the target of each output
    firsts = [of.index(t) for t in range(n_targets)]
    low, high = reached.tolist()
    outputs = [
        {"name": name, "low": a, "high": b}
        for name, a, b in zip(_output_names(blueprint, cost, of), low, high, strict=True)
    ]
    ranges = [
        {"name": name, "low": low[j], "high": high[j]}
        for name, j in zip(_numbered("y", n_targets), firsts, strict=True)
    ]
    names = None if classes is None else [str(name) for name in classes]
    middles = [round((low[j] + high[j]) / 2, 3) for j in firsts]
    return {
        "sizes": chain.sizes,
        "layers": [_called(layer.activation, layer.parameter) for layer in chain.layers],
        "inputs": inputs,
        "outputs": outputs,
        "names": names,
        "threshold": blueprint.threshold,
        "reason": reason,
        "cost": None
        if reason
        else {"name": cost.name, "parameters": cost.compiled(n_out)[1] or [0.0]},
        "target": {
            "classes": names, "low": 2 * blueprint.threshold - 1, "of": of, "ranges": ranges,
            "start": [0] if names else middles,
        },
    }  # fmt: skip


def _why_no_delta(chain: Chain, cost: Cost) -> str | None:
    """Return why there is no δ to show; None where there is."""
    if isinstance(cost, UserCost):
        return f"There is no δ here: the cost, {cost.name}, is a function in Python."
    if any(layer.activation == "step" for layer in chain.layers):
        return "There is no δ here: a step has no derivative by which it could learn."
    return None


def _called(activation: str, parameter: float) -> str:
    return f"{activation} {parameter:g}" if parameter else activation


def _output_names(blueprint: Blueprint, cost: Cost, of: list[int]) -> list[str]:
    if blueprint.classes is not None and blueprint.n_out > 1:
        return [str(name) for name in blueprint.classes]
    if blueprint.classes is not None:
        return [f"towards {blueprint.classes[-1]}"]
    targets = _numbered("y", max(of) + 1)
    if cost.name == "gaussian":
        n = len(of) // 2
        return [f"μ of {targets[t]}" for t in of[:n]] + [f"ln σ² of {targets[t]}" for t in of[n:]]
    if cost.name == "quantile":
        _, levels = cost.compiled(len(of))
        return [f"{targets[t]} at {level:g}" for t, level in zip(of, levels, strict=True)]
    return [targets[t] for t in of]


def _filled(blueprint: Blueprint, page: dict[str, Any], title: str) -> str:
    """Return the page with all its parts."""
    chain = blueprint.chains[0]
    what = (
        f"{'-'.join(map(str, chain.sizes))} neurons; {', '.join(page['layers'])}; "
        f"{blueprint.cost} cost"
    )
    script = "\n".join(
        [networks_js(blueprint), f"const PAGE = {literal(page)};\n"]
        + [part(name) for name in ("js_functions.js", "js_backward.js", "page.js")]
    )
    filling = {
        "generator": f"chainrule {__version__}", "title": escape(title), "what": escape(what),
        "style": part("page.css"), "script": script,
    }  # fmt: skip
    return re.sub(r"\{\{(\w+)\}\}", lambda found: filling[found[1]], part("page.html"))
