"""trace(gradients=True): the gradient of each sample's own cost."""

import numpy as np
import pytest

import oracle
from oracle import TOLERANCE, assert_close

each_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])


@each_dtype
@pytest.mark.parametrize(("output", "cost"), oracle.PAIRS)
@pytest.mark.parametrize("hidden", ["sigmoid", "tanh", "relu", "identity"])
@pytest.mark.parametrize("bias", [True, False], ids=["bias", "nobias"])
def test_gradients_of_samples(draw_problem, hidden, output, cost, bias, dtype):
    """Each is what the definition gives for that sample alone; their mean is backprop."""
    options = {"hidden": hidden, "output": output, "cost": cost, "bias": bias, "dtype": dtype}
    sizes, rows = (5, 17, 9, 3), 7
    net, x, y = draw_problem(sizes, rows, **options)
    twin, trace, nabla = oracle.copy_of(net), net.trace(x, y, gradients=True), net.backprop(x, y)
    found = trace.gradients
    assert found.parameters.shape == (rows, net.parameters.size)
    assert found.parameters.dtype == dtype
    assert len(found.biases) == 3 * bias
    tolerance = 10 * TOLERANCE[dtype]
    expected = [oracle.backprop(twin, x[s : s + 1], y[s : s + 1]) for s in range(rows)]
    for i in range(3):
        assert found.weights[i].shape == (rows, sizes[i + 1], sizes[i])
        assert_close(found.weights[i], np.stack([w[i] for w, _, _ in expected]), tolerance)
        assert_close(oracle.float64(found.weights[i]).mean(axis=0), nabla.weights[i], tolerance)
        if bias:
            assert_close(found.biases[i], np.stack([b[i] for _, b, _ in expected]), tolerance)
            assert_close(found.biases[i], oracle.float64(trace.delta[i]), tolerance)


@each_dtype
def test_gradients_of_samples_are_those_of_backprop_bit_by_bit(draw_problem, dtype):
    net, x, _ = draw_problem((5, 17, 3), 600, output="softmax", cost="log_likelihood", dtype=dtype)
    labels = np.random.default_rng(0).integers(3, size=600)
    found = net.trace(x, labels, gradients=True).gradients.parameters
    for s in (0, 1, 511, 512, 599):
        alone = net.backprop(x[s : s + 1], labels[s : s + 1])
        assert alone.parameters.any()
        np.testing.assert_array_equal(found[s], alone.parameters)


def test_a_trace_has_gradients_only_if_asked(draw_problem):
    net, x, y = draw_problem((5, 6, 3), 4)
    with_them, without = net.trace(x, y, gradients=True), net.trace(x, y)
    assert without.gradients is None
    for kind in ("z", "a", "delta"):
        for one, other in zip(getattr(with_them, kind), getattr(without, kind), strict=True):
            np.testing.assert_array_equal(one, other)
    for wrong in (1, "yes", None):
        with pytest.raises(TypeError, match="gradients must be True or False"):
            net.trace(x, y, gradients=wrong)
