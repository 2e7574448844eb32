"""Gradients, or squares of them, beyond the dtype: said at once, and nothing of them is kept."""

import numpy as np
import pytest

import chainrule as cr
from carried import carried
from chainrule.training.full_batch.cost import Point

SQUARES = [cr.Adagrad(), cr.RMSprop(), cr.Adam(), cr.AdamW()]
RULES = [*SQUARES, cr.Adamax(), cr.Rprop(), cr.SGD(0.1, momentum=0.9)]
# x and y of which the cost is finite, but the gradient -xy is not, or only its square is not.
GRADIENT = {"float32": (1e30, 1e15), "float64": (1e200, 1e150)}
ROOM = {"float32": ", where dtype='float64' has room,", "float64": ""}
SQUARE = {"float32": (1e10, 1e12), "float64": (1e100, 1e80)}
ROWS = 40


def named(rule):
    return type(rule).__name__


def problem(dtype, numbers):
    """Return a network whose parameters are 0 but for W^2, and samples for it."""
    net = cr.Network(
        [2, 1], output="identity", init=lambda *_: ([[0.0, 0.0]], [0.0]), dtype=dtype, seed=0
    )
    x, y = (np.full((ROWS, 1), number) for number in numbers)
    return net, np.hstack([np.zeros((ROWS, 1)), x]).astype(dtype), y.astype(dtype)


WAYS = {
    "mini-batches": {"batch_size": 10},
    "one step an epoch": {"batch_size": ROWS},
    "the whole gradient first": {"batch_size": 10, "record": "gradients"},
    "two threads": {"batch_size": 10, "threads": 2},
    "callbacks": {"batch_size": 10, "callbacks": cr.EarlyStopping("cost")},
    "an average": {"batch_size": 10, "average": 0.9},
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("rule", "numbers"),
    [(rule, GRADIENT) for rule in RULES] + [(rule, SQUARE) for rule in SQUARES],
    ids=lambda each: "square" if each is SQUARE else "" if each is GRADIENT else named(each),
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_it_ends_the_fit_and_nothing_has_changed(dtype, rule, way, numbers, tmp_path):
    net, X, y = problem(dtype, numbers[dtype])
    before = carried(net)
    told = rf"{named(rule)} keeps .* beyond {dtype}{ROOM[dtype]}"
    if numbers is GRADIENT and way != "one step an epoch":  # the next step's cost says so first
        told = "the cost stopped being finite"
    told += r" in epoch 0 .* layer 2; .*"
    with pytest.raises(cr.DivergenceError, match=told + "input_scale='standard'"):
        net.fit(X, y, optimizer=rule, epochs=2, **WAYS[way])
    assert carried(net) == before
    net.save(tmp_path / "net.npz")


@pytest.mark.parametrize("rule", SQUARES, ids=named)
def test_mini_batches_that_come_one_by_one_or_in_groups_or_sparse(rule):
    net, X, y = problem("float32", SQUARE["float32"])
    scipy = pytest.importorskip("scipy.sparse")
    many = np.repeat(X, 50, axis=0), np.repeat(y, 50, axis=0)
    for data, options in (
        ((lambda: [(X, y)],), {}),
        (many, {"batch_size": 2000}),
        ((scipy.csr_matrix(X), y), {"batch_size": ROWS}),
    ):
        with pytest.raises(cr.DivergenceError, match=f"{named(rule)} keeps"):
            net.fit(*data, optimizer=rule, epochs=2, **options)
        assert not net.parameters.any()


@pytest.mark.parametrize("rule", SQUARES, ids=named)
def test_what_fits_is_trained_on_and_saved(rule, tmp_path):
    """Squares of 1e36 are no reason to stop."""
    net, X, y = problem("float32", (1e9, 1e9))
    net.fit(X, y, optimizer=rule, epochs=3, batch_size=10)
    assert net.weights[0][0, 1] > 0
    assert max(map(np.max, net.optimizer_state.values())) > 1e33
    net.save(tmp_path / "net.npz")
    np.testing.assert_array_equal(cr.load(tmp_path / "net.npz").parameters, net.parameters)


def test_the_epoch_and_the_layer_are_named():
    """The gradient of W^3 is a^2, 1e25; that of W^2 is 0, since W^3 is."""
    net = cr.Network([1, 2, 1], hidden="relu", output="identity", cost="absolute_error", seed=0)
    X, y = np.ones((4, 1)), np.ones((4, 1))
    net.fit(X, y, optimizer=cr.Adam(), epochs=2)
    net.weights[0][:], net.weights[1][:] = 1, 0
    with pytest.raises(cr.DivergenceError, match=r"in epoch 2 \(.*\), first at layer 3;"):
        net.fit(1e25 * X, y, optimizer=cr.Adam(), epochs=2)


def until_said(step, told):
    """Step until it raises, within 32 steps, and from then on."""

    def steps(count):
        for _ in range(count):
            step()

    for count in (32, 1):
        with pytest.raises(cr.DivergenceError, match=told):
            steps(count)


@pytest.mark.parametrize("rule", SQUARES, ids=named)
@pytest.mark.parametrize("as_lists", [False, True])
def test_single_steps_say_so_and_a_state_that_was_kept_goes_on(rule, as_lists):
    net, X, y = problem("float32", SQUARE["float32"])
    zeros, ones = np.zeros((ROWS, 2), np.float32), np.ones((ROWS, 1), np.float32)
    trainer = net.trainer(rule)
    trainer.step(zeros, ones)
    kept, before = trainer.state(), carried(net)
    told = rf"{named(rule)} keeps .* in step \d+ .* or shortly before, .* layer 2; .*restore"
    until_said(lambda: trainer.step(X.tolist() if as_lists else X, y), told)
    trainer.restore(kept)
    assert carried(net) == before
    for _ in range(40):
        trainer.step(zeros, ones)


@pytest.mark.parametrize("rule", SQUARES, ids=named)
def test_steps_along_a_gradient_of_ones_own(rule):
    net, *_ = problem("float32", SQUARE["float32"])
    trainer = net.trainer(rule)
    trainer.apply(np.full(3, 1e18, np.float32))
    kept = trainer.state()
    until_said(
        lambda: trainer.apply(np.full(3, 1e30, np.float32)), f"{named(rule)} keeps .* layer 2"
    )
    trainer.restore(kept)
    for _ in range(40):
        trainer.apply(np.full(3, 1e17, np.float32))


def test_clip_norm_bounds_what_is_squared():
    net, X, y = problem("float32", SQUARE["float32"])
    net.fit(X, y, optimizer=cr.Adam(), epochs=2, clip_norm=1)
    assert np.isfinite(net.optimizer_state["mean_square"]).all()
    assert net.weights[0][0, 1] > 0


def test_parameters_that_are_infinite_are_not_saved(tmp_path):
    """The step of plain SGD has no state to look at; its cost, before the step, was finite."""
    net, X, y = problem("float32", GRADIENT["float32"])
    net.trainer(cr.SGD(1.0)).step(X, y)
    assert np.isinf(net.parameters).any()
    with pytest.raises(ValueError, match=r"cannot be saved: .* finite numbers in 'parameters'"):
        net.save(tmp_path / "net.npz")
    assert not list(tmp_path.iterdir())


def test_full_batch_takes_no_point_whose_parameters_are_infinite():
    point = Point(np.array([np.inf, 0.0]), 0.0, 0.0, np.zeros(2))
    assert not point.is_finite
    assert point._replace(w=np.zeros(2)).is_finite
