"""Labels of any kind: text, booleans, whole numbers; what `predict` answers, and files keep."""

import copy
import json
import pickle
import re
import zipfile

import numpy as np
import pytest

import chainrule as cr

RNG = np.random.default_rng(0)
X = RNG.normal(size=(90, 3))
PLACES = X.argmax(axis=1)
TEXT = np.array(["blue", "green", "red"])
KINDS = {
    "text": TEXT,
    "objects": TEXT.astype(object),
    "numbers": np.array([-5, 7, 100]),
    "unsigned": np.array([3, 4, 250], np.uint8),
    "from 1": np.array([1, 2, 3]),
}


def softmax(outputs=3, **kinds):
    return cr.Network([3, 8, outputs], output="softmax", cost="log_likelihood", seed=0, **kinds)


def trained(y, net=None, **options):
    net = softmax() if net is None else net
    net.fit(X, y, optimizer=cr.Adam(0.01), epochs=20, **options)
    return net


@pytest.mark.parametrize("kind", KINDS)
def test_names_of_classes_train_as_their_places_do(kind):
    names, (net, twin) = KINDS[kind], (softmax(), softmax())
    options = {"epochs": 5, "class_weight": "balanced", "validation_split": 0.2}
    ours, theirs = net.fit(X, names[PLACES], **options), twin.fit(X, PLACES, **options)
    assert net.parameters.tobytes() == twin.parameters.tobytes()
    assert ours.validation_accuracy.tolist() == theirs.validation_accuracy.tolist()
    assert net.classes.tolist() == names.tolist()
    assert net.predict(X).tolist() == names[twin.predict(X)].tolist()
    assert net.evaluate(X, names[PLACES]) == twin.evaluate(X, PLACES)
    assert net.backprop(X, list(names[PLACES])).cost == twin.backprop(X, PLACES).cost
    assert cr.check_gradient(net, X[:9], names[PLACES[:9]]).passed
    assert str(cr.diagnose(net, X, names[PLACES])) == str(cr.diagnose(twin, X, PLACES))


def test_they_stand_in_sorted_order_whatever_comes_first():
    assert trained(TEXT[PLACES][::-1]).classes.tolist() == ["blue", "green", "red"]


@pytest.mark.parametrize("kind", KINDS)
def test_later_calls_know_them(kind):
    names = KINDS[kind]
    net = trained(names[PLACES])
    few = names[[1, 1, 0]]  # not all of them need occur
    assert set(net.evaluate(X[:3], few)) == {"cost", "accuracy"}
    net.fit(X[:3], few, epochs=1, validation_data=(X[:1], names[2:]))
    assert net.classes.tolist() == names.tolist()


@pytest.mark.parametrize(
    ("label", "fragment"),
    [("pink", "'blue', 'green', 'red'; y[1] is 'pink'"), (7, "got labels of dtype int64"),
     (True, "got labels of dtype bool")],
)  # fmt: skip
def test_an_unknown_label_is_refused_by_name(label, fragment):
    net = trained(TEXT[PLACES])
    before = net.parameters.tobytes()
    y = [TEXT[0], label] if isinstance(label, str) else [label, label]
    for call in (net.fit, net.evaluate, net.backprop, net.trace):
        with pytest.raises(ValueError, match=re.escape(fragment)):
            call(X[:2], y)
    with pytest.raises(ValueError, match="validation y must hold the classes"):
        net.fit(X, TEXT[PLACES], validation_data=(X[:2], y))
    assert net.parameters.tobytes() == before


@pytest.mark.parametrize(
    ("y", "fragment"),
    [
        (TEXT[PLACES % 2], "y holds 2 classes, 'blue', 'green'; 3 outputs tell exactly 3 apart"),
        (np.array(list("abcd"))[RNG.integers(4, size=90)], "y holds 4 classes, 'a', 'b', 'c', 'd'"),
        (PLACES > 0, "y holds 2 classes, False, True; 3 outputs tell exactly 3"),
        (PLACES * 10 + (PLACES == 2) * np.arange(90), "y holds "),
        ([*TEXT[PLACES][:-1], None], r"y[89] is None, 1 of 90 are not text"),
        ([*TEXT[PLACES][:-2], np.nan, 3], "2 of 90 are not text"),
        (np.char.encode(TEXT)[PLACES], "y holds bytes; decode them"),
        ([-1, *PLACES[:-1]], "y holds 4 classes, -1, 0, 1, 2; 3 outputs"),
    ],
)  # fmt: skip
def test_labels_that_do_not_fit_change_nothing(y, fragment):
    net = softmax()
    before = net.parameters.tobytes()
    with pytest.raises(ValueError, match=re.escape(fragment)):
        net.fit(X, y)
    assert (net.parameters.tobytes(), net.epochs_trained, net.history) == (before, 0, None)
    assert net.classes.tolist() == [0, 1, 2]


