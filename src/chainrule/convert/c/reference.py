"""What the model itself says of rows: what the C file is held against."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.checks.sparse_rows import SparseRows
from chainrule.convert.c.program import Program
from chainrule.network import Network
from chainrule.tables.predictor import Predictor


def reference_of(
    model: Any, data: Any, program: Program
) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Return inputs (m, n_1) of the networks in the dtype of C, and what the model says (m, n_L).

    Raises
    ------
    ValueError, TypeError
        As the model does, for rows that do not fit.
    """
    for name in ("predictor_", "network_"):
        if isinstance(found := getattr(model, name, None), Network | Predictor):
            model = found
    if isinstance(model, Predictor):
        prepared: Any = model.preparation.transform(data)
        inputs = prepared.dense() if isinstance(prepared, SparseRows) else prepared
        return inputs.astype(program.dtype), _said(model, data)
    rows = np.asarray(data)
    if rows.ndim != 2 or len(rows) == 0:
        raise ValueError(f"data must be rows (m, {program.n_in}); got shape {rows.shape}")
    rows = rows.astype(program.dtype)
    return rows, model(rows).astype(np.float64)


def _said(predictor: Predictor, data: Any) -> NDArray[np.float64]:
    if predictor.classes is not None:
        return predictor.predict_proba(data).astype(np.float64)
    if predictor.levels is not None:
        return predictor.predict_quantiles(data)
    return predictor.predict(data)[:, None]


def largest_difference(ours: NDArray[Any], said: NDArray[np.float64]) -> float:
    """Return the most by which outputs differ; infinity where only one of two is a number."""
    ours = ours.astype(np.float64)
    with np.errstate(invalid="ignore"):  # of infinity less infinity
        apart = np.abs(ours - said)
    apart[(ours == said) | (np.isnan(ours) & np.isnan(said))] = 0
    return float(np.where(np.isnan(apart), np.inf, apart).max())
