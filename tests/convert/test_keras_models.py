"""Keras: models both ways, on the backend that there is, held against what they say."""

import importlib.util
import os

import numpy as np
import pytest

import chainrule as cr
from chainrule.convert import from_keras, to_keras
from random_networks import HIDDEN, draw_network

# Keras looks once, as it is imported, for what stands behind it.
HERE = [each for each in ("torch", "jax", "tensorflow") if importlib.util.find_spec(each)]
if HERE:
    os.environ.setdefault("KERAS_BACKEND", HERE[0])
else:
    pytest.skip("needs a backend of Keras", allow_module_level=True)
keras = pytest.importorskip("keras", reason="needs Keras")

# Of Keras itself, where it takes arrays out of PyTorch.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
layers = keras.layers
HAD = [each for each in HIDDEN if str(each) not in ("step", "swish(beta=1.7)")]
IS_JAX = keras.backend.backend() == "jax"  # which compiles each shape anew, and has no float64
X = np.random.default_rng(0).normal(size=(5, 6)).astype(np.float32)


def said_by(model, X):
    return keras.ops.convert_to_numpy(model(X))


def test_networks_go_and_come_back():
    """120; 4 on JAX. Products are in float32 there, whatever the dtype."""
    exact = 0
    for seed in range(4 if IS_JAX else 120):
        dtype = "float32" if IS_JAX else None
        net, some = draw_network(seed, hidden=HAD, outputs=["softmax", *HAD], dtype=dtype)
        model = to_keras(net)
        said, wanted = said_by(model, some), net(some)
        assert said.dtype == net.dtype
        bound = 64 * np.finfo(np.float32).eps * max(1, abs(wanted).max())
        assert abs(said - wanted).max() <= bound, seed
        again = from_keras(model)
        told = ("hidden", "output", "dtype")
        assert [repr(getattr(again, each)) for each in told] == [
            repr(getattr(net, each)) for each in told
        ]
        if net.scale.size == 0:
            exact += 1
            np.testing.assert_array_equal(again(some), wanted)
        else:
            assert abs(again(some) - wanted).max() <= bound
    assert exact > (0 if IS_JAX else 70)


def test_a_model_goes_through_a_file(tmp_path):
    net, some = draw_network(2, hidden=["elu"], outputs=["identity"], dtype="float32")
    to_keras(net).save(tmp_path / "net.keras")
    again = from_keras(keras.models.load_model(tmp_path / "net.keras"))
    np.testing.assert_allclose(again(some), net(some), rtol=1e-6)


def test_its_random_generator_stays_where_it_is():
    keras.utils.set_random_seed(0)
    wanted = keras.ops.convert_to_numpy(keras.random.normal((3,)))
    keras.utils.set_random_seed(0)
    to_keras(cr.Network([3, 4, 2], seed=0))
    assert (keras.ops.convert_to_numpy(keras.random.normal((3,))) == wanted).all()


def models():
    """Models as users have them, each with what else to tell."""
    dense = layers.Dense
    normalization = layers.Normalization()
    normalization.adapt(X * 3 + 1)
    block = keras.Sequential([dense(4, "tanh"), layers.Dropout(0.5)])
    i = keras.Input((6,))
    functional = keras.Model(i, dense(2, "softmax")(dense(3, "gelu")(layers.Rescaling(0.5)(i))))
    yield keras.Sequential([keras.Input((6,)), normalization, dense(4, "relu"), dense(1)])
    yield keras.Sequential([keras.Input((6,)), block, layers.GaussianNoise(1.0), dense(2)])
    yield functional
    yield keras.Sequential(
        [
            keras.Input((6,)),
            layers.Rescaling([1, 2, 3, 4, 5, 6], 1.0),
            layers.Normalization(mean=np.ones(6), variance=[1, 2, 3, 4, 5, 0]),
            dense(3, use_bias=False),
            layers.ReLU(negative_slope=0.3),
            dense(3, layers.LeakyReLU(0.1)),
            dense(3, "leaky_relu"),
            dense(2),
            layers.Activation("sigmoid"),
            layers.Identity(),
        ]
    )
    yield keras.Sequential(
        [
            keras.Input((6,)),
            dense(3, "silu"),
            dense(2, "linear"),
            layers.Normalization(mean=2.0, variance=9.0, invert=True),
        ]
    )


def test_models_of_keras_with_all_that_may_stand_in_them():
    for model in models():
        net = from_keras(model)
        np.testing.assert_allclose(net(X), said_by(model, X), rtol=2e-5, atol=2e-5)


