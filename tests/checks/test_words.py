"""Words of other tools are refused with what to write here, wherever a name is taken.

Tables, as in test_input.py: what is given, the exception, and what its message must contain.
"""

import copy
import errno
import importlib.util
import inspect
import pickle
import re

import numpy as np
import pytest

import chainrule as cr
from chainrule import activations, costs, initializers, optimizers, schedules
from chainrule.activations import ACTIVATIONS, NEURON_BY_NEURON
from chainrule.checks import other_tools
from chainrule.checks.words import hint, words
from chainrule.costs import COSTS
from chainrule.model import tasks
from chainrule.model.tasks import PAIRS as TASKS
from chainrule.training.fit_options import OPTIONS
from eight_samples import LABELS, X, network
from refusals import refuse, table

REAL = np.random.default_rng(0).normal(size=8)


# ---------------------------------------------------------------- the look-up

LENT = words({"Use 'swish'.": "SiLU silu", "Use 'identity'.": "linear"})


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("silu", " Use 'swish'."),
        ("SiLU", " Use 'swish'."),
        ("sillu", " Did you mean 'silu'? Use 'swish'."),
        ("linear", " Use 'identity'."),  # not leaky_relu, nearest in letters
        ("seluu", " Did you mean 'selu'?"),
        ("leaky", " Did you mean 'leaky_relu'?"),
        ("zzz", ""),
    ],
)
def test_a_word_has_its_advice_and_all_else_the_nearest_name(given, said):
    assert hint(given, ["selu", "leaky_relu", "swish", "identity"], LENT) == said


def test_a_name_that_is_known_has_no_advice():
    assert hint("alpha_", ["alpha"], words({"No.": "alpha"})) == " Did you mean 'alpha'?"


# ---------------------------------------------------------------- names


def hidden(word):
    return lambda: cr.Network([3, 4, 1], hidden=word)


def output(word):
    return lambda: cr.Network([3, 4, 1], output=word)


def cost(word):
    return lambda: cr.Network([3, 4, 1], cost=word)


def init(word):
    return lambda: cr.Network([3, 4, 1], init=word)


NAMES = {
    "silu": (hidden("silu"), ["'silu'. Use 'swish'."]),
    "linear": (output("linear"), ["'linear'. Use 'identity'."]),
    "logistic": (output("logistic"), ["'logistic'. Use 'sigmoid'."]),
    "one of a list": (hidden(["linear"]), ["'linear'. Use 'identity'."]),
    "log_softmax": (output("log_softmax"), ["Use 'softmax'", "cost='log_likelihood'"]),
    "Mish": (hidden("Mish"), ["Use 'mish'."]),
    "hard_swish": (hidden("hard_swish"), ["There is none; 'swish' is near it"]),
    "mse": (cost("mse"), ["Use 'squared_error'", "'quadratic'"]),
    "MSE": (cost("MSE"), ["'MSE'. Use 'squared_error'"]),
    "mae": (cost("mae"), ["Use 'absolute_error'"]),
    "bce": (cost("bce"), ["Use 'cross_entropy', with output='sigmoid'"]),
    "binary_crossentropy": (cost("binary_crossentropy"), ["Use 'cross_entropy'"]),
    "nll": (cost("nll"), ["Use 'log_likelihood', with output='softmax'"]),
    "crossentropy": (cost("crossentropy"), ["'log_likelihood'", "'cross_entropy'"]),
    "categorical": (cost("categorical_crossentropy"), ["Use 'log_likelihood'"]),
    "pinball": (cost("pinball"), ["Use 'quantile'", "costs.quantile(["]),
    "l1": (cost("l1"), ["Use 'absolute_error'"]),
    "squared_loss": (cost("squared_loss"), ["Use 'squared_error'"]),
    "smooth_l1": (cost("smooth_l1"), ["Use 'huber'"]),
    "xavier": (init("xavier"), ["Use 'glorot'"]),
    "kaiming": (init("kaiming"), ["Use 'he'"]),
    "kaiming_normal": (init("kaiming_normal"), ["Use 'he'"]),
    "classifier": (
        lambda: cr.Network([3, 4, 2], task="classifier"),
        ["'classifier'. Use task='classification'."],
    ),
    "monitor": (
        lambda: cr.ReduceOnPlateau(0.1, monitor="val_loss"),
        ["unknown monitor 'val_loss'. Use 'validation_cost', which"],
    ),
}