@pytest.mark.parametrize("cost", ["cross_entropy", "quadratic", "hinge"])
@pytest.mark.parametrize("names", [["no", "yes"], [False, True]], ids=str)
def test_two_classes_of_one_output(cost, names):
    kinds = {"output": "identity" if cost == "hinge" else "sigmoid", "cost": cost, "seed": 0}
    net, twin = cr.Network([3, 8, 1], **kinds), cr.Network([3, 8, 1], **kinds)
    places = (PLACES == 0).astype(int)
    trained(np.array(names)[places], net)
    trained(places, twin)
    assert net.parameters.tobytes() == twin.parameters.tobytes()
    assert net.classes.tolist() == names
    assert twin.classes.tolist() == [0, 1]
    assert net.predict(X).tolist() == np.array(names)[twin.predict(X)].tolist()
    right = np.mean(net.predict(X) == np.array(names)[places])
    assert net.evaluate(X, np.array(names)[places])["accuracy"] == right


def test_with_one_output_numbers_stay_numbers():
    net = cr.Network([3, 8, 1], output="identity", seed=0)
    trained(PLACES + 5, net)
    assert net.classes is None
    np.testing.assert_array_equal(net.predict(X), net(X)[:, 0])
    assert net.predict(X[0]) == net(X[0])[0]


def test_several_labels_a_sample_come_as_rows_of_0_and_1():
    net = cr.Network([3, 8, 3], cost="cross_entropy", seed=0)
    trained(X > 0, net)
    assert net.classes is None
    np.testing.assert_array_equal(net.predict(X), (net(X) > 0.5).astype(int))
    assert net.predict(X[0]).tolist() == (net(X[0]) > 0.5).astype(int).tolist()


def test_several_values_come_as_they_are():
    net = cr.Network([3, 8, 2], output="identity", seed=0)
    trained(X[:, :2], net)
    np.testing.assert_array_equal(net.predict(X), net(X))


def test_the_book_s_digits_are_classes():
    """Quadratic cost and sigmoid outputs: only the targets say that they are classes."""
    net = cr.Network([3, 8, 3], seed=0)
    assert net.classes is None
    trained(np.eye(3)[PLACES], net)
    assert net.classes.tolist() == [0, 1, 2]
    assert net.predict(X).tolist() == net(X).argmax(axis=1).tolist()
    trained(np.eye(3)[PLACES] / 2, cr.Network([3, 8, 3], seed=0))


def test_metrics_and_class_weights_see_the_names():
    seen = []
    net = softmax()
    options = {"metrics": {"m": lambda y, a: seen.append((y, a)) or 0.0}, "validation_split": 0.5}
    net.fit(X, TEXT[PLACES], epochs=1, class_weight={"red": 2.0}, **options)
    assert {*seen[0][0], *seen[0][1]} <= set(TEXT)
    with pytest.raises(ValueError, match="one of 'blue', 'green', 'red'; got 'pink'"):
        net.fit(X, TEXT[PLACES], class_weight={"pink": 2.0})
    twin = softmax()
    twin.fit(X, PLACES, epochs=1, class_weight={2: 2.0}, validation_split=0.5)
    assert net.parameters.tobytes() == twin.parameters.tobytes()


def test_a_fit_that_does_nothing_settles_nothing():
    def stop(net):
        raise KeyboardInterrupt

    net, callback = softmax(), type("Stop", (), {"on_train_begin": staticmethod(stop)})()
    with pytest.raises(KeyboardInterrupt):
        net.fit(X, TEXT[PLACES], callbacks=callback)
    assert net.classes.tolist() == [0, 1, 2]


