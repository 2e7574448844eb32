"""Dataclasses that check their fields by a table."""

from dataclasses import dataclass, fields
from functools import partial
from typing import ClassVar

import pytest

import chainrule as cr
from chainrule import activations, costs, optimizers, schedules
from chainrule.checks.fields import CheckedFields, Checks
from chainrule.checks.options import check_count, check_positive


@dataclass(frozen=True)
class Interval(CheckedFields):
    low: float
    high: float = 2.0
    parts: int = 1

    _checks: ClassVar[Checks] = {
        "high": check_positive,
        "low": check_positive,
        "parts": partial(check_count, least=1),
    }


def test_the_table_is_no_field_and_goes_in_its_own_order():
    assert Interval(1.0) == Interval(low=1.0, high=2.0, parts=1)
    assert repr(Interval(1.0)) == "Interval(low=1.0, high=2.0, parts=1)"
    for bad, named in (((-1, -1, 0), "high"), ((-1, 1, 0), "low"), ((1, 1, 0), "parts")):
        with pytest.raises(ValueError, match=rf"^{named} must be"):
            Interval(*bad)


WITH_FIELDS = [
    kind
    for module in (activations, costs, optimizers, schedules)
    for kind in vars(module).values()
    if isinstance(kind, type) and kind.__module__ == module.__name__ and "_checks" in vars(kind)
] + [cr.LBFGS, cr.LevenbergMarquardt]


@pytest.mark.parametrize("kind", WITH_FIELDS)
def test_a_table_names_fields_alone(kind):
    names = [field.name for field in fields(kind)]
    assert kind._checks
    assert kind._checks.keys() <= set(names)


ORDER = {
    cr.SGD: ["learning_rate", "momentum", "nesterov"],
    cr.AdamW: ["learning_rate", "beta1", "beta2", "epsilon", "epsilon_hat", "weight_decay"],
    cr.Rprop: ["shrink", "grow", "min_step", "max_step", "learning_rate"],
    cr.CosineDecay: ["learning_rate", "epochs", "warmup_epochs", "final_rate"],
    cr.FlatCosine: ["learning_rate", "epochs", "flat", "final_rate"],
    cr.ReduceOnPlateau: ["learning_rate", "factor", "patience", "min_rate", "monitor"],
    cr.LBFGS: ["tolerance", "history"],
    cr.LevenbergMarquardt: ["tolerance", "damping", "factor"],
}


@pytest.mark.parametrize("kind", ORDER)
def test_of_several_errors_the_first_is_told(kind):
    required = {cr.CosineDecay: {"learning_rate": 0.1, "epochs": 5},
                cr.FlatCosine: {"learning_rate": 0.1, "epochs": 5},
                cr.ReduceOnPlateau: {"learning_rate": 0.1}}.get(kind, {})  # fmt: skip
    for i, name in enumerate(ORDER[kind]):
        with pytest.raises(TypeError, match=rf"^{name} must be"):
            kind(**required | {key: [] for key in ORDER[kind][i:]})
