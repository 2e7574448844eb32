"""Modules of JavaScript, run by Node: they say what the models say."""

import json

import numpy as np

from blueprint_oracle import said
from chainrule.convert import to_js
from chainrule.convert.blueprint import blueprint_of
from chainrule.convert.rounding import exactly
from node import values
from random_networks import HIDDEN, draw_network

SMOOTH = [each for each in HIDDEN if each != "step"]  # which a rounding may flip


def all_of(name, X):
    """The question after what a function of the module says of each row."""
    return f"{json.dumps(np.asarray(X).tolist())}.map((x) => m.{name}(x))"


def test_random_networks_say_what_they_say_here(tmp_path):
    drawn = [draw_network(seed) for seed in range(300)]
    questions = []
    for i, (net, X) in enumerate(drawn):
        to_js(net, tmp_path / f"{i}.mjs")
        questions += [
            (f"./{i}.mjs", f"{all_of('feedforward', X)}.map((each) => Array.from(each))"),
            (f"./{i}.mjs", "m.selfTest()"),
        ]
    found, largest = values(tmp_path, questions), 0.0
    for (net, X), outputs, worst in zip(drawn, found[::2], found[1::2], strict=True):
        blueprint = blueprint_of(net)
        outputs = np.array(outputs)
        _, bound = exactly(blueprint, X)
        assert np.isfinite(bound).mean() > 0.9
        assert (np.abs(outputs - said(blueprint, X)) <= bound).all()
        assert 0 <= worst <= 1
        if "step" not in (net.output, *net.hidden):
            tolerance = 1e-4 if net.dtype == np.float32 else 1e-11
            np.testing.assert_allclose(outputs, net(X), rtol=tolerance, atol=tolerance)
            largest = max(largest, (bound / np.maximum(np.abs(outputs), 1)).max())
    assert 0 < largest < 1e-9  # the bound is no empty promise
