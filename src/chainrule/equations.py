"""The four equations of backpropagation as plain functions on arrays.

They run the same compiled code as `Network.fit` and `Network.backprop`, one equation at a time.
Arrays are (m, n_l), one sample a row, or (n_l,) for a single sample; float32 stays float32, all
else is taken to float64. A whole gradient by hand, for L = 3:

>>> import numpy as np
>>> import chainrule as cr
>>> from chainrule.equations import bp1, bp2, bp3, bp4
>>> net = cr.Network([2, 3, 1], dtype="float64", seed=0)
>>> x, y = np.array([[0.5, -1.0], [2.0, 0.0]]), np.array([[1.0], [0.0]])
>>> trace, nabla = net.trace(x, y), net.backprop(x, y)
>>> delta3 = bp1(trace.z[1], y)
>>> delta2 = bp2(net.weights[1], delta3, trace.z[0])
>>> bool(np.allclose(bp3(delta2), nabla.biases[0]))
True
>>> bool(np.allclose(bp4(delta2, x), nabla.weights[0]))
True
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.activations import Activation, check_slope, find_activation, find_hidden_activation
from chainrule.checks.arrays import as_numbers, as_real
from chainrule.core import _core
from chainrule.costs import Cost, find_cost

__all__ = ["bp1", "bp2", "bp3", "bp4", "hadamard"]


def hadamard(s: ArrayLike, t: ArrayLike) -> NDArray[Any]:
    """Return s ⊙ t, the product of arrays of one shape, entry by entry.

    Unlike NumPy's product it does not broadcast. In BP1 and BP2 the core multiplies by σ'(z) as it
    computes it, and by the mask of dropout as here.

    Parameters
    ----------
    s, t : array
        Of one shape.

    Returns
    -------
    ndarray like s

    Examples
    --------
    >>> from chainrule.equations import hadamard
    >>> hadamard([1.0, 2.0], [3.0, 4.0])
    array([3., 8.])
    """
    s, t = _as_real(s=s, t=t)
    if s.shape != t.shape:
        raise ValueError(f"s and t must have one shape; got {s.shape} and {t.shape}")
    product = s.copy()
    _core.multiply(product.reshape(-1), t.reshape(-1))
    return product


def bp1(
    z: ArrayLike,
    y: ArrayLike,
    *,
    activation: str | Activation = "sigmoid",
    cost: str | Cost = "quadratic",
) -> NDArray[Any]:
    """BP1: return δ^L = ∇_a C ⊙ σ'(z^L), the error of the output layer.

    Parameters
    ----------
    z : array (m, n_L) or (n_L,)
        Weighted inputs z^L of the output layer.
    y : array like z
        Targets; fewer than outputs for the costs with several outputs for each (quantile,
        gaussian).
    activation : str or Activation, default "sigmoid"
        σ of the output layer.
    cost : str or Cost, default "quadratic"
        C. Those for one activation alone give the product in closed form, as cross_entropy (with
        sigmoid) and log_likelihood (with softmax): a^L - y where the targets sum to 1.

    Returns
    -------
    ndarray like z
        ∂C_x/∂z^L of each sample, not divided by m.

    Raises
    ------
    ValueError
        For shapes that differ, names or pairs that are not known, and targets for which the cost
        is not: outside [0, 1] for cross_entropy, negative for log_likelihood.

    Examples
    --------
    >>> from chainrule.equations import bp1
    >>> bp1([0.0, 2.0], [1.0, 0.0]).round(4)  # (a - y) σ'(z)
    array([-0.125 ,  0.0925])
    >>> bp1([0.0, 2.0], [1.0, 0.0], cost="cross_entropy").round(4)  # a - y
    array([-0.5   ,  0.8808])
    """
    activation = find_activation("activation", activation)
    check_slope("activation is 'step'", activation.name)
    z, y = _as_real(z=z, y=y)
    rows = _rows("z", z)
    n_outputs = rows.shape[1]
    cost = find_cost(cost, activation.name, n_outputs)
    if z.shape[:-1] != y.shape[:-1] or y.shape[-1:] != (n_outputs // cost.outputs_per_target,):
        each = "" if cost.outputs_per_target == 1 else f", over {cost.outputs_per_target} columns"
        raise ValueError(f"z and y must have one shape{each}; got {z.shape} and {y.shape}")
    y = cost.read_targets("y", y)
    delta = np.empty_like(rows)
    targets = cost.lay_out(_rows("y", y))
    a = _activated(activation, rows)
    _core.bp1(activation.compiled, cost.compiled(n_outputs), rows, a, targets, delta)
    return delta.reshape(z.shape)


def bp2(
    weights: ArrayLike,
    delta: ArrayLike,
    z: ArrayLike,
    *,
    activation: str | Activation = "sigmoid",
) -> NDArray[Any]:
    """BP2: return δ^l = (δ^{l+1} W^{l+1}) ⊙ σ'(z^l), the error one layer further back.

    Parameters
    ----------
    weights : array (n_{l+1}, n_l)
        W^{l+1}.
    delta : array (m, n_{l+1}) or (n_{l+1},)
        δ^{l+1}.
    z : array (m, n_l) or (n_l,)
        z^l.
    activation : str or Activation, default "sigmoid"
        σ of layer l.

    Returns
    -------
    ndarray like z

    Examples
    --------
    >>> from chainrule.equations import bp2
    >>> W, delta, z = [[1.0, -2.0]], [0.5], [0.0, 0.0]
    >>> bp2(W, delta, z)
    array([ 0.125, -0.25 ])
    """
    activation = find_hidden_activation(activation)
    check_slope("activation is 'step'", activation.name)
    W, delta, z = _as_real(weights=weights, delta=delta, z=z)
    if W.ndim != 2 or z.shape != (*delta.shape[:-1], W.shape[1]) or delta.shape[-1:] != W.shape[:1]:
        raise ValueError(
            "weights must be (n_{l+1}, n_l), delta (m, n_{l+1}) and z (m, n_l); "
            f"got {W.shape}, {delta.shape} and {z.shape}"
        )
    rows = _rows("z", z)
    out = np.empty_like(rows)
    a = _activated(activation, rows)
    _core.bp2(activation.compiled, _rows("weights", W), _rows("delta", delta), rows, a, out)
    return out.reshape(z.shape)


def bp3(delta: ArrayLike) -> NDArray[Any]:
    """BP3: return ∂C/∂b^l = δ^l: the mean over samples of a batch.

    Parameters
    ----------
    delta : array (m, n_l) or (n_l,)
        δ^l.

    Returns
    -------
    ndarray (n_l,)

    Examples
    --------
    >>> from chainrule.equations import bp3
    >>> bp3([[1.0, 2.0], [3.0, 6.0]])  # of two samples: their mean
    array([2., 4.])
    """
    rows = _rows("delta", *_as_real(delta=delta))
    out = np.empty(rows.shape[1], rows.dtype)
    _core.bp3(rows, out)
    return out


def bp4(delta: ArrayLike, a: ArrayLike) -> NDArray[Any]:
    """BP4: return ∂C/∂W^l, where ∂C/∂w^l_jk = δ^l_j a^{l-1}_k: the mean over samples of a batch.

    Parameters
    ----------
    delta : array (m, n_l) or (n_l,)
        δ^l.
    a : array (m, n_{l-1}) or (n_{l-1},)
        a^{l-1}.

    Returns
    -------
    ndarray (n_l, n_{l-1})

    Examples
    --------
    >>> from chainrule.equations import bp4
    >>> bp4([1.0, 2.0], [10.0, 20.0, 30.0])
    array([[10., 20., 30.],
           [20., 40., 60.]])
    """
    delta, a = _as_real(delta=delta, a=a)
    if delta.shape[:-1] != a.shape[:-1]:
        raise ValueError(
            "delta (m, n_l) and a (m, n_{l-1}) must be of the same samples; "
            f"got shapes {delta.shape} and {a.shape}"
        )
    delta, a = _rows("delta", delta), _rows("a", a)
    out = np.empty((delta.shape[1], a.shape[1]), delta.dtype)
    _core.bp4(delta, a, out)
    return out


def _activated(activation: Activation, z: NDArray[Any]) -> NDArray[Any]:
    a = np.empty_like(z)
    _core.activate(activation.compiled, z, a)
    return a


def _rows(name: str, array: NDArray[Any]) -> NDArray[Any]:
    """Return (m, n) as it is and (n,) as (1, n)."""
    if array.ndim not in (1, 2) or not array.size:
        raise ValueError(
            f"{name} must be (samples, neurons), or (neurons,) for one sample, and not empty; "
            f"got shape {array.shape}"
        )
    return array.reshape(-1, array.shape[-1])


def _as_real(**arrays: ArrayLike) -> list[NDArray[Any]]:
    """Return the arrays, checked, in float32 if all are that, else in float64."""
    given = {name: as_numbers(name, array) for name, array in arrays.items()}
    all_single = all(a.dtype.newbyteorder("=") == np.float32 for a in given.values())
    dtype = np.dtype(np.float32 if all_single else np.float64)
    return [as_real(name, array, dtype) for name, array in given.items()]
