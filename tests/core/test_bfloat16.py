"""Products of bfloat16 against NumPy: factors rounded by their bits, all else in float64."""

import copy
import pickle

import numpy as np
import pytest

import chainrule as cr
from carried import carried
from chainrule.core import _core
from children import python

SIZES, ROWS = [33, 70, 49, 5], 130
EPS = 2.0**-23


def rounded(x):
    """The nearest bfloat16 of finite numbers, of two as near the even one, as float64."""
    bits = np.ascontiguousarray(x, np.float32).view(np.uint32).astype(np.uint64)
    kept = ((bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000).astype(np.uint32)
    return kept.view(np.float32).astype(np.float64)


def product(a, b):
    """What a product of rounded factors is, and how far float32 sums of it may be from that."""
    a, b = rounded(a), rounded(b)
    return a @ b, (a.shape[1] + 2) * EPS * (abs(a) @ abs(b))


def network(**options):
    options = {"hidden": "tanh", "output": "identity", "precision": "bfloat16", "seed": 0} | options
    return cr.Network(SIZES, **options)


def samples(rng=None):
    rng = rng or np.random.default_rng(1)
    X = rng.normal(size=(ROWS, SIZES[0])).astype(np.float32)
    return X, rng.normal(size=(ROWS, SIZES[-1])).astype(np.float32)


def test_every_product_of_the_four_equations_has_rounded_factors():
    net = network()
    X, Y = samples()
    trace, nabla = net.trace(X, Y), net.backprop(X, Y, inputs=True)
    a = X
    for W, b, z, following in zip(net.weights, net.biases, trace.z, trace.a, strict=True):
        wanted, apart = product(a, W.T)
        assert (abs(z - (wanted + b)) <= apart + EPS * abs(b)).all()
        assert abs(z - a.astype(np.float64) @ W.T - b).max() > 1e-4  # the exact one is elsewhere
        a = following
    for i in (0, 1):
        wanted, apart = product(trace.delta[i + 1], net.weights[i + 1])
        slope = 1 - trace.a[i].astype(np.float64) ** 2
        assert (abs(trace.delta[i] - wanted * slope) <= apart + 8 * EPS * abs(wanted)).all()
    for a, delta, found in zip([X, *trace.a[:-1]], trace.delta, nabla.weights, strict=True):
        wanted, apart = product(delta.T, a)
        assert (abs(ROWS * found - wanted) <= apart + 4 * EPS * abs(wanted)).all()
        assert abs(found).max() > 1e-3
    wanted, apart = product(trace.delta[0], net.weights[0])
    assert (abs(nabla.inputs - wanted) <= apart).all()
    for delta, found in zip(trace.delta, nabla.biases, strict=True):  # sums alone: not rounded
        np.testing.assert_allclose(found, delta.mean(axis=0, dtype=float), rtol=1e-5, atol=1e-7)


def test_what_is_said_is_near_what_float32_says():
    X, _ = samples()
    ours, theirs = network()(X), network(precision=None)(X)
    assert 1e-4 < abs(ours - theirs).max() < 2.0**-6 * abs(theirs).max()


def test_one_sample_has_the_bits_of_many():
    net = network()
    X, _ = samples()
    said = net(X)
    for i in (0, 77):
        assert (net(X[i]) == said[i]).all()
        assert (net(X[i].tolist()) == said[i]).all()
    assert (net(X[:11]) == said[:11]).all()


def test_sparse_inputs_say_what_dense_ones_say():
    sparse = pytest.importorskip("scipy.sparse")
    X, Y = samples()
    X[abs(X) < 1] = 0
    dense, thin = network(), network()
    assert (dense(X) == thin(sparse.csr_matrix(X))).all()
    for net, given in ((dense, X), (thin, sparse.csr_matrix(X))):
        net.fit(given, Y, epochs=2, batch_size=50)
    assert carried(dense) == carried(thin)


@pytest.mark.parametrize("batch_size", [20, 100, 700])
def test_any_number_of_threads_comes_to_the_same_bits(batch_size):
    rng = np.random.default_rng(2)
    X = rng.normal(size=(1400, 40)).astype(np.float32)
    labels = rng.integers(0, 5, 1400)
    found = []
    for threads in (1, 2, 3, 5):
        net = cr.Network([40, 300, 260, 5], task="classification", precision="bfloat16", seed=0)
        net.fit(X, labels, epochs=2, batch_size=batch_size, threads=threads)
        found.append((carried(net), net.feedforward(X, threads=threads).tobytes()))
    assert all(each == found[0] for each in found)


def test_training_learns_as_in_float32():
    rng = np.random.default_rng(3)
    X = rng.normal(size=(600, 20)).astype(np.float32)
    labels = (X[:, :4] ** 2).sum(axis=1) > 3.4
    right = {}
    for precision in ("float32", "bfloat16"):
        net = cr.Network([20, 64, 1], task="classification", precision=precision, seed=0)
        net.fit(X, labels, optimizer=cr.Adam(0.01), epochs=60, batch_size=30)
        assert net.parameters.dtype == np.float32
        right[precision] = net.evaluate(X, labels)["accuracy"]
    assert right["bfloat16"] > 0.95
    assert abs(right["bfloat16"] - right["float32"]) < 0.02


def test_parameters_that_bfloat16_does_not_hold_go_on():
    """A step of 2**-12 of a weight is lost in bfloat16, and not in what is kept."""
    net = cr.Network([1, 1], output="identity", init="zeros", bias=False, precision="bfloat16")
    net.parameters[:] = 1
    for _ in range(10):
        net.fit([[1.0]], [[1 + 2.0**-12]], optimizer=cr.SGD(1.0), epochs=1)
    assert net.parameters[0] == np.float32(1 + 10 * 2.0**-12)


def test_float64_is_refused():
    with pytest.raises(ValueError, match=r"for dtype='float32'.*got dtype='float64'"):
        network(dtype="float64")
    net = network(dtype="float64", precision="float64")
    with pytest.raises(ValueError, match="for dtype='float32'"):
        net.precision = "bfloat16"
    assert net.precision == "float64"
    for wrong, error in (("float16", ValueError), ("float64", ValueError), (16, TypeError)):
        with pytest.raises(error, match="precision must be"):
            network(precision=wrong)


def test_it_can_be_assigned():
    X, Y = samples()
    net, plain = network(), network(precision=None)
    assert (net.precision, plain.precision) == ("bfloat16", "float32")
    net.precision = "float32"
    assert (net(X) == plain(X)).all()
    net.precision = "bfloat16"
    assert (net(X) == network()(X)).all()
    trainer = net.trainer(cr.SGD(0.1))
    trainer.step(X, Y)
    net.precision = "bfloat16"  # what it is
    trainer.step(X, Y)
    net.precision = None
    with pytest.raises(ValueError, match="precision"):
        trainer.step(X, Y)


def test_not_while_training_goes_on():
    def change(net, *_):
        net.precision = "float32"

    net = network()
    with pytest.raises(RuntimeError, match="precision"):
        net.fit(*samples(), epochs=1, callbacks=change)
    assert net.precision == "bfloat16"


def test_it_goes_wherever_the_network_goes(tmp_path):
    X, Y = samples()
    net = network()
    net.fit(X, Y, epochs=1)
    net.save(tmp_path / "net.npz")
    again = [copy.deepcopy(net), pickle.loads(pickle.dumps(net)), cr.load(tmp_path / "net.npz")]
    net.fit(X, Y, epochs=1)
    assert "precision='bfloat16'" in repr(net)
    for other in again:
        assert other.precision == "bfloat16"
        other.fit(X, Y, epochs=1)
        assert carried(other) == carried(net)
    assert "precision" not in repr(network(precision=None))


def test_steps_of_a_trainer_and_of_many_networks_are_those_of_fit():
    X, Y = samples()
    alone, stepped, beside = network(), network(), network()
    options = {"optimizer": cr.Adam(1e-3), "batch_size": ROWS, "shuffle": False}
    alone.fit(X, Y, epochs=3, **options)
    trainer = stepped.trainer(cr.Adam(1e-3))
    for _ in range(3):
        trainer.step(X, Y)
    cr.fit_many([beside, network(precision=None, seed=1)], X, Y, epochs=3, **options)
    assert (alone.parameters == stepped.parameters).all()
    assert (alone.parameters == beside.parameters).all()


def test_an_ensemble_keeps_each_ones_own(tmp_path):
    X, _ = samples()
    both = cr.Ensemble([network(), network(precision=None, seed=1)])
    both.save(tmp_path / "both.npz")
    again = cr.load(tmp_path / "both.npz")
    assert [net.precision for net in again] == ["bfloat16", "float32"]
    assert (again(X) == both(X)).all()


@pytest.mark.parametrize("optimizer", [cr.LBFGS(), cr.LevenbergMarquardt()])
def test_full_batch_optimisers_refuse_it(optimizer):
    net = network()
    before = net.parameters.copy()
    with pytest.raises(ValueError, match=r"net.precision = 'float32'"):
        net.fit(*samples(), optimizer=optimizer, epochs=1)
    assert (net.parameters == before).all()


def test_gradient_checks_and_second_derivatives_are_of_the_unrounded_network():
    X, Y = samples()
    net, plain = network(), network(precision=None)
    check = cr.check_gradient(net, X[:3], Y[:3])
    assert check.passed
    assert check.errors == cr.check_gradient(plain, X[:3], Y[:3]).errors
    assert "without rounding to bfloat16" in str(check)
    v = np.ones(net.parameters.size)
    ours, theirs = (each.hessian_vector(X, Y, v).parameters for each in (net, plain))
    assert (ours == theirs).all()


@pytest.mark.parametrize(
    ("write", "name"),
    [
        ("to_onnx", "a.onnx"),
        ("to_c", "a.c"),
        ("to_js", "a.mjs"),
        ("to_safetensors", "a.safetensors"),
    ],
)
def test_other_tools_refuse_it_until_it_is_float32(write, name, tmp_path):
    net, path = network(), tmp_path / name
    write = getattr(cr.convert, write)
    with pytest.raises(ValueError, match=r"bfloat16.*net.precision = 'float32'"):
        write(net, path)
    assert not path.exists()
    net.precision = "float32"
    write(net, path)
    assert path.exists()


VARIANTS = """
import sys
import numpy as np
import chainrule as cr
rng = np.random.default_rng(5)
X = rng.normal(size=(70, 300)).astype(np.float32)
Y = rng.normal(size=(70, 60)).astype(np.float32)
net = cr.Network([300, 90, 60], hidden="tanh", output="identity", precision="bfloat16", seed=0)
nabla = net.backprop(X, Y)
nabla.parameters.tofile(sys.argv[1])
"""


def test_all_instruction_sets_agree_within_the_bound(simd, best_simd, tmp_path):
    """The same factors in all; where a is near the middle of two bfloat16, one digit apart."""
    found = []
    for variant in (simd, best_simd):
        python("-c", VARIANTS, str(tmp_path / "g"), CHAINRULE_SIMD=variant)
        found.append(np.fromfile(tmp_path / "g", np.float32))
    assert abs(found[0]).max() > 1e-3
    assert abs(found[0] - found[1]).max() <= 2.0**-9 * abs(found[1]).max()


def test_the_kernel_is_the_one_of_the_processor():
    assert _core.simd_name() in python("-m", "chainrule", "info")
    assert "bfloat16" in python("-m", "chainrule", "info")
