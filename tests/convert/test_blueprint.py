"""What a model computes in plain arrays: held against the model itself, by an oracle in NumPy."""

import numpy as np
import pytest

import chainrule as cr
from blueprint_oracle import said
from chainrule.convert.assembly import assembled
from chainrule.convert.blueprint import blueprint_of, one_chain
from random_networks import HIDDEN, draw_network

SMOOTH = [each for each in HIDDEN if each != "step"]  # which a rounding may flip


def bound(net):
    return 1e-4 if net.dtype == np.float32 else 1e-11


@pytest.mark.parametrize("seed", range(200))
def test_it_says_what_the_network_says(seed):
    net, X = draw_network(seed, hidden=SMOOTH, outputs=["softmax", *SMOOTH])
    np.testing.assert_allclose(said(blueprint_of(net), X), net(X), rtol=bound(net), atol=bound(net))


def test_an_ensemble_is_its_networks_and_their_shares():
    nets = [cr.Network([3, 5, 2], output="softmax", cost="log_likelihood", seed=k)
            for k in range(3)]  # fmt: skip
    ensemble = cr.Ensemble(nets, weights=[1, 0, 3])
    blueprint = blueprint_of(ensemble)
    X = np.random.default_rng(0).normal(size=(7, 3))
    assert blueprint.shares.tolist() == [0.25, 0.75]
    np.testing.assert_allclose(said(blueprint, X), ensemble(X), rtol=1e-5)


def test_it_is_a_copy():
    net = cr.Network([2, 3, 1], seed=0)
    blueprint = blueprint_of(net)
    before = blueprint.chains[0].layers[0].weights.copy()
    net.parameters[:] = 9
    assert (blueprint.chains[0].layers[0].weights == before).all()


@pytest.mark.parametrize("seed", range(50))
def test_a_network_is_made_of_it_again(seed):
    net, X = draw_network(seed)
    chain = one_chain(blueprint_of(net), "this")
    again = assembled(
        chain.layers,
        scaling=chain.scaling or (1.0, 0.0),
        output_scaling=chain.output_scaling or (1.0, 0.0),
        cost=net.cost,
        dtype=net.dtype,
    )
    assert (again.hidden, again.output) == (net.hidden, net.output)
    if net.scale.size == 0:
        np.testing.assert_array_equal(again(X), net(X))
    elif "step" not in (net.output, *net.hidden):
        np.testing.assert_allclose(again(X), net(X), rtol=bound(net), atol=bound(net))


class Square:
    def value(self, z):
        return z * z

    def slope(self, z, a):
        return 2 * z


def nan_network():
    net = cr.Network([2, 3, 1], seed=0)
    net.weights[1][0, 2] = np.nan
    return net


def mixture():
    return cr.Ensemble([cr.Network([2, 3, 2], output="identity", cost="gaussian", seed=k)
                        for k in range(2)])  # fmt: skip


@pytest.mark.parametrize(
    ("make", "kind", "fragment"),
    [
        (lambda: cr.Network([2, 3, 1], hidden=Square(), seed=0), TypeError, "layer 2 has an acti"),
        (lambda: cr.Network([2, 1], output=Square(), seed=0), TypeError, "of your own, Square"),
        (lambda: cr.Network([2, 1], task="regression", seed=0), ValueError, "not trained yet"),
        (nan_network, ValueError, "expected finite parameters"),
        (mixture, ValueError, "variance of a mixture"),
        (lambda: 3, TypeError, r"got builtins\.int"),
    ],
)
def test_what_is_refused(make, kind, fragment):
    with pytest.raises(kind, match=fragment):
        blueprint_of(make())


def test_an_estimator_is_asked_for_its_network():
    linear_model = pytest.importorskip("sklearn.linear_model", reason="needs scikit-learn")
    from chainrule.sklearn import MLPClassifier, TabularRegressor

    X, y = np.random.default_rng(0).normal(size=(80, 3)), np.arange(80) % 3
    with pytest.raises(ValueError, match="MLPClassifier is not fitted yet"):
        blueprint_of(MLPClassifier())
    with pytest.raises(TypeError, match="LogisticRegression"):
        blueprint_of(linear_model.LogisticRegression().fit(X, y))
    labels = np.array(list("abc"))[y]
    estimator = MLPClassifier((4,), random_state=0).partial_fit(X, labels, classes=list("abc"))
    found = blueprint_of(estimator)
    assert (found.answers, found.classes) == ("classes", ["a", "b", "c"])
    table = blueprint_of(TabularRegressor(preset="fast", random_state=0).fit(X, y * 2.0))
    assert table.preparation is not None
    assert table.n_in == table.preparation.width
    with pytest.raises(ValueError, match="classifier has seen one class alone, 'a'"):
        blueprint_of(MLPClassifier((4,), max_iter=1).partial_fit(X, ["a"] * 80, classes=["a"]))
    days = np.array(["2024-01-01", "2024-01-02"], "datetime64[D]")
    with pytest.raises(ValueError, match=r"whole numbers or truth values; got date: fit to text"):
        blueprint_of(MLPClassifier((4,)).partial_fit(X, days[y % 2], classes=days))


@pytest.mark.parametrize("way", ["to_c", "to_html", "to_js", "to_onnx", "to_safetensors"])
@pytest.mark.parametrize("path", [5, b"net.c", None])
def test_every_way_out_says_what_a_path_is(way, path):
    with pytest.raises(TypeError, match="expected a file name as str or path object, got"):
        getattr(cr.convert, way)(cr.Network([2, 1], seed=0), path)
