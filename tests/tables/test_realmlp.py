"""`preset="realmlp"` step by step against its oracle, on the way that every table is trained."""

from dataclasses import replace

import numpy as np
import pytest

import chainrule as cr
import realmlp_oracle as oracle
from chainrule.core import _core
from chainrule.tables import training
from chainrule.tables.recipe import CLASSES, PRESETS, VALUES
from chainrule.tables.targets import classes_of, values_of

STEPS = 20


def table(m=400):
    """Numbers, two categories and three, with holes; and what is to be predicted of them."""
    rng = np.random.default_rng(5)
    X = np.empty((m, 5), object)
    X[:, :3] = rng.standard_normal((m, 3)) * [1, 50, 0.1]
    X[:, 3] = rng.choice(["yes", "no"], m, p=[0.2, 0.8])
    X[:, 4] = rng.choice(["red", "green", "blue"], m)
    X[rng.random(m) < 0.1, 4] = None
    X[0, 1] = None
    score = X[:, 0].astype(float) + (X[:, 4] == "red") + 0.3 * rng.standard_normal(m)
    return X, score


TARGETS = {
    CLASSES: lambda score: classes_of(np.digitize(score, [-0.5, 1])),
    VALUES: lambda score: values_of(40 * score + 7),
}


def on_their_form(net, parameters):
    """[scale, V¹, b¹, ...] of z = xV/√d + b, of the parameters of `net` (n_parameters,)."""
    twin = net.copy()
    twin.parameters = parameters
    found = [twin.scale.copy()]
    for w, b in zip(twin.weights, twin.biases, strict=True):
        found += [w.T * np.sqrt(w.shape[1]), b.copy()]
    return found


@pytest.mark.parametrize("task", [CLASSES, VALUES])
def test_its_steps_are_those_of_the_paper(monkeypatch, task):
    """In narrow layers, to be quick, each of another width."""
    recipe = replace(PRESETS["realmlp"][task], hidden=(40, 48, 32), dtype="float64")
    seen = {"after": []}

    class Steps:
        def on_epoch_end(self, net, history):
            seen["after"].append(net.parameters.copy())
            if len(seen["after"]) == STEPS:
                raise cr.StopTraining

    def watched(nets, inputs, y, each, **options):
        seen.update(net=nets[0].copy(), inputs=inputs, rows=each[0]["rows"])
        each[0]["callbacks"] = [each[0]["callbacks"], Steps()]
        return cr.fit_many(nets, inputs, y, each=each, **options)

    monkeypatch.setattr(training, "fit_many", watched)
    X, score = table()
    targets = TARGETS[task](score)
    training.train(recipe, X, targets, seed=2)
    net, x, rows = seen["net"], seen["inputs"].astype(float), seen["rows"]
    y = targets.y if task == CLASSES else targets.y.astype(float)
    batches = []
    for epoch in range(STEPS):
        order = np.empty(len(rows), np.int32)
        _core.shuffled(len(rows), net.seed, epoch, order)
        batch = rows[order[:256]]
        batches.append((x[batch], y[batch]))
    assert 256 < len(rows) < 512  # one step an epoch, and the rest dropped
    start = on_their_form(net, net.parameters)
    expected = oracle.train(start, batches, task, steps_in_all=256)
    for ours, theirs in zip(seen["after"], expected, strict=True):
        for mine, other in zip(on_their_form(net, ours), theirs, strict=True):
            np.testing.assert_allclose(mine, other, rtol=0, atol=1e-9)
    for first, last in zip(start, expected[-1], strict=True):
        assert np.abs(last - first).max() > 1e-3


@pytest.mark.parametrize("task", [CLASSES, VALUES])
def test_it_begins_as_the_paper_says(monkeypatch, task):
    nets = []
    monkeypatch.setattr(training, "fit_many", lambda given, *_, **__: nets.extend(given) or 1 / 0)
    X, score = table()
    with pytest.raises(ZeroDivisionError):
        training.train(PRESETS["realmlp"][task], X, TARGETS[task](score), seed=2)
    (net,) = nets
    assert net.sizes == (7, 256, 256, 256, 3 if task == CLASSES else 1)
    scale, *parameters = on_their_form(net, net.parameters)
    assert (scale == 1).all()
    assert not any(each.any() for each in parameters[-2:])
    drawn = np.concatenate([each.ravel() for each in parameters[2:-2]])
    assert abs(drawn.mean()) < 0.01
    assert abs(drawn.std() - 1) < 0.01


def test_its_inputs_are_those_of_the_paper(monkeypatch):
    seen = []
    monkeypatch.setattr(training, "fit_many", lambda _, x, *__, **___: seen.append(x) or 1 / 0)
    X, score = (each[1:] for each in table())  # the paper has no holes in numbers
    with pytest.raises(ZeroDivisionError):
        training.train(PRESETS["realmlp"][VALUES], X, values_of(score))
    a, b = X[:, 3], X[:, 4]
    categories = [
        1.0 * (a == "yes") - (a == "no"),
        *(b == each for each in ("blue", "green", "red")),
    ]
    columns = [*X[:, :3].T, *categories]
    expected = oracle.prepared(np.stack([np.asarray(each, float) for each in columns], axis=1))
    np.testing.assert_allclose(seen[0], expected, rtol=1e-5, atol=1e-6)


def test_it_comes_back_from_its_file(tmp_path):
    X, score = table()
    recipe = replace(PRESETS["realmlp"][VALUES], epochs=3)
    predictor, _ = training.train(recipe, X, values_of(score))
    predictor.save(tmp_path / "table.npz")
    assert (predictor.ensemble[0].scale != 1).any()
    again = cr.load(tmp_path / "table.npz")
    assert again.predict(X).tobytes() == predictor.predict(X).tobytes()
    assert again.attributions(X[:3]).tobytes() == predictor.attributions(X[:3]).tobytes()
