"""The JSON files of the book's network2: read as it reads them, refused where they are wrong."""

import json

import numpy as np
import pytest

from chainrule.book import network2
from chainrule.convert import from_book

GOOD = {
    "sizes": [2, 3, 1],
    "weights": [[[1, 2], [3, 4], [5, 6.5]], [[1, -2, 3]]],
    "biases": [[[0.5], [1], [2]], [[0]]],
    "cost": "CrossEntropyCost",
}


@pytest.mark.parametrize("cost", ["CrossEntropyCost", "QuadraticCost"])
def test_what_the_book_wrote(tmp_path, cost):
    rng = np.random.default_rng(0)
    for seed in range(50):
        np.random.seed(seed)  # noqa: NPY002 - the book's generator
        sizes = rng.integers(1, 12, size=rng.integers(2, 5)).tolist()
        theirs = network2.Network(sizes, cost=getattr(network2, cost))
        theirs.save(tmp_path / "net.json")
        net = from_book(tmp_path / "net.json")
        for W, b, w, column in zip(
            net.weights, net.biases, theirs.weights, theirs.biases, strict=True
        ):
            assert (w == W).all()
            assert (b == column[:, 0]).all()
        x = rng.normal(size=(sizes[0], 1))
        np.testing.assert_allclose(net(x[:, 0]), theirs.feedforward(x)[:, 0], rtol=1e-13)
        assert net.dtype == np.float64
        assert net.cost == network2.COMPILED_COSTS[getattr(network2, cost)]
        if sizes[-1] > 1:
            assert net.predict(x.T)[0] == theirs.feedforward(x).argmax()


def test_a_record_in_the_hand():
    net = from_book(GOOD, dtype="float32")
    assert (net.dtype, net.sizes, net.classes.tolist()) == (np.float32, (2, 3, 1), [0, 1])
    assert net.weights[0].tolist() == [[1, 2], [3, 4], [5, 6.5]]
    arrays = GOOD | {"weights": [np.array(each) for each in GOOD["weights"]]}
    assert (from_book(arrays).parameters == net.parameters).all()


def test_a_cost_of_your_own_is_told():
    assert from_book(GOOD | {"cost": "Focal"}, cost="quadratic").cost == "quadratic"


NESTED = "[" * 100_000 + "]" * 100_000
WRONG = {
    "nothing": ("", "Expecting value"),
    "no text": (b"\xff", "decode"),
    "a list": ("[1]", "JSON object"),
    "nested": (NESTED, "nested deeper than 4"),
    "a name twice": ('{"sizes": [1, 1], "sizes": [1, 1]}', "stands twice"),
    "a field less": ({"sizes": [2, 3, 1]}, "expected sizes, weights, biases, cost alone"),
    "a field more": (GOOD | {"code": "x"}, "alone, got"),
    "another cost": (GOOD | {"cost": "Focal"}, "got 'Focal'; for another give cost="),
    "a cost that is a list": (GOOD | {"cost": []}, "got '[]'"),
    "sizes of fractions": (GOOD | {"sizes": [2, 3.5, 1]}, "sizes must be a list of whole"),
    "one size": (GOOD | {"sizes": [2]}, "at least an input and an output"),
    "sizes below 1": (GOOD | {"sizes": [2, 0, 1]}, "from 1 to 2**31"),
    "huge sizes": (GOOD | {"sizes": [2, 10**300, 1]}, "sizes"),
    "a size that is no list": (GOOD | {"sizes": 3}, "list of whole numbers"),
    "another size": (GOOD | {"sizes": [2, 2, 1]}, "weights[0] must have shape (2, 2)"),
    "a layer less": (GOOD | {"weights": GOOD["weights"][:1]}, "weights must be a list of 2"),
    "no list": (GOOD | {"weights": 3}, "weights must be a list of 2"),
    "ragged": (GOOD | {"weights": [[[1, 2], [3], [5, 6]], [[1, 2, 3]]]}, "not a rectangular"),
    "rows for columns": (GOOD | {"biases": [[[1, 2, 3]], [[0]]]}, "biases[0] must have shape (3"),
    "text": (GOOD | {"biases": [[["1"], ["2"], ["3"]], [[0]]]}, "real numbers"),
    "infinite": (json.dumps(GOOD).replace("0.5", "Infinity"), "must be finite"),
    "beyond floats": (json.dumps(GOOD).replace("0.5", "1" + "0" * 400), "must be finite"),
    "a long number": (json.dumps(GOOD).replace("0.5", "9" * 100_000), "must be finite"),
}


@pytest.mark.parametrize(("content", "fragment"), WRONG.values(), ids=WRONG)
def test_a_file_that_is_wrong_is_refused_with_its_name(tmp_path, content, fragment):
    path = tmp_path / "wrong.json"
    content = json.dumps(content) if isinstance(content, dict) else content
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ValueError, match=r"wrong\.json cannot be loaded") as caught:
        from_book(path)
    assert fragment in str(caught.value)


def test_a_file_that_is_cut_off_anywhere(tmp_path):
    text = json.dumps(GOOD).encode()
    for n in range(len(text)):
        (tmp_path / "a").write_bytes(text[:n])
        with pytest.raises(ValueError, match="cannot be loaded"):
            from_book(tmp_path / "a")


def test_a_file_of_which_bytes_have_changed(tmp_path):
    rng, text = np.random.default_rng(0), json.dumps(GOOD).encode()
    came = 0
    for _ in range(500):
        changed = bytearray(text)
        changed[rng.integers(len(text))] = rng.integers(256)
        (tmp_path / "a").write_bytes(changed)
        try:
            came += np.isfinite(from_book(tmp_path / "a").parameters).all()
        except ValueError as error:
            if "cannot be loaded" not in str(error):
                raise
    assert 5 < came < 495
