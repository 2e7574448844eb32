"""Options that do not exist or contradict each other are refused first, with what to use instead.

Tables, as in test_input.py: what is given, the exception, and what its message must contain.
"""

import dataclasses
import inspect
import re
import time
from dataclasses import dataclass

import numpy as np
import pytest

import chainrule as cr
from chainrule.activations import ACTIVATIONS
from chainrule.convert import from_onnx, to_onnx
from chainrule.costs import COSTS
from eight_samples import LABELS, X, network
from refusals import refuse, table

REAL = np.random.default_rng(0).normal(size=(8, 2))


@pytest.fixture
def net():
    """A network with a past, whose optimiser carries all there is."""
    trained = network()
    rule = cr.Adam(cr.ReduceOnPlateau(0.1))
    trained.fit(X, LABELS, optimizer=rule, average=0.9, epochs=3)
    assert {"mean", "steps", "average", "plateau_cost"} <= trained.optimizer_state.keys()
    return trained


# ---------------------------------------------------------------- options that do not exist

TO_SGD = "Give it to the optimizer: fit(..., optimizer=chainrule.SGD(learning_rate=0.1))."
UNKNOWN_TO_FIT = {
    "learning_rate": [TO_SGD],
    "learning_rte": ["Did you mean 'learning_rate'?", TO_SGD],
    "Learning_Rate": ["Did you mean 'learning_rate'?", TO_SGD],
    "lr": [TO_SGD],
    "eta": [TO_SGD],
    "momentum": ["fit(..., optimizer=chainrule.SGD(0.1, momentum=0.9))"],
    "momemtum": ["Did you mean 'momentum'?", "SGD(0.1, momentum=0.9)"],
    "weight_decay": ["AdamW(weight_decay=0.01)"],
    "batchsize": ["Did you mean 'batch_size'? Known: X, y, optimizer, epochs"],
    "epoch": ["Did you mean 'epochs'?"],
    "l_2": ["Did you mean 'l2'?"],
    "clipnorm": ["Did you mean 'clip_norm'?"],
    "optimiser": ["Did you mean 'optimizer'?"],
    "callback": ["Did you mean 'callbacks'?"],
    "validation": ["Did you mean 'validation_data'?"],
    "class_weights": ["Did you mean 'class_weight'?"],
    "early_stopping": ["fit(..., callbacks=chainrule.EarlyStopping())"],
    "verbose": ["fit(..., progress=True)"],
    "seed": ["option of Network(...)"],
    "zzz": ["'zzz'. Known: X, y, optimizer"],
}


@pytest.mark.parametrize("name", UNKNOWN_TO_FIT)
def test_what_fit_does_not_have(net, name):
    fragments = [f"fit() has no option '{name}'.", *UNKNOWN_TO_FIT[name], "progress"]
    refuse(lambda: net.fit(X, LABELS, **{name: 0.1}), TypeError, fragments, net)


