"""The file of a table's model: it predicts the same bits, without scikit-learn, and is checked."""

import contextlib
import json
import os
import zipfile
from datetime import datetime

import numpy as np
import pytest

import chainrule as cr
from chainrule.files import record as records
from chainrule.files.ensemble_file import write_ensemble
from chainrule.tables.predictor import FIELD, Predictor
from chainrule.tables.recipe import Recipe
from chainrule.tables.targets import classes_of, values_of
from chainrule.tables.training import train
from children import python

RNG = np.random.default_rng(0)
M = 60
WORDS = np.array(["red", "blue", "größe"])[RNG.integers(3, size=M)].tolist()
DAYS = [datetime(2020, 1 + i % 12, 1 + i % 28) for i in range(M)]
X = [
    [None if i % 7 == 0 else float(x), word, bool(i % 2), day]
    for i, (x, word, day) in enumerate(zip(RNG.normal(size=M), WORDS, DAYS, strict=True))
]
NUMBERS = RNG.normal(size=(M, 4))
SMALL = Recipe(members=2, hidden=(6,), epochs=3)
PLACES = np.arange(M) % 3
LABELS = {
    "text": np.array(["no", "yes", "größer"])[PLACES],
    "text in objects": np.array(["no", "yes", "größer"], object)[PLACES],
    "whole numbers": np.array([-3, 7, 100], np.int16)[PLACES],
    "floats": np.array([0.5, 1.5, 2.5])[PLACES],
    "truth values": PLACES == 1,
}
VALUES = NUMBERS[:, 0] + 1e6


def same(a, b):
    return a.dtype == b.dtype and a.shape == b.shape and a.tolist() == b.tolist()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "table.npz"


@pytest.fixture(scope="module")
def classifier():
    return train(SMALL, X, classes_of(LABELS["text"]), calibrate=True)[0]


@pytest.fixture(scope="module")
def regressor():
    return train(SMALL, NUMBERS, values_of(VALUES), levels=(0.1, 0.5))[0]


@pytest.mark.parametrize("labels", LABELS)
def test_classes_come_back(labels, path):
    predictor, _ = train(SMALL, X, classes_of(LABELS[labels]), calibrate=True)
    predictor.save(path)
    back = cr.load(path)
    assert isinstance(back, Predictor)
    assert same(back.classes, predictor.classes)
    assert same(back.predict(X), predictor.predict(X))
    assert same(back.predict_proba(X), predictor.predict_proba(X))
    assert back.temperature == predictor.temperature


def test_values_and_quantiles_come_back(regressor, path):
    regressor.save(path)
    back = cr.load(path)
    assert back.levels == (0.1, 0.5)
    assert same(back.predict_quantiles(NUMBERS), regressor.predict_quantiles(NUMBERS))
    assert same(back.predict(NUMBERS), regressor.predict(NUMBERS))


def test_the_name_of_the_target_comes_back(classifier, path):
    classifier.save(path)
    assert cr.load(path).target is None
    named = Predictor(classifier.preparation, classifier.ensemble, classes=classifier.classes,
                      target="größe")  # fmt: skip
    named.save(path)
    assert cr.load(path).target == "größe"


