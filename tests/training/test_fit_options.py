"""The rows of the options of `fit`, and what follows from them."""

import inspect
import re

import numpy as np
import pytest

import chainrule as cr
from chainrule.training import fit_options
from chainrule.training.documented_options import documents_options
from chainrule.training.fit_options import OPTIONS, FitOptions, read_options

# As the contract has it: written down here, and in the rows, and nowhere else.
DEFAULTS = {
    "optimizer": None, "epochs": 10, "batch_size": 32, "drop_last": False,
    "steps_per_epoch": None, "rates": None, "l1": 0.0, "l2": 0.0, "l2_of_batch": 0.0,
    "max_norm": None, "clip_norm": None, "clip_value": None, "average": None, "sample_weight": None,
    "class_weight": None, "output_weight": None, "missing_targets": "refuse", "rows": None,
    "shuffle": True, "dropout": 0.0, "validation_data": None, "validation_split": None,
    "metrics": None, "record": None, "callbacks": None, "max_seconds": None, "progress": False,
    "diagnose": False, "blocks": 1, "comm": None, "threads": None,
}  # fmt: skip
FULL_BATCH = {
    "optimizer", "epochs", "batch_size", "l2", "l2_of_batch", "sample_weight", "class_weight",
    "output_weight", "missing_targets", "rows", "shuffle", "validation_data", "callbacks",
    "max_seconds", "progress", "diagnose", "threads",
}  # fmt: skip


def test_the_signature_that_help_and_editors_show():
    parameters = inspect.signature(cr.Network.fit).parameters
    assert list(parameters) == ["self", "X", "y", *DEFAULTS]
    options = list(parameters.values())[3:]
    assert {each.name: each.default for each in options} == DEFAULTS
    assert {each.kind for each in options} == {inspect.Parameter.KEYWORD_ONLY}
    assert parameters["y"].default is None
    assert parameters["epochs"].annotation is int
    assert parameters["progress"].annotation is bool


def test_the_documentation_has_each_row_whole():
    documentation = inspect.getdoc(cr.Network.fit)
    for name, option in OPTIONS.items():
        about = "".join(f"    {line}\n" for line in inspect.cleandoc(option.about).splitlines())
        assert f"\n{name} : {option.shown}\n{about}" in documentation
    order = re.findall(r"^(\w+) : ", documentation, re.MULTILINE)
    assert order == ["X", "y", *OPTIONS]
    assert documentation.index("threads : int") < documentation.index(
        "\nReturns\n-------\nHistory\n"
    )


def test_a_row_is_all_that_an_option_needs():
    """A new row shows in the signature and in the documentation of what it is for."""

    def train(X, y=None, **options):
        """Train.

        Parameters
        ----------
        X : array

        Returns
        -------
        History
        """

    documents_options(train)
    assert list(inspect.signature(train).parameters) == ["X", "y", *FitOptions.__annotations__]
    assert inspect.getdoc(train).endswith("are objects of your own.\n\nReturns\n-------\nHistory")


def test_full_batch_optimisers_take_those_that_say_so():
    assert {name for name, option in OPTIONS.items() if option.full_batch} == FULL_BATCH


@pytest.mark.parametrize("name", OPTIONS)
def test_a_default_may_be_said(name):
    ungiven, given = read_options({}), read_options({name: OPTIONS[name].default})
    ours, theirs = getattr(ungiven, name), getattr(given, name)
    if name == "callbacks":
        assert not ours
        assert not theirs
    else:
        assert ours == theirs
    assert vars(ungiven).keys() == vars(given).keys() == OPTIONS.keys()


def test_what_is_not_given_is_not_shared_between_fits():
    """The values kept for it are never changed."""
    net = cr.Network([2, 3, 1], seed=0)
    before = dict(fit_options._UNGIVEN)
    net.fit(np.eye(2), np.ones(2), epochs=2, validation_split=0.5, callbacks=[lambda net, h: None])
    net.fit(np.eye(2), np.ones(2), metrics={"m": lambda y, a: 0.0}, validation_split=0.5)
    assert before == fit_options._UNGIVEN
    assert not fit_options._UNGIVEN["callbacks"]
    assert fit_options._UNGIVEN["metrics"] == {}