def test_batches_settle_them_too():
    net = softmax()
    net.fit([(X[:50], TEXT[PLACES[:50]]), (X[50:53], TEXT[PLACES[50:53]])], epochs=1)
    assert net.classes.tolist() == TEXT.tolist()


def test_they_may_be_said_beforehand():
    net = softmax()
    net.classes = ["a", "b", "c"]
    net.fit(X[:2], ["c", "a"], epochs=1)
    assert net.classes.tolist() == ["a", "b", "c"]
    for wrong in (["a", "b"], ["b", "a", "c"], ["a", "a", "b"]):
        with pytest.raises(ValueError, match="classes must be 3, sorted and all different"):
            net.classes = wrong
    with pytest.raises(TypeError, match="classes must be a list of text"):
        net.classes = [0.5, 1.0, 2.0]
    net.classes[0] = "z"  # a copy
    assert net.classes.tolist() == ["a", "b", "c"]


def test_full_batch_optimisers_take_them():
    net = softmax()
    net.fit(X, TEXT[PLACES], optimizer=cr.LBFGS(), epochs=3, validation_data=(X, TEXT[PLACES]))
    assert net.classes.tolist() == TEXT.tolist()


# ---------------------------------------------------------------- files

NETWORKS = {
    **{kind: lambda kind=kind: trained(KINDS[kind][PLACES]) for kind in KINDS},
    "integers": lambda: trained(PLACES),
    "booleans": lambda: trained(PLACES > 0, cr.Network([3, 4, 1], cost="cross_entropy", seed=0)),
    "book": lambda: trained(PLACES, cr.Network([3, 4, 3], seed=0)),
    "labels": lambda: trained(X > 0, cr.Network([3, 4, 3], seed=0)),
    "values": lambda: trained(X, cr.Network([3, 4, 3], output="identity", seed=0)),
}


@pytest.mark.parametrize("kind", NETWORKS)
def test_they_are_in_the_file_and_in_copies(kind, tmp_path):
    net = NETWORKS[kind]()
    net.save(tmp_path / "net.npz")
    for back in (cr.load(tmp_path / "net.npz"), copy.copy(net), pickle.loads(pickle.dumps(net))):
        answers, wanted = back.predict(X), net.predict(X)
        assert answers.dtype == wanted.dtype
        assert answers.tolist() == wanted.tolist()
        assert (back.classes is None) == (net.classes is None)


def test_what_is_settled_is_in_the_file(tmp_path):
    path = tmp_path / "net.npz"
    for kind, keys in [("integers", {"answers"}), ("values", {"answers"}),
                       ("text", {"classes", "answers"})]:  # fmt: skip
        NETWORKS[kind]().save(path)
        assert header_of(path).keys() & {"classes", "answers"} == keys
    cr.Network([3, 2]).save(path)
    assert not header_of(path).keys() & {"classes", "answers"}


# ---------------------------------------------------------------- what stays settled


@pytest.mark.parametrize("loaded", [False, True])
def test_labels_that_mean_outputs_stay_these(loaded, tmp_path):
    net = cr.Network([3, 8, 3], task="classification", seed=0)
    with pytest.raises(ValueError, match="validation y must hold labels from 0 to 2"):
        net.fit(X, PLACES, epochs=1, validation_data=(X, PLACES + 1))
    trained(PLACES, net)
    if loaded:
        net.save(tmp_path / "net.npz")
        net = cr.load(tmp_path / "net.npz")
    for ask in (net.evaluate, net.fit, net.backprop):
        with pytest.raises(ValueError, match=r"labels from 0 to 2, one class per output; y\["):
            ask(X, PLACES + 1)
        with pytest.raises(ValueError, match="classes that the network knows, 0, 1, 2, as it has"):
            ask(X, TEXT[PLACES])
    assert net.classes.tolist() == [0, 1, 2]


def test_what_single_steps_settled_is_settled_after_a_file_too(tmp_path):
    """Though no epoch is finished."""
    net = cr.Network([3, 8, 3], task="classification", input_scale=1.0, seed=0)
    net.trainer(cr.Adam()).step(X, PLACES)
    net.save(tmp_path / "net.npz")
    twin = cr.load(tmp_path / "net.npz")
    for each in (net, twin):
        with pytest.raises(ValueError, match="labels from 0 to 2"):
            each.fit(X, PLACES + 1)
        with pytest.raises(ValueError, match="classes that the network knows, 0, 1, 2"):
            each.fit(X, TEXT[PLACES])