def test_the_same_model_is_the_same_file(classifier, tmp_path):
    classifier.save(tmp_path / "a")
    cr.load(tmp_path / "a").save(tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_nothing_in_it_is_a_pickle(classifier, path):
    classifier.save(path)
    with np.load(path, allow_pickle=False) as archive:
        assert all(archive[name].dtype != object for name in archive)


def test_it_is_at_most_twice_as_long_as_its_parameters(path):
    predictor, _ = train(Recipe(epochs=1), NUMBERS, values_of(VALUES))
    predictor.save(path)
    size = sum(net.parameters.nbytes for net in predictor.ensemble)
    assert os.path.getsize(path) < 2 * size


def test_it_predicts_without_scikit_learn(tmp_path, path):
    ours = pytest.importorskip("chainrule.sklearn")
    table = ours.TabularClassifier(SMALL, random_state=0).fit(X, LABELS["text"])
    table.save(path)
    (tmp_path / "sklearn.py").write_text("raise ImportError('there is no scikit-learn')")
    code = f"""if True:
        import json, sys
        sys.path.insert(0, {str(tmp_path)!r})
        import chainrule as cr
        table = cr.load({str(path)!r})
        X = [[0.5, "red", True, None], [None, "new", None, None]]
        print(json.dumps([table.predict(X).tolist(), table.predict_proba(X).tolist()]))
        assert not any("sklearn" in name for name in sys.modules)
    """
    rows = [[0.5, "red", True, None], [None, "new", None, None]]
    expected = [table.predict(rows).tolist(), table.predict_proba(rows).tolist()]
    assert json.loads(python("-c", code)) == expected


def test_classes_that_a_file_cannot_hold(path):
    days = np.array(["2020-01-01", "2021-01-01"], "M8[D]")[PLACES // 2]
    predictor, _ = train(SMALL, NUMBERS, classes_of(days))
    with pytest.raises(ValueError, match="cannot hold classes of datetime64"):
        predictor.save(path)
    assert not path.exists()


# ------------------------------------------------------------ damaged and forged files


def forge(predictor, path, change):
    """Write a file whose record `change` has changed."""
    predictor.save(path)
    with pytest.MonkeyPatch.context() as patch:
        original = records.written

        def written(given):
            change(given)
            return original(given)

        patch.setattr(records, "written", written)
        predictor.save(path)


def of_state(**values):
    return lambda fields: fields[FIELD].update(values)


def of_preparation(**values):
    return lambda fields: fields[FIELD]["preparation"].update(values)


FORGED = {
    "no predictor": (lambda f: f.pop(FIELD) and f.update(other=1), "expected a record of a pred"),
    "a predictor of a number": (lambda f: f.update({FIELD: 1}), "expected"),
    "an empty one": (lambda f: f.update({FIELD: {}}), "expected"),
    "a field more": (of_state(more=1), "more"),
    "a scale of 0": (of_state(scale=0.0), "above 0"),
    "a temperature below 0": (of_state(temperature=-1.0), "above 0"),
    "a shift that is none": (of_state(shift=float("nan")), "finite"),
    "a target of a number": (of_state(target=1), r"target \(str\)"),
    "a scale of text": (of_state(scale="1"), "float"),
    "no classes": (of_state(classes=None), "1 identity"),
    "too few classes": (of_state(classes=["a", "b"]), "2 softmax"),
    "unsorted classes": (of_state(classes=["b", "a", "c"]), "sorted"),
    "classes twice": (of_state(classes=["a", "a", "b"]), "sorted"),
    "classes of a number": (of_state(classes=1), "numbers or text"),
    "no preparation": (of_state(preparation=None), "expected"),
    "a preparation of text": (of_state(preparation="a"), "expected"),
    "a column less": (lambda f: f[FIELD]["preparation"]["columns"].pop(), "expected"),
    "columns of text": (of_preparation(columns=["a"]), "expected"),
    "names that are too few": (of_preparation(names=["a"]), "expected a name for each"),
}


@pytest.mark.parametrize("name", FORGED)
def test_forged_parts_are_refused(name, classifier, path):
    change, message = FORGED[name]
    forge(classifier, path, change)
    with pytest.raises(ValueError, match=message) as caught:
        cr.load(path)
    assert str(caught.value).startswith(f"{os.fspath(path)} cannot be loaded: ")


def test_networks_of_another_width_are_refused(classifier, regressor, path):
    classifier.ensemble.save(path)
    record = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "written", lambda fields: record.update(fields) or {})
        classifier.save(path)
    written = records.written(record)
    for nets in ([cr.Network([3, 2, 3], output="softmax", cost="log_likelihood", seed=0)],
                 list(regressor.ensemble)):  # fmt: skip
        write_ensemble(nets, np.ones(len(nets)), path, written)
        with pytest.raises(ValueError, match="expected networks"):
            cr.load(path)


def test_files_cut_short_or_with_other_bytes_are_refused(classifier, path):
    classifier.save(path)
    whole, rng = path.read_bytes(), np.random.default_rng(0)
    for end in rng.integers(len(whole), size=60):
        path.write_bytes(whole[:end])
        with pytest.raises(ValueError, match="cannot be loaded"):
            cr.load(path)
    for at in rng.integers(len(whole), size=100):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << at % 8]) + whole[at + 1 :])
        assert_refused_or_predicts(path)


def test_records_with_other_numbers_are_refused_or_predict(classifier, path):
    """In the record itself, with the right checksums: nothing but a ValueError comes."""
    classifier.save(path)
    with zipfile.ZipFile(path) as archive:
        members = {info.filename: archive.read(info) for info in archive.infolist()}
    name = f"{records.MEMBER}.npy"
    start, rng = members[name].index(b"\n") + 1, np.random.default_rng(1)
    text = members[name][start:]
    for _ in range(150):
        at = int(rng.integers(len(text)))
        changed = text[:at] + bytes([rng.integers(32, 127)]) + text[at + 1 :]
        with zipfile.ZipFile(path, "w") as archive:
            for each, content in (members | {name: members[name][:start] + changed}).items():
                archive.writestr(each, content)
        assert_refused_or_predicts(path)


def assert_refused_or_predicts(path):
    """Nothing but a ValueError, or in predicting a TypeError, comes of a file."""
    try:
        table = cr.load(path)
    except ValueError:
        return
    with contextlib.suppress(ValueError, TypeError):  # X does not fit
        table.predict(X[:2])