OTHERS = {
    "Network hiden": (
        cr.Network,
        "hiden",
        ["Network()", "mean 'hidden'?", "Known: sizes, task, hidden"],
    ),
    "Network activation": (cr.Network, "activation", ["hidden=...", "output=..."]),
    "Network loss": (cr.Network, "loss", ["Use cost=..."]),
    "Network lr": (cr.Network, "lr", [TO_SGD]),
    "Network epochs": (cr.Network, "epochs", ["option of fit(...)"]),
    "Network random_state": (cr.Network, "random_state", ["seed=..."]),
    "Network biases": (cr.Network, "biases", ["mean 'bias'?"]),
    "SGD lr": (cr.SGD, "lr", ["SGD()", "learning_rate=", "Known: learning_rate, momentum"]),
    "SGD learning_rte": (cr.SGD, "learning_rte", ["mean 'learning_rate'?"]),
    "SGD momentun": (cr.SGD, "momentun", ["mean 'momentum'?"]),
    "Adam lr": (cr.Adam, "lr", ["Adam()", "Use learning_rate=..."]),
    "Adam beta_1": (cr.Adam, "beta_1", ["mean 'beta1'?"]),
    "Adam l2": (cr.Adam, "l2", ["option of fit(...)"]),
    "AdamW decay": (cr.AdamW, "decay", ["mean 'weight_decay'?"]),
    "Adamax eps": (cr.Adamax, "epsilo", ["Adamax()", "mean 'epsilon'?"]),
    "Adagrad lr": (cr.Adagrad, "lr", ["Adagrad()", "learning_rate"]),
    "RMSprop rh": (cr.RMSprop, "rh", ["RMSprop()", "mean 'rho'?"]),
    "Rprop lr": (cr.Rprop, "lr", ["Rprop()", "learning_rate"]),
    "LBFGS history": (cr.LBFGS, "histroy", ["LBFGS()", "mean 'history'?"]),
    "LM damp": (cr.LevenbergMarquardt, "damp", ["mean 'damping'?"]),
    "StepDecay": (cr.StepDecay, "epoch", ["StepDecay()", "mean 'epochs'? Known: learning_rate"]),
    "ExponentialDecay": (cr.ExponentialDecay, "facter", ["mean 'factor'?"]),
    "InverseScaling": (cr.InverseScaling, "powr", ["mean 'power'?"]),
    "CosineDecay": (cr.CosineDecay, "warmup", ["mean 'warmup_epochs'?"]),
    "FlatCosine": (cr.FlatCosine, "flatt", ["mean 'flat'?"]),
    "CosLog4": (cr.CosLog4, "epoch", ["mean 'epochs'?"]),
    "OneCycle": (cr.OneCycle, "rises", ["mean 'rise'?"]),
    "ReduceOnPlateau": (cr.ReduceOnPlateau, "patiance", ["mean 'patience'?"]),
    "Constant": (cr.Constant, "lr", ["learning_rate"]),
    "EarlyStopping": (cr.EarlyStopping, "min_delta", ["mean 'min_change'?"]),
    "range test": (cr.learning_rate_range, "batchsize", ["mean 'batch_size'?"]),
    "diagnose": (cr.diagnose, "validation", ["diagnose()", "mean 'validation_data'?"]),
    "LivePlot": (cr.LivePlot, "second", ["LivePlot()", "mean 'seconds'?"]),
    "Perceptron": (cr.Perceptron.fit, "epochs", ["Perceptron.fit()", "mean 'max_epochs'?"]),
    "CSVLog": (cr.CSVLog, "apend", ["mean 'append'?"]),
    "leaky_relu": (cr.activations.leaky_relu, "slop", ["mean 'slope'?"]),
    "huber": (cr.costs.huber, "detla", ["huber()", "mean 'delta'?"]),
    "Checkpoint": (cr.Checkpoint, "save_freq", ["Checkpoint()", "Use every=..."]),
    "Log": (cr.Log, "evry", ["mean 'every'?"]),
    "TensorBoard": (cr.TensorBoard, "log_dir", ["Known: folder"]),
    "resume": (cr.resume, "callback", ["resume()", "mean 'callbacks'?"]),
    "load": (cr.load, "custom_objects", ["load()", "Use own=..."]),
}


@pytest.mark.parametrize(("call", "name", "fragments"), OTHERS.values(), ids=OTHERS)
def test_what_others_do_not_have(call, name, fragments):
    refuse(lambda: call(**{name: 0.1}), TypeError, [f"has no option '{name}'", *fragments])


def test_what_evaluate_does_not_have(net):
    fragments = ["evaluate()", "mean 'sample_weight'?"]
    refuse(lambda: net.evaluate(X, LABELS, class_weight="balanced"), TypeError, fragments, net)