@pytest.mark.parametrize("with_trainer", [False, True])
def test_before_anything_is_learned_a_file_settles_nothing(with_trainer, tmp_path):
    net = cr.Network([3, 8, 3], task="classification", input_scale=1.0, seed=0)
    if with_trainer:
        net.trainer(cr.Adam())
    net.save(tmp_path / "net.npz")
    twin = cr.load(tmp_path / "net.npz")
    assert twin.answers == net.answers == "classes"
    assert trained(TEXT[PLACES], twin).classes.tolist() == TEXT.tolist()


def test_batches_of_labels_beyond_the_outputs_are_refused():
    net = cr.Network([3, 8, 4], task="classification", input_scale=1.0, seed=0)
    with pytest.raises(ValueError, match="labels from 0 to 3"):
        net.fit([(X, PLACES + 1), (X, PLACES + 2)], epochs=1)
    assert net.classes.tolist() == [0, 1, 2, 3]


def test_two_classes_of_one_output_stay_0_and_1():
    net = trained((X[:, 0] > 0).astype(int), cr.Network([3, 8, 1], task="classification", seed=0))
    with pytest.raises(ValueError, match="classes that the network knows, 0, 1"):
        net.fit(X, np.where(X[:, 0] > 0, "b", "a"))
    assert net.evaluate(X, X[:, 0] > 0)["accuracy"] > 0.9


def test_numbers_stay_numbers():
    net = trained(X[:, :2], cr.Network([3, 8, 2], task="regression", seed=0))
    soft = trained(np.eye(3)[PLACES] / 2, cr.Network([3, 8, 3], seed=0))
    for each, y in ((net, TEXT[PLACES % 2]), (soft, TEXT[PLACES])):
        with pytest.raises((ValueError, TypeError), match="must hold"):
            each.fit(X, y)
        assert each.answers == "values"


def test_numbers_that_happen_to_be_0_and_1_are_no_classes():
    counts = (X[:, 0] > 0).astype(int)
    for net in (
        cr.Network([3, 8, 1], task="regression", cost="poisson", seed=0),
        cr.Network([3, 8, 1], output="identity", seed=0),
        cr.Network([3, 8, 1], output="exponential", cost="poisson", seed=0),
        cr.Network([3, 8, 1], task="regression", output="sigmoid", seed=0),
    ):
        trained(counts, net)
        assert net.answers == "values"
        np.testing.assert_array_equal(net.predict(X), net(X)[:, 0])
    net = cr.Network([3, 8, 1], hidden="tanh", output="identity", seed=0)
    net.fit([(X[:1], [1.0]), (X, 9 * X[:, 0])], epochs=1)
    assert net.answers == "values"


def test_text_of_any_dtype():
    variable = np.array(TEXT[PLACES].tolist(), np.dtypes.StringDType()) if hasattr(
        np.dtypes, "StringDType") else TEXT[PLACES].astype(object)  # fmt: skip
    net = trained(variable)
    assert net.classes.tolist() == trained(TEXT[PLACES]).classes.tolist()
    net.classes = np.unique(variable)


def header_of(path):
    with np.load(path) as arrays:
        return json.loads(arrays["header"].tobytes())


@pytest.mark.parametrize(
    ("field", "value"),
    [("classes", ["a", "b"]), ("classes", ["a", "b", 3]), ("classes", ["b", "a", "c"]),
     ("classes", "abc"), ("classes", [0.5, 1.5, 2.5]), ("classes", None), ("answers", "text"),
     ("answers", 1), ("answers", None)],
)  # fmt: skip
def test_a_file_with_others_is_refused(field, value, tmp_path):
    path, damaged = tmp_path / "net.npz", tmp_path / "damaged.npz"
    trained(TEXT[PLACES]).save(path)
    header = header_of(path) | {field: value}
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(damaged, "w") as new:
        for name in old.namelist():
            with new.open(name, "w") as file:
                if name == "header.npy":
                    np.save(file, np.frombuffer(json.dumps(header).encode(), np.uint8))
                else:
                    file.write(old.read(name))
    with pytest.raises(ValueError, match="cannot be loaded"):
        cr.load(damaged)
