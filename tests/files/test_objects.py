"""Objects of the package in the record of a file: all come back, and nothing else is made."""

import json

import pytest

import chainrule as cr
from chainrule.activations import ACTIVATIONS
from chainrule.costs import COSTS
from chainrule.files import record as records
from chainrule.files.objects import is_held
from chainrule.optimizers import OPTIMIZERS

OBJECTS = [
    *(kind() for kind in (ACTIVATIONS | COSTS | OPTIMIZERS).values()),
    cr.activations.elu(alpha=0.5),
    cr.costs.quantile([0.1, 0.9]),
    cr.LBFGS(history=3),
    cr.LevenbergMarquardt(),
    *(
        cr.SGD(rate, momentum=0.5, nesterov=True)
        for rate in (
            cr.Constant(0.1), cr.StepDecay(0.1, epochs=2), cr.ExponentialDecay(0.1, factor=0.5),
            cr.InverseScaling(0.1), cr.CosineDecay(0.1, epochs=9), cr.OneCycle(0.1, epochs=9),
            cr.ReduceOnPlateau(0.1, monitor="cost"), cr.CosLog4(0.1, epochs=9),
            cr.FlatCosine(0.1, epochs=9, flat=0.25, final_rate=0.01),
        )
    ),
]  # fmt: skip
CALLBACKS = [cr.EarlyStopping("cost", 3, larger_is_better=False), cr.Log("mine", every=2),
             cr.EarlyStopping("cost", ties="last")]  # fmt: skip


def there_and_back(value):
    arrays = {}
    text = json.dumps(records.plain(value, arrays))
    return records.value_of(json.loads(text), arrays)


@pytest.mark.parametrize("value", OBJECTS, ids=repr)
def test_what_is_made_of_names_and_numbers_comes_back(value):
    assert is_held(value)
    assert there_and_back(value) == value


@pytest.mark.parametrize("value", CALLBACKS, ids=repr)
def test_callbacks_come_back_as_they_were_made(value):
    found = there_and_back(value)
    assert type(found) is type(value)
    assert found.settings() == value.settings()


def test_lists_and_tuples_of_them_come_back():
    value = [cr.Adam(0.1), ("tanh", cr.activations.elu(alpha=0.5)), {"a": (1, [2.5, None])}]
    assert there_and_back(value) == value


@pytest.mark.parametrize(
    "value",
    [
        cr.SGD(lambda epochs: 0.1),
        cr.Checkpoint("run.npz"),
        type("Adam", (cr.Adam,), {})(),
        cr.Adam,
        len,
    ],
    ids=["a function in it", "with a path", "derived", "a class", "a function"],
)
def test_what_is_more_than_that_is_not_held(value):
    assert not is_held(value)
    assert not records.is_plain(value)


@pytest.mark.parametrize(
    "written",
    [
        3,
        {},
        {"name": "system"},
        {"name": []},
        {"name": "Checkpoint", "path": "x"},
        {"name": "EarlyStopping", "patience": -1},
        {"name": "EarlyStopping", "more": 1},
        {"name": "elu"},
        {"name": "elu", "alpha": {"name": "elu", "alpha": 1.0}},
        {"name": "elu", "alpha": -1.0},
    ],
    ids=repr,
)
def test_nothing_else_is_made(written):
    with pytest.raises((ValueError, TypeError)):
        records.value_of({"object": written}, {})