PARAMETERIZED = [
    kind for kind in (*ACTIVATIONS.values(), *COSTS.values()) if dataclasses.fields(kind)
]
CHECKED = [
    cr.Network, cr.Network.fit, cr.Network.evaluate, cr.load, cr.SGD, cr.Adagrad, cr.RMSprop,
    cr.Adam, cr.AdamW, cr.Adamax, cr.Rprop, cr.LBFGS, cr.LevenbergMarquardt, cr.Constant,
    cr.StepDecay, cr.ExponentialDecay, cr.InverseScaling, cr.CosineDecay, cr.OneCycle,
    cr.FlatCosine, cr.CosLog4, cr.ReduceOnPlateau, cr.EarlyStopping, cr.CSVLog, cr.LivePlot,
    cr.learning_rate_range,
    cr.Checkpoint, cr.Log, cr.TensorBoard, cr.resume, cr.fit_many, cr.halving, cr.Ensemble,
    cr.Ensemble.fit, cr.Ensemble.predict, cr.Ensemble.evaluate, cr.Ensemble.select, cr.Snapshots,
    cr.diagnose, cr.check_gradient, cr.numerical_gradient, cr.paths, cr.gradient_descent,
    cr.Network.backprop, cr.Network.trace, cr.Network.hessian_vector, cr.Network.input_hessian,
    cr.Network.trainer, cr.Perceptron.fit, from_onnx, to_onnx, *PARAMETERIZED,
]  # fmt: skip


def test_no_function_with_options_is_left_out():
    functions = [getattr(cr, name) for name in cr.__all__]
    functions += [getattr(kind, name) for kind in (cr.Network, cr.Perceptron, cr.Ensemble)
                  for name in vars(kind)
                  if not name.startswith("_")]  # fmt: skip
    for function in filter(inspect.isfunction, functions):
        options = {each.name for each in inspect.signature(function).parameters.values()
                   if each.kind is inspect.Parameter.KEYWORD_ONLY}  # fmt: skip
        # Few options, and a call of a microsecond, which the check would make half as long again.
        assert function in CHECKED or options <= {"threads", "out", "rows"}


@pytest.mark.parametrize("call", CHECKED, ids=lambda call: call.__qualname__)
def test_signatures_and_help_say_what_there_is(call):
    signature = inspect.signature(call)
    kinds = {parameter.kind for parameter in signature.parameters.values()}
    assert not kinds & {inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL}
    names = [name for name in signature.parameters if name not in ("self", "_")]
    undocumented = [name for name in names if not re.search(
        rf"^ *(\w+, )*{name}(, \w+)*( :|$)", call.__doc__, re.MULTILINE)]  # fmt: skip
    assert not undocumented
    with pytest.raises(TypeError, match=f"no option 'zzz'.* Known: {', '.join(names)}$"):
        call(zzz=1)


# ---------------------------------------------------------------- options that contradict others

SPLIT = {"validation_split": 0.3}
NEEDS_DATA = "needs validation_data or validation_split"
NEEDS_CLASSES = NEEDS_DATA + " whose targets are classes"


def reduce(monitor):
    return {"optimizer": cr.SGD(cr.ReduceOnPlateau(0.1, monitor=monitor))}


def stop(monitor, **options):
    return {"callbacks": cr.EarlyStopping(monitor, **options)}


AGAINST_THE_DATA = {
    "class_weight, values": ({"class_weight": {0: 2.0}}, ["class_weight needs targets", "labels"]),
    "balanced, values": ({"class_weight": "balanced"}, ["class_weight needs targets", "labels"]),
    "plateau of accuracy": (reduce("validation_accuracy") | SPLIT, ["ReduceOn", NEEDS_CLASSES]),
    "stop by accuracy": (stop("validation_accuracy") | SPLIT, ["EarlyStopping", NEEDS_CLASSES]),
}


@pytest.mark.parametrize(("options", "fragments"), AGAINST_THE_DATA.values(), ids=AGAINST_THE_DATA)
def test_options_for_classes_on_values(net, options, fragments):
    refuse(lambda: net.fit(X, abs(REAL) / 9, **options), ValueError, fragments, net)