def test_images_and_a_loss_that_takes_the_softmax():
    model = keras.Sequential(
        [keras.Input((2, 3)), layers.Rescaling(1 / 255), layers.Flatten(), layers.Dense(3)]
    )
    net = from_keras(model, output="softmax")
    images = np.arange(30, dtype=np.float32).reshape(5, 2, 3) * 8
    said = said_by(keras.Sequential([model, layers.Softmax()]), images)
    np.testing.assert_allclose(net(images.reshape(5, 6)), said, atol=1e-6)
    assert net.cost == "log_likelihood"


def test_a_model_that_was_called_without_an_input():
    model = keras.Sequential([layers.Dense(2)])
    with pytest.raises(ValueError, match="is not built yet"):
        from_keras(model)
    model(X)
    assert from_keras(model).sizes == (6, 2)
    assert from_keras(model).bias  # zeros, as Keras begins with


def after(*parts):
    return keras.Sequential([keras.Input((6,)), layers.Dense(2), *parts])


class Mine(layers.Layer):
    def call(self, x):
        return x


def branching():
    i = keras.Input((6,))
    a = layers.Dense(6)(i)
    return keras.Model(i, layers.Dense(2)(layers.Add()([i, a])))


def called_twice():
    i, twice = keras.Input((6,)), layers.Dense(6)
    return keras.Model(i, twice(twice(i)))


REFUSED = {
    "no model": (lambda: 3, TypeError, r"got builtins\.int"),
    "a model of your own": (
        lambda: type("M", (keras.Model,), {})(),
        TypeError,
        "expected a keras.Sequential",
    ),
    "no layer": (lambda: keras.Sequential([keras.Input((6,))]), ValueError, "not built yet"),
    "dropout alone": (
        lambda: keras.Sequential([keras.Input((6,)), layers.Dropout(0.5)]),
        ValueError,
        "one Dense",
    ),
    "your own layer": (lambda: after(Mine()), ValueError, r"\(Mine\) is a layer of your own"),
    "your own function": (
        lambda: after(layers.Dense(2, lambda x: x)),
        ValueError,
        "of your own, '<lambda>'",
    ),
    "a norm": (lambda: after(layers.BatchNormalization()), ValueError, "BatchNormalization"),
    "a prelu": (lambda: after(layers.PReLU()), ValueError, "leaky_relu' is near it"),
    "a relu cut off": (lambda: after(layers.ReLU(6.0)), ValueError, "another function"),
    "relu6": (lambda: after(layers.Activation("relu6")), ValueError, "'relu' is near it"),
    "log_softmax": (lambda: after(layers.Activation("log_softmax")), ValueError, "log_likelihood"),
    "a step a row": (
        lambda: keras.Sequential([keras.Input((2, 3)), layers.Dense(2)]),
        ValueError,
        "one row, as of a Flatten",
    ),
    "layers that branch": (branching, ValueError, "some branch or join"),
    "a layer called twice": (called_twice, ValueError, "some branch or join"),
    "a scaling between": (
        lambda: after(layers.Rescaling(2.0), layers.Dense(2)),
        ValueError,
        "stands between layers",
    ),
    "two activations": (
        lambda: after(layers.ReLU(), layers.Activation("tanh")),
        ValueError,
        "follows 'relu'",
    ),
}


@pytest.mark.parametrize(("make", "kind", "fragment"), REFUSED.values(), ids=REFUSED)
def test_models_that_are_no_chain_are_refused_by_name(make, kind, fragment):
    with pytest.raises(kind, match=fragment):
        from_keras(make())


@pytest.mark.parametrize("name", ["step", cr.activations.swish(1.7)])
def test_activations_that_keras_has_not(name):
    with pytest.raises(ValueError, match=r"layer 2 has the activation .* Keras does not have"):
        to_keras(cr.Network([2, 3, 1], hidden=name, seed=0))


@pytest.mark.skipif(not IS_JAX, reason="needs JAX behind Keras")
def test_a_backend_without_float64():
    with pytest.raises(ValueError, match="jax_enable_x64"):
        to_keras(cr.Network([2, 1], dtype="float64", seed=0))


def test_ensembles_go_nowhere():
    with pytest.raises(ValueError, match="to_keras holds one network, not an ensemble of 2"):
        to_keras(cr.Ensemble([cr.Network([2, 1], seed=k) for k in range(2)]))
