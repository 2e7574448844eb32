"""A learning rate that does not fit: what the doctor and DivergenceError say, and of whose data."""

import numpy as np
import pytest

import chainrule as cr
from chainrule import SGD, Adam, DivergenceError, Network, diagnose

RNG = np.random.default_rng(0)
X = RNG.normal(size=(400, 8))
Y = X[:, 0] + 0.5 * X[:, 1]
NAMES = [f"column {k}" for k in range(8)]
LARGE = X * ([1.0] * 7 + [400.0])


def framed(x):
    pandas = pytest.importorskip("pandas", reason="pandas makes these frames")
    return pandas.DataFrame(x, columns=NAMES)


def network(hidden="tanh", **options):
    return Network([8, 50, 50, 1], hidden=hidden, output="identity", seed=0, **options)


def kinds(diagnosis):
    return [finding.kind for finding in diagnosis]


@pytest.mark.parametrize("epochs", [1, 2])
def test_a_cost_that_blew_up(epochs):
    net, optimizer = network(), SGD(1.0 if epochs == 1 else 0.4)
    net.fit(X, Y, optimizer=optimizer, epochs=epochs)
    found = diagnose(net, X, Y, optimizer=optimizer)
    assert kinds(found)[0] == "cost_blown_up"
    assert f"{optimizer.learning_rate / 10:.3g} instead of" in found[0].advice
    plain = float((Y**2).mean() / 2)
    assert found[0].figures["plain"] == pytest.approx(plain, rel=1e-3)
    assert found[0].figures["highest"] > 1000 * plain


@pytest.mark.parametrize("epochs", [3, 10])
@pytest.mark.parametrize("optimizer", [Adam(1e-6), SGD(1e-5)])
def test_steps_far_too_short(optimizer, epochs):
    net = network("relu", init="he")
    net.fit(X, Y, optimizer=optimizer, epochs=epochs)
    found = diagnose(net, X, Y, optimizer=optimizer)
    assert kinds(found)[0] in ("cost_slow", "cost_flat")
    rate = optimizer.learning_rate
    assert found[0].advice == f"ten times the learning rate, {10 * rate:.3g} instead of {rate:.3g}."


@pytest.mark.parametrize("optimizer", [Adam(1e-3), SGD(1e-2), SGD(1e-3)])
@pytest.mark.parametrize("epochs", [2, 3, 10])
def test_steps_that_fit_are_no_finding(optimizer, epochs):
    net = network("relu", init="he")
    net.fit(X, Y, optimizer=optimizer, epochs=epochs)
    assert not {"cost_slow", "cost_blown_up", "cost_flat"} & set(
        kinds(diagnose(net, X, Y, optimizer=optimizer))
    )


# ---------------------------------------------------------------- the error of a divergence


def error_of(x, y, net=None, optimizer=None, **options):
    net = network("relu") if net is None else net
    with pytest.raises(DivergenceError) as caught:
        net.fit(x, y, optimizer=optimizer or SGD(0.5), epochs=20, **options)
    return str(caught.value)


def test_large_targets_are_the_likely_cause():
    message = error_of(X, 3000 + 500 * Y)
    spread = f"{500 * Y.std():.4g}"
    assert f"the targets are not scaled, y[:, 0] has mean {3000 + 500 * Y.mean():.4g}" in message
    assert f"standard deviation {spread}; write Network(..., output_scale='standard')" in message
    assert "inputs" not in message


@pytest.mark.parametrize("frame", [False, True])
def test_large_inputs_are_the_likely_cause(frame):
    message = error_of(framed(LARGE) if frame else LARGE, Y)
    assert "the inputs are not scaled, X[" + ("'column 7'" if frame else ":, 7") in message
    assert "write Network(..., input_scale='standard')" in message
    assert "targets" not in message


def test_what_is_scaled_by_the_network_is_no_cause():
    net = network("relu", input_scale=1e-3, output_scale=500.0, output_shift=3000.0)
    message = error_of(1000 * X, 3000 + 500 * Y, net)
    assert "not scaled" not in message
    assert "a tenth of the learning_rate, 0.05 instead of 0.5" in message


def test_the_column_is_that_of_the_user():
    """Of three outputs for each target."""
    cost = cr.costs.quantile([0.1, 0.5, 0.9])
    net = Network([8, 50, 6], hidden="relu", output="identity", cost=cost, seed=0)
    assert "y[:, 1] has mean" in error_of(X, np.stack([Y, 1e4 * Y + 1e5], axis=1), net, SGD(1e33))


def test_other_data_than_the_scaling_was_set_by():
    net = network("relu", input_scale="standard")
    net.fit(X, Y, optimizer=SGD(0.001), epochs=1)
    message = error_of(1e6 * X, Y, net)
    assert "the inputs are large also by the network's input_scale" in message
    assert "standard" not in message.partition("standard deviation")[2]


def stepped(net, rate):
    trainer = net.trainer(SGD(rate))
    for _ in range(1000):
        trainer.step(X[:32], Y[:32])


def test_parameters_that_no_rate_brings_back():
    net = network()
    with pytest.raises(DivergenceError):
        stepped(net, 1.0)
    with pytest.raises(DivergenceError, match=r"Its parameters are as large as .* already: begin"):
        stepped(net, 0.1)


def test_sparse_inputs_and_batches():
    scipy_sparse = pytest.importorskip("scipy.sparse")
    assert "the inputs are not scaled" in error_of(scipy_sparse.csr_array(1000 * X), Y)
    message = error_of([(1000 * X, Y)] * 20, None, optimizer=SGD(1e6))
    assert "a tenth of the learning_rate" in message


def test_classes_are_no_targets_to_scale():
    net = Network([8, 50, 1], hidden="relu", output="identity", cost="hinge", seed=0)
    message = error_of(1e4 * X, Y > 0, net, SGD(1e35))
    assert "targets" not in message


def test_full_batch_training_tells_it_too():
    net = Network([8, 5, 1], hidden="exponential", output="identity", seed=0)
    assert "the inputs are not scaled" in error_of(1e4 * X, Y, net, cr.LBFGS())


# ---------------------------------------------------------------- by name


def test_the_doctor_names_columns_and_classes():
    frame = framed(LARGE).assign(**{"column 3": 1.5})
    y = np.array(["rare"] * 20 + ["usual"] * 380)
    net = Network([8, 5, 2], output="softmax", cost="log_likelihood", seed=0)
    net.fit(frame, y, epochs=1)
    text = str(diagnose(net, frame, y)).replace("\n", " ")
    text = " ".join(text.split())
    for part in (
        "X['column 7'], goes from",
        "the first is X['column 3'], always 1.5",
        "class 'usual' has 380 of 400 samples (95%), class 'rare' only 20",
    ):
        assert part in text