CONTRADICTIONS = {
    "plateau, no validation": (reduce("validation_cost"), ["ReduceOnPlateau", NEEDS_DATA]),
    "stop, no validation": (stop("validation_cost"), ["EarlyStopping", NEEDS_DATA]),
    "stop by what is not": (stop("val_loss") | SPLIT, ["'val_loss'", "Use 'validation_cost'"]),
    "stop by no metric": (
        stop("f1", larger_is_better=True) | SPLIT,
        ["unknown monitor 'f1'", "Known: cost, learning_rate, validation_cost"],
    ),
    "metrics alone": ({"metrics": {"m": max}}, ["metrics need validation_data or"]),
    "two validations": (
        {"validation_data": (X, LABELS)} | SPLIT,
        ["validation_data and validation_split", "one of the two"],
    ),
    "weights 0": ({"sample_weight": np.zeros(8)}, ["weights of all samples are 0", "at least one"]),
    "class weights 0": ({"class_weight": {0: 0, 1: 0}}, ["weights of all samples are 0"]),
    "product 0": (
        {"class_weight": {0: 0}, "sample_weight": 1.0 - LABELS},
        ["weights of all samples are 0"],
    ),
    "dropout of too many": ({"dropout": [0.1, 0.2]}, ["one for each of the 1 hidden layers", "2"]),
    "a schedule that is over": (
        {"optimizer": cr.SGD(cr.CosineDecay(0.1, 4)), "epochs": 6},
        ["CosineDecay(epochs=4) comes down to learning rate 0 in epoch 4", "epoch 6", "longer"],
    ),
    "a cycle that is over": (
        {"optimizer": cr.Adam(cr.OneCycle(0.1, 4, final_factor=0)), "epochs": 6},
        [
            "OneCycle(epochs=4)",
            "epoch 9",
            "fewer epochs, or begin it anew with net.optimizer_state",
        ],
    ),
}