@pytest.mark.parametrize(("call", "fragments"), NAMES.values(), ids=NAMES)
def test_names_of_other_tools(call, fragments):
    refuse(call, ValueError, [*fragments, "Known: "])


# ---------------------------------------------------------------- options

OPTIONS_OF = {
    "Network": {
        "hidden_layer_sizes": ["Network([784, 30, 10])"],
        "n_hidden": ["Network([784, 30, 10])"],
        "activation": ["hidden=...", "output=..."],
        "loss": ["Use cost=..."],
        "solver": ["option of fit(...)", "chainrule.Adam()"],
        "max_iter": ["fit(..., epochs=...)"],
        "alpha": ["l2_of_batch=alpha"],
        "threads": ["option of fit(...)"],
        "validation_split": ["option of fit(...)"],
        "device": ["All runs on the CPU"],
    },
    "fit": {
        "max_iter": ["Use fit(..., epochs=...)."],
        "nb_epoch": ["Use fit(..., epochs=...)."],
        "patience": ["EarlyStopping(patience=10)"],
        "validation_fraction": ["validation_split"],
        "alpha": ["l2_of_batch=alpha"],
        "n_jobs": ["fit(..., threads=...)"],
        "device": ["All runs on the CPU"],
        "lr_scheduler": ["SGD(chainrule.StepDecay(0.1))"],
        "loss": ["Network(..., cost=...)"],
        "verbose": ["progress=True"],
        "random_state": ["Network(..., seed=...)"],
        "betas": ["Adam(beta1=0.9, beta2=0.999)"],
        "eps": ["Adam(epsilon=1e-8)"],
        "hidden": ["option of Network(...)"],
        "input_scale": ["option of Network(...)"],
    },
    "Adam": {
        "eps": ["Use epsilon=..."],
        "betas": ["Use beta1=... and beta2=..."],
        "lr": ["Use learning_rate=..."],
        "weight_decay": ["AdamW(weight_decay=...)", "fit(..., l2=...)"],
    },
    "SGD": {"weight_decay": ["AdamW(weight_decay=...)", "fit(..., l2=...)"]},
    "RMSprop": {"alpha": ["rho=..."]},
    "LBFGS": {
        "lr": ["no learning rate to choose"],
        "max_iter": ["fit(..., epochs=...)"],
        "history_size": ["history=..."],
    },
    "LevenbergMarquardt": {"mu": ["damping=..."]},
    "StepDecay": {"gamma": ["factor=..."], "step_size": ["epochs=..."]},
    "CosineDecay": {"T_max": ["epochs=..."], "eta_min": ["final_rate=..."]},
    "FlatCosine": {"T_max": ["epochs=..."], "eta_min": ["final_rate=..."]},
    "OneCycle": {"max_lr": ["learning_rate=..."], "pct_start": ["rise=..."]},
    "ReduceOnPlateau": {"min_lr": ["min_rate=..."], "mode": ["monitor says"]},
    "EarlyStopping": {"mode": ["larger_is_better"], "n_iter_no_change": ["patience=..."]},
}
CALLS = [(call, word) for call, its in OPTIONS_OF.items() for word in its]


@pytest.mark.parametrize(("call", "word"), CALLS)
def test_options_of_other_tools(call, word):
    function = network().fit if call == "fit" else getattr(cr, call)
    fragments = [f"{call}() has no option '{word}'.", *OPTIONS_OF[call][word], "Known: "]
    refuse(lambda: function(**{word: 0.1}), TypeError, fragments)


POSITIONAL = {
    "sizes": (lambda: cr.Network(4, 8, 3), ["Sizes are one list: Network([4, 8, 3])."]),
    "NumPy's": (lambda: cr.Network(*np.array([4, 3])), ["Network([4, 3])."]),
    "no sizes": (lambda: cr.Network([4, 8, 3], "relu"), ["takes sizes without a name", "hidden"]),
    "fit": (lambda: network().fit(X, LABELS, 30), ["X and y without a name", "epochs"]),
    "evaluate": (lambda: network().evaluate(X, LABELS, X), ["got 3 values", "sample_weight"]),
    "CosineDecay": (lambda: cr.CosineDecay(0.1, 5, 1), ["learning_rate and epochs", "warmup"]),
}


@pytest.mark.parametrize(("call", "fragments"), POSITIONAL.values(), ids=POSITIONAL)
def test_options_without_their_names(call, fragments):
    refuse(call, TypeError, [*fragments, "all else by name", "Known: "])


