"""`to_c`: a model as a C99 file that needs nothing but a compiler."""

import os
from functools import partial
from typing import Any, BinaryIO, Literal

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from chainrule.checks.keywords import known_options
from chainrule.checks.options import check_flag, check_name
from chainrule.convert.blueprint import Blueprint, blueprint_of
from chainrule.convert.c import model as c_model
from chainrule.convert.c import names, templates
from chainrule.convert.c.bound import bound_of
from chainrule.convert.c.calls import write_functions
from chainrule.convert.c.derivatives import check_gradient, check_trained
from chainrule.convert.c.fixed_point import LARGEST, fixed_point_of, write_fixed
from chainrule.convert.c.program import Program, program_of
from chainrule.convert.c.reference import largest_difference, reference_of
from chainrule.convert.c.report import CReport
from chainrule.convert.c.source import Source, file_of, header_of, opening, write_network
from chainrule.convert.c.table import Table
from chainrule.files.model_file import file_name
from chainrule.results.whole_file import check_place, write_whole


@known_options()
def to_c(
    model: Any,
    path: str | os.PathLike[str],
    *,
    name: str | None = None,
    header: bool = True,
    dtype: DTypeLike | None = None,
    data: ArrayLike | None = None,
    gradient: bool = False,
    train: bool = False,
    fixed_point: Literal["int8", "int16"] | None = None,
) -> CReport:
    """Write a model as a file of C99 and its header, which compute what it says of a row.

    The file needs a compiler and nothing else: it allocates nothing, calls no library (but ``sqrt``
    for tables), and may be called by several threads at once. Each sum is taken in the order of its
    terms, e^x and all that comes of it is its own, so that each output has the same bits with every
    compiler and on every processor, without contraction (``-ffp-contract=off``; ``-std=c99`` of gcc
    says so). Compiled with ``-DSELF_TEST`` it is a program that ends with 0 if that is so.

    Parameters
    ----------
    model : Network, Ensemble, Predictor, or a fitted estimator of chainrule.sklearn
        Scaling, classes, the preparation of tables, temperature and shares are all written.
    path : str or path object
        Of the C file, ending in .c; the header stands beside it, ending in .h. Old files there are
        replaced, each when the new one is whole.
    name : str, optional
        What its functions begin with: ``NAME_feedforward``, ``NAME_predict``. By default the name
        of the file.
    header : bool, default True
        Whether there is a header; else the C file has its lines.
    dtype : {"float32", "float64"}, optional
        Of its arithmetic; by default that of the network.
    data : array (m, n_1), or a table, optional
        Rows for which the file's arithmetic is held against the model, and whose least and largest
        inputs the bound is for.
    gradient : bool, default False
        Whether there is ``NAME_gradient``, which writes ∂output/∂input.
    train : bool, default False
        Whether there is ``NAME_train``, which takes a step of gradient descent on one sample: BP1
        to BP4, by the network's cost. The parameters are then the caller's, in RAM.
    fixed_point : {"int8", "int16"}, optional
        Weights and activations in whole numbers, whose sums are exact and cannot overflow: a
        quarter or half of the bytes. For one network; `data` says how large activations get, and
        must be like the rows to come: what is larger is cut off.

    Returns
    -------
    CReport
        Bytes, operations, and by how much it may be off; the same table stands in the files.

    Raises
    ------
    ValueError, TypeError
        For what is no such model, not set or not finite, and for options that do not fit, before
        anything is written.
    OSError
        If a file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> import chainrule as cr
    >>> from chainrule.convert import to_c
    >>> net = cr.Network([4, 16, 16, 1], hidden="tanh", seed=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     report = to_c(net, f"{folder}/small.c")
    >>> report.name, report.operations, report.bound < 1e-4
    ('small', 336, True)
    """
    path, beside = _checked_places(path, check_flag("header", header))
    stem = os.path.splitext(os.path.basename(path))[0]
    name = names.name_of(stem) if name is None else names.checked_name(name)
    blueprint = blueprint_of(model)
    program = program_of(blueprint, _checked_dtype(dtype, blueprint))
    if check_flag("gradient", gradient):
        check_gradient(program)
    if check_flag("train", train):
        check_trained(program)
    _check_fixed(fixed_point, data, gradient or train)
    inputs, said = (None, None) if data is None else reference_of(model, data, program)
    fixed = None
    if fixed_point is not None and inputs is not None:
        fixed = fixed_point_of(program, fixed_point, inputs)
    source = Source()
    if fixed is not None:
        write_fixed(source, fixed)
    else:
        public = f"{name}_parameters" if train else ""
        write_network(source, program, slopes=gradient or train, public=public)
    means = partial(c_model.means, program) if fixed is None else fixed.means
    table = write_functions(source, program, name, means, gradient=gradient, train=train)
    bound, of = (None, "") if fixed is not None else _bound(program, table, inputs)
    worst = None
    if inputs is not None and said is not None:
        worst = largest_difference(c_model.finished(program, means(inputs)), said)
    report = CReport(
        (path,) if beside is None else (path, beside), name, source.flash, source.ram,
        sum(stage.weights.size for stage in program.stages),
        sum(stage.biases.size for stage in program.stages), bound, of, worst,
        "" if fixed is None else fixed.proof,
    )  # fmt: skip
    comment = opening(name, _what(blueprint), report.rows)
    kind, guard = templates.type_of(program.dtype), f"{name.upper()}_H"
    if beside is None:
        texts = {path: file_of(source, kind, comment, "\n" + "\n".join(source.declared))}
    else:
        included = f'#include "{os.path.basename(beside)}"\n'
        texts = {
            beside: header_of(guard, source, comment),
            path: file_of(source, kind, comment, included),
        }
    for place, text in texts.items():
        write_whole(place, partial(_put, text))
    return report