@pytest.mark.parametrize(("options", "fragments"), CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_contradictions_of_fit(net, options, fragments):
    refuse(lambda: net.fit(X, LABELS, **options), ValueError, fragments, net)


def test_there_is_no_hidden_layer_to_drop_from():
    net = cr.Network([3, 2], seed=0)
    net.fit(X, LABELS, epochs=1)
    refuse(lambda: net.fit(X, LABELS, dropout=0.5), ValueError, ["no hidden layer", "0.5"], net)


def test_nesterov_needs_momentum():
    refuse(lambda: cr.SGD(nesterov=True), ValueError, ["momentum above 0", "momentum=0.9"])
    refuse(lambda: cr.SGD(0.1, 0, True), ValueError, ["momentum above 0"])


@pytest.mark.parametrize(
    ("output", "cost", "fitting"),
    [
        ("softmax", "cross_entropy", "log_likelihood"),
        ("sigmoid", "log_likelihood", "cross_entropy"),
        ("softmax", "poisson", "log_likelihood"),
        ("identity", "cross_entropy", "gaussian"),
    ],
)
def test_a_cost_for_another_output_names_those_for_this_one(output, cost, fitting):
    fragments = [f"'{cost}' is for output=", f"got output='{output}'", f"Costs for '{output}'"]
    refuse(lambda: cr.Network([3, 2], output=output, cost=cost), ValueError, [*fragments, fitting])


@pytest.mark.parametrize("optimizer", [None, cr.Adam(), cr.LBFGS(), cr.LevenbergMarquardt()])
def test_a_softmax_of_one_output_has_nothing_to_train(optimizer):
    net = cr.Network([3, 4, 1], output="softmax", seed=0)
    assert net(X).tolist() == [[1.0]] * 8
    fragments = ["softmax of a single output is 1", "output='sigmoid'"]
    refuse(lambda: net.fit(X, LABELS, optimizer=optimizer), ValueError, fragments)
    assert (net.history, net.optimizer_state, net.epochs_trained) == (None, {}, 0)


# ---------------------------------------------------------------- schedules that end


def end_of(net, schedule, epochs):
    """The learning rates of a fit whose steps are epochs, or the message that refuses it."""
    try:
        options = {"optimizer": cr.SGD(schedule), "epochs": epochs, "batch_size": 8}
        return net.fit(X, LABELS, **options).learning_rate.tolist()
    except ValueError as error:
        return str(error)


@pytest.mark.parametrize(
    "kind", [cr.CosineDecay, cr.FlatCosine, lambda r, e: cr.OneCycle(r, e, final_factor=0)]
)
def test_a_schedule_may_end_with_the_training_but_not_before(kind):
    net = network()
    assert 0 not in end_of(net, kind(0.1, 4), 4)[1:]
    before = net.parameters.tobytes(), net.epochs_trained
    assert "comes down to learning rate 0 in epoch 4" in end_of(net, kind(0.1, 4), 1)
    assert (net.parameters.tobytes(), net.epochs_trained) == before
    assert end_of(net, kind(0.1, 4), 0) == []  # nothing to train
    assert end_of(net, kind(0.1, 4.5), 1)[0] > 0  # part of an epoch is left
    net.optimizer_state = {}
    assert len(end_of(net, kind(0.1, 4), 4)) == 4


@pytest.mark.parametrize(
    "schedule",
    [
        cr.CosineDecay(0.1, 2, final_rate=1e-3),
        cr.StepDecay(0.1, 0.5, 2),
        lambda epoch: max(0.0, 0.1 - epoch),  # whoever writes a function knows
    ],
    ids=["cosine", "step", "function"],
)
def test_one_that_ends_above_0_goes_on(schedule):
    assert len(end_of(network(), schedule, 6)) == 6


# ---------------------------------------------------------------- all samples at once

NOT_FOR_ALL = {
    "clip_value": 1.0,
    "clip_norm": 1.0,
    "max_norm": 1.0,
    "l1": 0.1,
    "average": 0.9,
    "dropout": 0.5,
    "validation_split": 0.3,
    "metrics": {"m": max},
    "record": "layers",
}
FULL_BATCH = [cr.LBFGS(), cr.LevenbergMarquardt()]
by_kind = pytest.mark.parametrize("optimizer", FULL_BATCH, ids=["LBFGS", "LevenbergMarquardt"])


@by_kind
@pytest.mark.parametrize("name", NOT_FOR_ALL)
def test_options_of_mini_batches_with_all_samples_at_once(net, optimizer, name):
    fragments = [f"{name} cannot be used with {type(optimizer).__name__}", "use SGD or Adam"]
    if name == "validation_split":
        fragments.append("give validation_data")
    options = {"optimizer": optimizer, name: NOT_FOR_ALL[name]}
    refuse(lambda: net.fit(X, LABELS, **options), ValueError, fragments, net)


@by_kind
@pytest.mark.parametrize(
    ("name", "value"),
    [("average", 0.0), ("average", 2.0), ("clip_norm", 0), ("validation_split", 1.0),
     ("l1", np.array(0.1)), ("dropout", [0.5]), ("dropout", np.array([0.5])), ("max_norm", 0)],
)  # fmt: skip
def test_also_where_they_would_be_wrong_anyway(net, optimizer, name, value):
    options = {"optimizer": optimizer, name: value}
    refuse(lambda: net.fit(X, LABELS, **options), ValueError, [f"{name} cannot be used"], net)


@by_kind
@pytest.mark.parametrize(
    ("name", "value"),
    [("l1", 0), ("l1", np.array(0.0)), ("l1", np.float32(0)), ("dropout", 0.0), ("dropout", [0.0]),
     ("metrics", []), ("metrics", {}), ("callbacks", ()), ("record", []), ("class_weight", {})],
)  # fmt: skip
def test_what_is_off_may_be_said(optimizer, name, value):
    net, twin = network(), network()
    net.fit(X, LABELS, optimizer=optimizer, epochs=2, **{name: value})
    twin.fit(X, LABELS, optimizer=optimizer, epochs=2)
    assert net.parameters.tobytes() == twin.parameters.tobytes()


def test_least_squares_of_a_million_weights_are_refused_at_once():
    net = cr.Network([1000, 1000, 1], init="zeros", seed=0)
    net.fit(np.zeros((2, 1000)), [0.0, 1.0], epochs=1)
    fragments = ["at most 5000 parameters", "1002001", "16,064,096 MB", "Use LBFGS"]
    data = np.zeros((2, 1000)), [0.0, 1.0]
    start = time.process_time()
    rule = cr.LevenbergMarquardt()
    refuse(lambda: net.fit(*data, optimizer=rule), ValueError, fragments, net)
    assert time.process_time() - start < 0.5


def test_least_squares_are_for_sums_of_squares_alone():
    @dataclass
    class Own:  # compared by value, so it cannot be hashed
        gamma: float = 1.0

        def value(self, a, y):
            return ((a - y) ** 2).sum(axis=1)

        def delta(self, z, a, y):
            return 2 * (a - y)

    for cost, output in (("huber", "tanh"), (Own(), "identity"), ("cross_entropy", "sigmoid")):
        net = network(cost=cost, output=output)
        net.fit(X, LABELS, epochs=1)
        fragments = ["sums of squares, quadratic and squared_error", "Use LBFGS"]
        rule = cr.LevenbergMarquardt()
        refuse(lambda: net.fit(X, LABELS, optimizer=rule), ValueError, fragments, net)  # noqa: B023


# ---------------------------------------------------------------- callbacks that refuse


@pytest.mark.parametrize("first", [True, False])
def test_a_callback_that_refuses_comes_before_any_begins(net, tmp_path, first):
    """The log of an earlier training is not begun anew by one that does not take place."""
    path = tmp_path / "log.csv"
    net.fit(X, LABELS, epochs=2, callbacks=cr.CSVLog(path))
    old, begun = path.read_bytes(), []

    class Watches:
        def on_train_begin(self, net):
            begun.append(net)

    callbacks = [cr.CSVLog(path), Watches(), cr.EarlyStopping("validation_cost")]
    callbacks = callbacks if first else callbacks[::-1]
    refuse(lambda: net.fit(X, LABELS, callbacks=callbacks), ValueError, [NEEDS_DATA], net)
    assert path.read_bytes() == old
    assert begun == []


def test_a_log_with_other_columns_comes_before_any_begins(net, tmp_path):
    path = tmp_path / "log.csv"
    net.fit(X, LABELS, epochs=2, callbacks=cr.CSVLog(path))
    stopping = cr.EarlyStopping("cost")
    net.fit(X, LABELS, epochs=2, callbacks=stopping)
    before = stopping.best, stopping.best_epoch
    callbacks = [stopping, cr.CSVLog(path, append=True)]
    options = {"callbacks": callbacks, "validation_split": 0.3}
    refuse(lambda: net.fit(X, LABELS, **options), ValueError, ["other columns"], net)
    assert (stopping.best, stopping.best_epoch) == before


BAD_CALLBACKS = {
    "a class": (cr.EarlyStopping, TypeError, ["use EarlyStopping()"]),
    "a typo": (
        type("Mine", (), {"on_epoch_ends": print})(),
        ValueError,
        ["'on_epoch_ends'", "mean 'on_epoch_end'?"],
    ),
    "a number": (3, TypeError, ["a function of (net, history)", "3"]),
}


@table(BAD_CALLBACKS)
def test_bad_callbacks(net, given, exception, fragments):
    refuse(lambda: net.fit(X, LABELS, callbacks=given), exception, fragments, net)


# ---------------------------------------------------------------- nothing to do


def test_no_epochs_check_all_and_train_nothing(net):
    before = net.parameters.tobytes(), dict(net.optimizer_state), net.epochs_trained
    for optimizer in (cr.SGD(0.1), cr.LBFGS()):
        assert len(net.fit(X, LABELS, optimizer=optimizer, epochs=0)) == 0
        assert net.parameters.tobytes() == before[0]
        assert net.optimizer_state.keys() == before[1].keys()
        assert net.epochs_trained == before[2]
    refuse(lambda: net.fit(X, REAL[:3], epochs=0), ValueError, ["each of the 8 samples"], net)
