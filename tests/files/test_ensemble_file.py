"""The file of an ensemble: it brings back the same one, and is checked in full."""

import json
import os

import numpy as np
import pytest

import chainrule as cr
from carried import carried
from ensemble_kinds import ENSEMBLES, KINDS, OWN, began
from model_file_kinds import X
from model_files import header_of, refused, rewrite
from users_functions import Focal, Sine

NAMES = sorted(path.stem.removesuffix("-expected") for path in ENSEMBLES.glob("*-expected.npz"))


@pytest.fixture
def path(tmp_path):
    """A saved ensemble of two networks, alone in its folder."""
    cr.Ensemble([cr.Network([2, 1], seed=k) for k in range(2)], [1.0, 0.5]).save(tmp_path / "e.npz")
    return tmp_path / "e.npz"


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_ensemble_comes_back(tmp_path, kind):
    ensemble, (_, _, y, own) = began(kind), KINDS[kind]
    ensemble.save(tmp_path / "e.npz")
    back = cr.load(tmp_path / "e.npz", own=own)
    assert isinstance(back, cr.Ensemble)
    assert back.weights.tolist() == ensemble.weights.tolist()
    assert back(X).tobytes() == ensemble(X).tobytes()
    assert repr(list(back)) == repr(list(ensemble))
    assert list(map(carried, back)) == list(map(carried, ensemble))
    for each in (ensemble, back):
        assert not each.fit(X, y, epochs=2).failed
    assert list(map(carried, back)) == list(map(carried, ensemble))
    assert back.answers == ensemble.answers
    np.testing.assert_array_equal(back.predict(X), ensemble.predict(X))
    back.save(tmp_path / "again.npz")
    ensemble.save(tmp_path / "e.npz")
    assert (tmp_path / "again.npz").read_bytes() == (tmp_path / "e.npz").read_bytes()


def test_there_is_a_file_of_each_kind():
    assert {name.partition("-")[2] for name in NAMES} == set(KINDS)


@pytest.mark.parametrize("name", NAMES)
def test_files_written_before_load_for_ever(name):
    networks, weights, y, own = KINDS[name.partition("-")[2]]
    ensemble = cr.load(ENSEMBLES / f"{name}.npz", own=own)
    assert [net.sizes for net in ensemble] == [tuple(each["sizes"]) for each in networks]
    assert ensemble.weights.tolist() == (weights or [1.0] * len(networks))
    with np.load(ENSEMBLES / f"{name}-expected.npz") as expected:
        np.testing.assert_allclose(ensemble(X), expected["outputs"], rtol=1e-4, atol=1e-6)
        ensemble.fit(X, y, epochs=2)
        for k, net in enumerate(ensemble):
            wanted = expected[f"parameters.{k}"]
            np.testing.assert_allclose(net.parameters, wanted, rtol=1e-4, atol=1e-6)


def test_numpy_reads_the_file(path):
    with np.load(path, allow_pickle=False) as arrays:
        assert sorted(arrays) == [
            "0.header", "0.parameters", "1.header", "1.parameters", "header", "weights",
        ]  # fmt: skip
        np.testing.assert_array_equal(arrays["1.parameters"], cr.Network([2, 1], seed=1).parameters)
        assert json.loads(arrays["1.header"].tobytes())["sizes"] == [2, 1]
    assert header_of(path) == {
        "format": "chainrule ensemble", "format_version": 1, "package_version": cr.__version__,
    }  # fmt: skip


def test_it_is_as_long_as_the_networks_files(tmp_path):
    nets = [cr.Network([20, 30, 3], seed=k) for k in range(10)]
    for k, net in enumerate(nets):
        net.save(tmp_path / f"{k}.npz")
    alone = sum(os.path.getsize(tmp_path / name) for name in os.listdir(tmp_path))
    cr.Ensemble(nets).save(tmp_path / "e.npz")
    assert os.path.getsize(tmp_path / "e.npz") < alone + 1000


def test_what_cannot_be_saved_leaves_the_old_file(path):
    old = path.read_bytes()
    ensemble = cr.load(path)
    ensemble[1].parameters[0] = np.nan
    message = r"this ensemble cannot be saved: nets\[1\]: expected finite numbers in 'parameters'"
    with pytest.raises(ValueError, match=message):
        ensemble.save(path)
    assert path.read_bytes() == old
    assert os.listdir(path.parent) == [path.name]
    with pytest.raises(TypeError, match="expected a file name"):
        ensemble.save(3)
    with pytest.raises(FileNotFoundError):
        ensemble[:1].save(path.parent / "no" / "e.npz")


# One's own objects


def test_own_objects_are_those_of_all_networks(tmp_path):
    began("own").save(tmp_path / "e.npz")
    refused(tmp_path / "e.npz", "without 'Focal', 'Sine'")
    refused(tmp_path / "e.npz", "without 'Focal'", own={"Sine": OWN["Sine"]})
    refused(tmp_path / "e.npz", "got also 'Cosine'", own=OWN | {"Cosine": Sine(1.0)})
    refused(tmp_path / "e.npz", "a cost of your own must have", own=OWN | {"Focal": Sine(1.0)})


def test_an_object_that_one_network_alone_has(tmp_path):
    nets = [cr.Network([2, 2, 1], seed=0), cr.Network([2, 2, 1], hidden=OWN["Sine"], seed=1)]
    cr.Ensemble(nets).save(tmp_path / "e.npz")
    back = cr.load(tmp_path / "e.npz", own={"Sine": OWN["Sine"]})
    assert back(X[:, :2]).tobytes() == cr.Ensemble(nets)(X[:, :2]).tobytes()


