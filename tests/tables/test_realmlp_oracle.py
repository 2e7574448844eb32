"""The oracle of RealMLP against differences and what the paper says in words."""

import numpy as np
import pytest

import realmlp_oracle as oracle

TASKS = ["classes", "values"]
OUTPUTS = {"classes": 3, "values": 1}


def problem(task, rows=12, inputs=4):
    rng = np.random.default_rng(7)
    x = rng.standard_normal((rows, inputs))
    y = rng.integers(0, 3, rows) if task == "classes" else rng.standard_normal(rows)
    parameters = oracle.begin(rng, (inputs, 6, 5, OUTPUTS[task]))
    return parameters, x, y, rng


@pytest.mark.parametrize("task", TASKS)
def test_its_gradient_is_that_of_its_loss(task):
    parameters, x, y, rng = problem(task)
    parameters = [p + 0.3 * rng.standard_normal(p.shape) for p in parameters]
    found = oracle.gradient(parameters, x, y, task)
    for i, (p, g) in enumerate(zip(parameters, found, strict=True)):
        assert g.shape == p.shape
        direction = np.sign(g) * rng.uniform(0.5, 1.5, p.shape)  # nothing cancels

        def along(h, i=i, p=p, direction=direction):
            moved = [*parameters[:i], p + h * direction, *parameters[i + 1 :]]
            return oracle.loss(moved, x, y, task)

        expected = (8 * (along(1e-3) - along(-1e-3)) - along(2e-3) + along(-2e-3)) / 12e-3
        assert abs(expected) > 1e-2
        assert abs(np.sum(g * direction) - expected) < 1e-9 * abs(expected)


def test_the_first_loss_is_that_of_no_knowledge():
    parameters, x, y, _ = problem("classes")
    assert abs(oracle.loss(parameters, x, y, "classes") - np.log(3)) < 1e-15
    parameters, x, y, _ = problem("values")
    assert abs(oracle.loss(parameters, x, y, "values") - np.mean(y**2)) < 1e-15


def test_the_rate_is_0_at_first_and_three_times_after():
    np.testing.assert_allclose(oracle.coslog4(np.array([0, 1, 3, 7, 15]) / 15), 0, atol=1e-15)
    tops = (2 ** np.array([0.5, 1.5, 2.5, 3.5]) - 1) / 15
    np.testing.assert_allclose(oracle.coslog4(tops), 1, atol=1e-15)


@pytest.mark.parametrize("task", TASKS)
def test_its_steps_are_adams(task):
    """The first has rate 0; the second, with two gradients alike, is of its rate in each entry."""
    parameters, x, y, _ = problem(task)
    after = oracle.train(parameters, [(x, y)] * 3, task, 45)
    for before, now in zip(parameters, after[0], strict=True):
        np.testing.assert_array_equal(now, before)
    rate = oracle.RATE[task] * (1 - np.cos(2 * np.pi * np.log2(1 + 1 / 3))) / 2
    moved = [np.abs(now - before) for now, before in zip(after[1], after[0], strict=True)]
    np.testing.assert_allclose(moved[-2], rate, rtol=1e-4)
    np.testing.assert_allclose(moved[-1], 0.1 * rate, rtol=1e-4)
    assert not any(part.any() for part in moved[:-2])  # behind a last layer of zeros
    assert all(np.any(now != before) for now, before in zip(after[2], after[1], strict=True))


def test_it_prepares_columns_of_0_and_1_as_all_others():
    x = np.zeros((100, 4))
    x[:, 0] = np.arange(100)
    x[:10, 1] = 1  # a rare category: 2/(max - min)
    x[:40, 2] = 1  # a common one
    z = oracle.prepared(x)
    np.testing.assert_allclose(z[[0, 99], 0], np.array([-1, 1]) / np.sqrt(1 + 1 / 9))
    np.testing.assert_allclose(z[[0, 99], 1], [2 / np.sqrt(1 + 4 / 9), 0])
    np.testing.assert_allclose(z[[0, 99], 2], [1 / np.sqrt(1 + 1 / 9), 0])
    np.testing.assert_array_equal(z[:, 3], 0)
