"""The command ``chainrule info``: what is at work here, and what a model file holds."""

import os
import platform
from collections import Counter
from typing import Any

import numpy as np

from chainrule.checks.threads import available_cores
from chainrule.command.check import INSTRUCTION_SETS
from chainrule.command.models import open_model
from chainrule.core import _core
from chainrule.files.archive import text_of
from chainrule.files.header import DTYPES, parse_object
from chainrule.files.model_file import reading
from chainrule.network import Network
from chainrule.sweeps.ensemble import Ensemble
from chainrule.tables.predictor import Predictor
from chainrule.version import __version__

SHOWN = 12  # of names and classes
FORCED = ("CHAINRULE_SIMD", "CHAINRULE_BLAS", "OMP_NUM_THREADS")  # variables that change all this


def run_info(model: str | None) -> None:
    """Tell the versions and what does the work; or of a model what it is.

    Raises
    ------
    OSError, ValueError
        For a file that holds no model.
    ImportError
        For an estimator of scikit-learn without that.
    """
    told = here() if model is None else about(model)
    width = max(map(len, told))
    for name, what in told.items():
        print(f"{name:{width}}  {what}")


def here() -> dict[str, str]:
    """Return what to paste into a report."""
    best = _core.simd_name()
    sets = (
        (*INSTRUCTION_SETS[: INSTRUCTION_SETS.index(best)], best)
        if best in INSTRUCTION_SETS
        else (best,)
    )
    told = {
        "chainrule": __version__,
        "BLAS": _core.blas_name(),
        "SIMD": best,
        "instruction sets": ", ".join(sets),
        "threads": f"{available_cores()} of {os.cpu_count()} processors",
        "precision": " or ".join(DTYPES),
        "bfloat16": "dot products" if best == "avx512bf16" else "rounded, multiplied in float32",
        "NumPy": np.__version__,
        "Python": f"{platform.python_version()} on {platform.system()} {platform.machine()}",
    }
    forced = {name: os.environ[name] for name in FORCED if name in os.environ}
    return told | ({"set by": ", ".join(f"{k}={v}" for k, v in forced.items())} if forced else {})


def about(path: str) -> dict[str, str]:
    """Return what a model file holds, line by line."""
    model = open_model(path)
    network = model
    if isinstance(model, Predictor):
        network = model.ensemble
    elif not isinstance(model, Network | Ensemble):
        network = model.network_
    told = {"file": f"{path}, {os.path.getsize(path):,} bytes, by chainrule {_writer(path)}"}
    told["model"] = _kind(model, network)
    if isinstance(model, Predictor) and model.target is not None:
        told["answers with"] = f"{model.target}, {_answers(model, network)}"
    else:
        told["answers with"] = _answers(model, network)
    if isinstance(model, Predictor):
        if model.classes is not None:
            told["temperature"] = f"{model.temperature:.4g}"
        told["inputs"] = (
            f"{model.preparation.width}, made of {len(model.preparation.columns)} columns"
        )
        for kind, columns in _by_kind(model).items():
            told[f"  {kind}"] = _listed(columns)
    elif (names := _names(model, network)) is not None:
        told["inputs"] = _listed(list(names))
    return told | _of_networks(network)


def _writer(path: str) -> str:
    """Return the version that wrote a file."""
    with reading(path) as raw:
        return str(parse_object(text_of("header", raw))["package_version"])


def _kind(model: Any, network: Any) -> str:
    if isinstance(model, Predictor):
        return f"model of a table, the mean of {len(network)} networks"
    if isinstance(model, Ensemble):
        return f"ensemble of {len(network)} networks"
    return (
        "network" if isinstance(model, Network) else f"{type(model).__name__} of chainrule.sklearn"
    )


def _names(model: Any, network: Any) -> Any:
    first = network[0] if isinstance(network, Ensemble) else network
    return getattr(model, "feature_names_in_", first.input_names)


def _answers(model: Any, network: Any) -> str:
    classes = getattr(model, "classes_", None)
    if classes is None:
        classes = model.classes if isinstance(model, Predictor | Network | Ensemble) else None
    if classes is not None:
        return f"one of {len(classes)} classes: {_listed([str(each) for each in classes])}"
    if isinstance(model, Predictor):
        levels = model.levels
        return "a value" if levels is None else f"quantiles {', '.join(f'{q:g}' for q in levels)}"
    n = (network[0] if isinstance(network, Ensemble) else network).sizes[-1]
    what = "labels, each there or not" if network.answers == "multilabel" else "values"
    return f"{n} {what}" if n > 1 else "a value"


def _by_kind(model: Predictor) -> dict[str, list[str]]:
    """Return the names of a table's columns by what they are to the networks."""
    columns = model.preparation.columns
    kinds: dict[str, list[str]] = {}
    for place, column in enumerate(columns):
        name = f"column {place}" if column.name is None else column.name
        kinds.setdefault(column.kind, []).append(name)
    return kinds


def _of_networks(network: Any) -> dict[str, str]:
    """Return what there is to say of networks, alike ones together."""
    nets = list(network) if isinstance(network, Ensemble) else [network]
    kinds = Counter(map(_formula, nets))
    alone = len(nets) == 1
    title = "network" if alone else "networks"
    told = "; ".join(each if alone else f"{n} of {each}" for each, n in kinds.items())
    return {title: told, "parameters": f"{sum(net.parameters.size for net in nets):,}"}


def _formula(net: Network) -> str:
    activations = ", ".join(map(str, [*net.hidden, net.output]))
    rounds = ", products of bfloat16" * net._rounds
    return f"{'-'.join(map(str, net.sizes))}, {activations}, cost {net.cost}, {net.dtype}{rounds}"


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
