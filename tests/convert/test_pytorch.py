"""PyTorch: modules and arrays, both ways, held against PyTorch itself where it is."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.convert import from_torch, to_torch
from random_networks import HIDDEN, draw_network

# PyTorch has no module of these, nor of a swish with another parameter.
HAD = [each for each in HIDDEN if str(each) not in ("exponential", "step", "swish(beta=1.7)")]


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch", reason="needs PyTorch")


def test_500_networks_go_and_come_back(torch):
    exact = 0
    for seed in range(500):
        scaled = bool(seed % 2)
        net, X = draw_network(seed, hidden=HAD, outputs=["softmax", *HAD], scaled=scaled)
        module = to_torch(net)
        said, wanted = module(torch.from_numpy(X)).detach().numpy(), net(X)
        assert said.dtype == wanted.dtype
        bound = 32 * np.finfo(net.dtype).eps * max(1, abs(wanted).max())
        assert abs(said - wanted).max() <= bound, seed
        again = from_torch(module)
        assert again.dtype == net.dtype
        if not net._scaling and not net._output_scaling and net.scale.size == 0:
            exact += 1
            assert (repr(again.hidden), repr(again.output)) == (repr(net.hidden), repr(net.output))
            np.testing.assert_array_equal(again(X), wanted)
        else:
            assert abs(again(X) - wanted).max() <= bound
    assert exact > 250


def test_the_state_dict_alone(torch):
    net, X = draw_network(3, hidden=["tanh"], outputs=["softmax"], scaled=False)
    again = from_torch(to_torch(net).state_dict(), hidden="tanh", output="softmax")
    np.testing.assert_array_equal(again(X), net(X))
    half = {name: each.to(torch.bfloat16) for name, each in to_torch(net).state_dict().items()}
    rounded = from_torch(half, hidden="tanh", output="softmax")
    assert rounded.dtype == np.float32
    assert (rounded.weights[0] == half["0.weight"].float().numpy()).all()


def test_a_model_of_pytorch_with_all_that_may_stand_in_it(torch):
    nn = torch.nn
    act = nn.ReLU()
    block = nn.Sequential(nn.Linear(4, 4), act, nn.Dropout(0.5))
    module = nn.Sequential(
        nn.Flatten(), nn.Linear(6, 4, bias=False), act, block, nn.Identity(), nn.Linear(4, 3)
    )  # fmt: skip
    net = from_torch(module, output="softmax")
    X = np.random.default_rng(0).normal(size=(5, 6)).astype(np.float32)
    wanted = torch.softmax(module.eval()(torch.from_numpy(X)), 1).detach().numpy()
    np.testing.assert_allclose(net(X), wanted, atol=1e-6)
    assert (net.hidden, net.output, net.cost) == (("relu", "relu"), "softmax", "log_likelihood")
    assert net.bias


def test_its_random_generator_stays_where_it_is(torch):
    before = torch.get_rng_state()
    to_torch(cr.Network([3, 4, 2], seed=0))
    assert torch.equal(before, torch.get_rng_state())


def test_it_trains_there_and_the_network_does_not_change(torch):
    net = cr.Network([3, 4, 2], init="glorot", seed=0)
    module, before = to_torch(net), net.parameters.copy()
    module(torch.ones(1, 3)).sum().backward()
    with torch.no_grad():
        for each in module.parameters():
            each.sub_(each.grad)
    assert (net.parameters == before).all()


def test_an_estimator_that_has_a_network(torch):
    pytest.importorskip("sklearn", reason="needs scikit-learn")
    from chainrule.sklearn import MLPClassifier

    X = np.random.default_rng(0).normal(size=(40, 3))
    estimator = MLPClassifier((5,), max_iter=3, tol=0).partial_fit(
        X, np.arange(40) % 3, classes=[0, 1, 2]
    )
    said = to_torch(estimator)(torch.from_numpy(X)).detach().numpy()
    np.testing.assert_allclose(said, estimator.predict_proba(X), atol=1e-12)


REFUSED = {
    "a module of your own": (lambda nn: type("Mine", (nn.Module,), {})(), "Mine.* Sequential, or"),
    "a sequential of your own": (lambda nn: type("S", (nn.Sequential,), {})(), "no module of tor"),
    "nothing": (lambda nn: nn.Sequential(), "at least one Linear"),
    "a norm": (lambda nn: nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)), "module 1 .BatchNorm"),
    "a convolution": (lambda nn: nn.Sequential(nn.Conv1d(1, 1, 1)), "module 0 .Conv1d"),
    "relu6": (lambda nn: nn.Sequential(nn.Linear(2, 2), nn.ReLU6()), "'relu' is near it"),
    "a tanh for gelu": (lambda nn: nn.Sequential(nn.Linear(2, 2), nn.GELU("tanh")), "another fun"),
    "a steep softplus": (lambda nn: nn.Sequential(nn.Linear(2, 2), nn.Softplus(2)), "another fun"),
    "a softplus cut off": (
        lambda nn: nn.Sequential(nn.Linear(2, 2), nn.Softplus(threshold=5)),
        "another function",
    ),
    "a softmax of columns": (
        lambda nn: nn.Sequential(nn.Linear(2, 2), nn.Softmax(0)),
        "another function",
    ),
    "log_softmax": (
        lambda nn: nn.Sequential(nn.Linear(2, 2), nn.LogSoftmax(1)),
        "without it, and output='softmax'",
    ),
    "a hidden softmax": (
        lambda nn: nn.Sequential(nn.Linear(2, 2), nn.Softmax(1), nn.Linear(2, 1)),
        "softmax is for the output",
    ),
    "nested": (
        lambda nn: nn.Sequential(nn.Sequential(nn.Linear(2, 2), nn.PReLU())),
        r"module 0\.1 \(PReLU\)",
    ),
}


@pytest.mark.parametrize(("make", "fragment"), REFUSED.values(), ids=REFUSED)
def test_modules_that_are_no_chain_are_refused_by_name(torch, make, fragment):
    with pytest.raises(ValueError, match=fragment):
        from_torch(make(torch.nn))


def test_hooks_and_activations_told_twice_are_refused(torch):
    module = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.ReLU())
    with pytest.raises(ValueError, match="leave hidden out"):
        from_torch(module, hidden="relu")
    with pytest.raises(ValueError, match="ends in 'relu'"):
        from_torch(module, output="tanh")
    module[0].register_forward_hook(lambda *_: None)
    with pytest.raises(ValueError, match=r"module 0 .Linear. has hooks"):
        from_torch(module)


def test_integers_are_no_weights(torch):
    with pytest.raises(TypeError, match="floating-point numbers in"):
        from_torch({"0.weight": torch.ones(2, 2, dtype=torch.int8)}, output="tanh")


@pytest.mark.parametrize("name", ["exponential", "step", cr.activations.swish(1.7)])
def test_activations_that_pytorch_has_not(torch, name):
    with pytest.raises(
        ValueError, match=r"layer 2 has the activation .* PyTorch has no module for"
    ):
        to_torch(cr.Network([2, 3, 1], hidden=name, seed=0))


def test_ensembles_go_nowhere():
    nets = [cr.Network([2, 1], seed=k) for k in range(2)]
    with pytest.raises(ValueError, match="to_torch holds one network, not an ensemble of 2"):
        to_torch(cr.Ensemble(nets))


# ---------------------------------------------------------------- arrays, without PyTorch

W, V = np.ones((3, 2), np.float32), np.ones((1, 3), np.float32)


def test_arrays_make_a_network_without_pytorch():
    arrays = {"body.in.weight": W, "body.in.bias": np.zeros(3, np.float16), "out.weight": V}
    net = from_torch(arrays, hidden=cr.activations.leaky_relu(0.5), output="identity")
    assert net.dtype == np.float32
    assert net([1.0, 2.0]).tolist() == [9.0]
    assert net([-1.0, -2.0]).tolist() == [-4.5]
    assert from_torch({"a.weight": V}, output="tanh").sizes == (3, 1)


@pytest.mark.parametrize(
    ("source", "options", "kind", "fragment"),
    [
        (3, {}, TypeError, r"got builtins\.int"),
        ({}, {"output": "tanh"}, ValueError, "got none"),
        ({"0.weight": V}, {}, ValueError, "do not tell the activations"),
        ({"0.weight": W, "1.weight": V}, {"output": "tanh"}, ValueError, "1 hidden layers"),
        ({"0.weight": W, "1.weight": W}, {"output": "tanh"}, ValueError, "layers must fit"),
        ({"0.bias": W}, {"output": "tanh"}, ValueError, "'0.weight' beside its bias"),
        ({"1.running_mean": W}, {"output": "tanh"}, ValueError, "got '1.running_mean'"),
        ({"weight": V * np.inf}, {"output": "tanh"}, ValueError, "must be finite"),
        ({"0.weight": V}, {"output": "tahn"}, ValueError, "mean 'tanh'"),
        ({"0.weight": V}, {"output": HIDDEN}, TypeError, "output activation"),
    ],
)
def test_arrays_that_are_no_chain_are_refused(source, options, kind, fragment):
    with pytest.raises(kind, match=fragment):
        from_torch(source, **options)


def test_an_activation_of_your_own_is_refused():
    class Sine:
        def value(self, z):
            return np.sin(z)

        def slope(self, z, a):
            return np.cos(z)

    with pytest.raises(TypeError, match="of your own, Sine"):
        from_torch({"0.weight": V}, output=Sine())