# ---------------------------------------------------------------- values

NO_CLASSES = {"validation_split": 0.3, "callbacks": cr.EarlyStopping("accuracy")}


@table(
    {
        "sizes as hidden": (
            lambda: cr.Network([4, 1], hidden=[100, 50]),
            TypeError,
            ["must be activations", "Network([4, 100, 50, 1])"],
        ),
        "one size": (
            lambda: cr.Network([4, 8, 1], hidden=np.int64(100)),
            TypeError,
            ["Network([4, 100, 1])"],
        ),
        "accuracy": (
            lambda: network().fit(X, LABELS, metrics=["accuracy"]),
            TypeError,
            ["function of (y_true, y_pred)", "'accuracy'. It is recorded already"],
        ),
        "alone": (
            lambda: network().fit(X, LABELS, metrics="accuracy"),
            TypeError,
            ["'accuracy'. It is recorded already"],
        ),
        "r2": (
            lambda: network().fit(X, LABELS, metrics=["r2"]),
            TypeError,
            ["such as those of sklearn.metrics; got 'r2'."],
        ),
        "accuracy of values": (
            lambda: cr.Network([3, 1], output="identity").fit(X, REAL, **NO_CLASSES),
            ValueError,
            ["'accuracy'", "whose targets are classes", "Known: cost, learning_rate, validation_c"],
        ),
        "column": (
            lambda: network().fit(X, LABELS, epochs=1)["loss"],
            KeyError,
            ["got 'loss'. Use 'cost'."],
        ),
        "no string": (lambda: cr.History()[3], KeyError, ["expected one of", "got 3."]),
    }
)
def test_values_of_other_tools(given, exception, fragments):
    refuse(given, exception, fragments)


# ---------------------------------------------------------------- attributes

OF_A_NETWORK = {
    "score": "net.evaluate(X, y)['accuracy']",
    "state_dict": "net.parameters",
    "train_on_batch": "trainer.step(X, y)",
    "compile": "Network(..., cost=...)",
    "summary": "print(net)",
    "fit_transform": "net.predict(X)",
    "predict_proba": "net(X)",
    "coefs_": "net.weights",
    "wieghts": "Did you mean 'weights'?",
    "n_iter_": "net.epochs_trained",
}


@pytest.mark.parametrize("name", OF_A_NETWORK)
def test_attributes_of_other_tools_networks(name):
    fragments = [f"Network has no attribute '{name}'.", OF_A_NETWORK[name]]
    refuse(lambda: getattr(network(), name), AttributeError, fragments)


OF_THE_PACKAGE = {
    "TabularClassifier": "chainrule.sklearn.TabularClassifier",
    "TabularRegressor": "chainrule.sklearn.TabularRegressor",
    "MLPClassifier": "task='classification')",
    "MLPRegressor": "task='regression')",
    "Sequential": "Network([784, 30, 10], hidden='relu')",
    "Dense": "Network([784, 30, 10], hidden='relu')",
    "Linear": "Network([784, 30, 10], hidden='relu')",
    "train": "net.fit(X, y)",
    "StepLR": "chainrule.StepDecay",
    "Netwrok": "Did you mean 'Network'?",
}


@pytest.mark.parametrize("name", OF_THE_PACKAGE)
def test_names_of_other_packages(name):
    fragments = [f"module 'chainrule' has no attribute '{name}'.", OF_THE_PACKAGE[name]]
    refuse(lambda: getattr(cr, name), AttributeError, fragments)


def test_what_is_private_is_refused_as_python_does():
    """Others ask for such names in passing, as `copy` and notebooks do."""
    for name in ("_nothing", "__array__"):
        with pytest.raises(AttributeError, match=f"^'Network' object has no attribute '{name}'$"):
            getattr(network(), name)
    assert not hasattr(cr, "_nothing")