def _put(text: str, file: BinaryIO) -> None:
    file.write(text.encode())


def _checked_places(path: str | os.PathLike[str], header: bool) -> tuple[str, str | None]:
    path = file_name(path)
    if not isinstance(path, str) or not path.endswith(".c"):
        raise ValueError(f"path must be that of a C file, such as 'model.c'; got {path!r}")
    if set(os.path.basename(path)) & set('"\\\n\r'):  # which #include cannot name
        raise ValueError(f"path must be of a file without quotes and backslashes; got {path!r}")
    beside = f"{path[:-2]}.h" if header else None
    for place in filter(None, (path, beside)):
        check_place(place)
    return path, beside


def _checked_dtype(dtype: DTypeLike | None, blueprint: Blueprint) -> np.dtype[Any]:
    if dtype is None:
        return np.result_type(*(chain.dtype for chain in blueprint.chains))
    try:
        found = np.dtype(dtype)
    except TypeError:
        found = None
    if found not in (np.float32, np.float64):
        raise ValueError(f"dtype must be 'float32' or 'float64'; got {dtype!r}")
    return found


def _check_fixed(fixed_point: Any, data: Any, derivatives: bool) -> None:
    if fixed_point is None:
        return
    check_name("fixed_point", fixed_point, tuple(LARGEST))
    if data is None:
        raise ValueError(
            "fixed_point needs data, rows like those to come, to see how large activations get"
        )
    if derivatives:
        raise ValueError("fixed_point has no slopes: leave out gradient and train")


def _what(blueprint: Blueprint) -> str:
    kind = "ensemble" if len(blueprint.chains) > 1 else "network"
    sizes = "-".join(map(str, blueprint.chains[0].sizes))
    return f"{'an' if kind == 'ensemble' else 'a'} {kind} of {sizes} neurons"


def _bound(program: Program, table: Table | None, inputs: NDArray[Any] | None) -> tuple[float, str]:
    """Return the bound, and for which inputs it is."""
    n = program.n_in
    low, high, what, of = np.full(n, -1.0), np.full(n, 1.0), "inputs", "inputs from -1 to 1"
    if table is not None:
        low, high, what, of = table.low, table.high, "prepared", "any row"
    elif inputs is not None:
        low, high = (each(inputs, axis=0).astype(np.float64) for each in (np.min, np.max))
        of = "inputs in the range of the data"
    elif program.members[0].scaling is not None:
        what, of = "scaled", "scaled inputs from -1 to 1"
    return float(bound_of(program, low, high, what).max()), of