def test_two_objects_of_one_name_are_refused(tmp_path):
    nets = [cr.Network([2, 2, 1], hidden=Sine(k), seed=0) for k in (1.0, 2.0)]
    with pytest.raises(ValueError, match=r"nets\[1\]: .*two objects of the name 'Sine'"):
        cr.Ensemble(nets).save(tmp_path / "e.npz")
    assert os.listdir(tmp_path) == []
    with pytest.raises(ValueError, match="has cost"):  # another object may be another cost
        cr.Ensemble([cr.Network([2, 2], cost=Focal(2.0), seed=k) for k in range(2)])


# Checked in full


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("format", "chainrule", "expected 'format' to be 'chainrule ensemble', got 'chainrule'"),
        ("format", "chainrule network", "expected 'format' to be 'chainrule ensemble'"),
        ("format_version", 2, "expected 'format_version' to be 1, got 2"),
        ("package_version", 1, "'package_version' to be a string"),
        ("more", 1, "expected only 'format', 'format_version', 'package_version' in the header"),
    ],
)
def test_each_field_of_the_header_is_checked(path, name, value, message):
    rewrite(path, header={name: value})
    refused(path, message)


@pytest.mark.parametrize("name", ["format", "format_version", "package_version"])
def test_no_field_may_be_missing(path, name):
    rewrite(path, drop=[name])
    refused(path, f"expected '{name}' in the header")


OTHER = cr.Network([3, 1], seed=0)
ARRAYS = {
    "NaN": ({"weights": np.array([np.nan, 1])}, "weights must be finite"),
    "below 0": ({"weights": np.array([-1.0, 1])}, "0 or more"),
    "all 0": ({"weights": np.zeros(2)}, "not all 0"),
    "float32": ({"weights": np.ones(2, "f4")}, "one-dimensional float64 array"),
    "a table": ({"weights": np.ones((1, 2))}, "one-dimensional float64 array"),
    "one weight": ({"weights": np.ones(1)}, "of each of 1 networks"),
    "three weights": ({"weights": np.ones(3)}, "of each of 3 networks"),
    "no weights": ({"weights": np.ones(0)}, "of each of 0 networks"),
    "few parameters": ({"1.parameters": np.ones(2, "f4")}, "'parameters' to be a flat float32"),
    "infinite": ({"0.parameters": np.full(3, np.inf, "f4")}, "finite numbers in 'parameters'"),
    "one array more": ({"0.more": np.ones(3)}, "expected the arrays 'parameters'; got"),
    "one more network": ({"2.parameters": np.ones(3, "f4")}, "of each of 2 networks"),
    "an array of none": ({"parameters": np.ones(3, "f4")}, "of each of 2 networks"),
    "a network's number": ({"01.header": np.zeros(3, "u1")}, "of each of 2 networks"),
    "no JSON": ({"0.header": np.zeros(3, "u1")}, "expected a header in JSON"),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_each_array_is_checked(path, name):
    arrays, message = ARRAYS[name]
    rewrite(path, **arrays)
    refused(path, message)


@pytest.mark.parametrize("name", ["0.header", "1.header", "0.parameters"])
def test_no_array_may_be_missing(path, name):
    rewrite(path, drop=[name])
    refused(path, "of each of 2 networks|expected the arrays 'parameters'; got")


def test_without_weights_it_is_no_ensemble(path):
    rewrite(path, drop=["weights"])
    refused(path, "expected 'format' to be 'chainrule network', got 'chainrule ensemble'")


def test_networks_that_do_not_belong_together_are_refused(path, tmp_path):
    OTHER.save(tmp_path / "other.npz")
    with np.load(tmp_path / "other.npz") as other:
        rewrite(path, **{f"1.{name}": array for name, array in other.items()})
    refused(path, r"nets\[0\] has inputs 2, nets\[1\] 3")


def test_others_that_read_networks_refuse_it(path):
    with pytest.raises(ValueError, match=r"cannot be loaded: .*got 'chainrule ensemble'"):
        cr.resume(path, X, X)
    ours = pytest.importorskip("chainrule.sklearn")
    with pytest.raises(ValueError, match=r"cannot be loaded: .*estimator.*got a model without one"):
        ours.load(path)


def test_files_cut_short(path):
    content = path.read_bytes()
    for size in range(0, len(content), 5):
        path.write_bytes(content[:size])
        refused(path, "damaged or foreign")


def test_each_damaged_byte_is_found_or_harmless(path):
    content, good, messages = path.read_bytes(), cr.load(path), []
    places = range(0, len(content), 4)
    for place in places:
        damaged = bytearray(content)
        damaged[place] ^= (0x01, 0x80, 0xFF)[place % 3]
        path.write_bytes(damaged)
        try:
            back = cr.load(path)
        except ValueError as error:
            messages.append(str(error))
            continue
        # A date or a flag of the archive, which nothing here depends on.
        assert repr(list(back)) == repr(list(good))
        assert list(map(carried, back)) == list(map(carried, good))
        assert back.weights.tolist() == good.weights.tolist()
    assert len(messages) > 2 / 3 * len(places)
    assert all(message.startswith(f"{path} cannot be loaded: ") for message in messages)