def test_copies_and_pickles_do_not_ask_in_vain():
    net = network()
    empty = object.__new__(cr.Network)  # as unpickling begins: nothing is there to ask
    for name in ("_plan", "sizes", "score"):
        with pytest.raises(AttributeError, match=r"_plan|_sizes|score"):
            getattr(empty, name)
    for twin in (copy.copy(net), copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert twin(X).tobytes() == net(X).tobytes()


def test_an_error_in_a_property_is_told_as_it_is():
    class Named(cr.Network):
        @property
        def title(self):
            return self.name_of_nothing_at_all

    with pytest.raises(AttributeError, match="Named has no attribute 'name_of_nothing_at_all'"):
        Named([2, 1], seed=0).title  # noqa: B018


# ---------------------------------------------------------------- all tables

TABLES = {
    name: each for name, each in vars(other_tools).items() if name.startswith("OF_")
} | {
    "activations": activations.WORDS,
    "costs": costs.WORDS,
    "initializers": initializers.WORDS,
    "tasks": tasks.WORDS,
}  # fmt: skip
KNOWN = {
    "OF_A_NETWORK": {name for name in dir(network()) if not name.startswith("_")},
    "OF_THE_PACKAGE": set(cr.__all__),
    "activations": set(ACTIVATIONS),
    "costs": set(COSTS),
    "initializers": set(cr.INITIALIZERS),
    "tasks": set(TASKS),
}
NETWORK = inspect.signature(cr.Network).parameters
FIGURES = ("accuracy", "cost", "validation_cost", "validation_accuracy", "learning_rate")


@pytest.mark.parametrize("name", TABLES)
def test_no_word_is_a_name_of_ours(name):
    assert TABLES[name]
    assert not TABLES[name].keys() & KNOWN.get(name, set())


@pytest.mark.parametrize("name", TABLES)
def test_what_is_advised_is_there(name):
    """Names in quotes, what comes after a dot, and options of fit and Network."""
    for advice in set(TABLES[name].values()):
        for of_package in re.findall(r"chainrule\.(\w+)", advice):
            is_wing = importlib.util.find_spec(f"chainrule.{of_package}") is not None
            assert is_wing or hasattr(cr, of_package), advice
        for of_network in re.findall(r"\bnet\.(\w+)", advice):
            assert hasattr(network(), of_network), advice
        for option in re.findall(r"\bfit\(\.\.\., (\w+)=", advice):
            assert option in OPTIONS, advice
        for option in re.findall(r"\bNetwork\(\.\.\., (\w+)=", advice):
            assert option in NETWORK, advice
        for kind, option in re.findall(r"\b(\w+) has (\w+)=", advice):
            kind = getattr(optimizers, kind, None) or getattr(schedules, kind)
            assert option in kind.__dataclass_fields__, advice
        for named in re.findall(r"'(\w+)'", advice):
            assert named in {
                *ACTIVATIONS,
                *COSTS,
                *cr.INITIALIZERS,
                *FIGURES,
                *TASKS,
                "float64",
                "standard",
            }


@pytest.mark.parametrize("word", activations.WORDS)
def test_every_word_for_an_activation_leads_to_one(word):
    meant = re.findall(r"'(\w+)'", hint(word, NEURON_BY_NEURON, activations.WORDS))
    assert meant[0] in ACTIVATIONS


# ---------------------------------------------------------------- files


def test_a_file_is_called_as_the_user_called_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").mkdir()
    net = network()
    history = net.fit(X, LABELS, epochs=1)
    for write in (net.save, history.to_csv):
        with pytest.raises(FileNotFoundError) as caught:
            write("no/such/folder/x.npz")
        assert "no such folder to write to: 'no/such/folder/x.npz'" in str(caught.value)
        with pytest.raises(OSError, match=r"got a folder or device: here$"):
            write("here")
    with pytest.raises(FileNotFoundError, match=r"'no/such/x\.npz'"):
        cr.load("no/such/x.npz")
    with pytest.raises(FileNotFoundError, match=r"'no/such/x\.csv'"):
        net.fit(X, LABELS, callbacks=cr.CSVLog("no/such/x.csv"))
    assert not list(tmp_path.rglob("*.tmp"))


@pytest.mark.parametrize("refused", ["open", "replace"])
def test_the_temporary_file_is_not_named(tmp_path, monkeypatch, refused):
    monkeypatch.chdir(tmp_path)

    def refuse_to(path, *others):
        raise PermissionError(errno.EACCES, "Permission denied", path)

    if refused == "open":
        monkeypatch.setattr("builtins.open", refuse_to)
    else:
        monkeypatch.setattr("os.replace", refuse_to)
    with pytest.raises(PermissionError) as caught:
        network().save("net.npz")
    monkeypatch.undo()
    assert str(caught.value).endswith("Permission denied: 'net.npz'")
    assert not list(tmp_path.iterdir())
