"""IDX files, the pickle of the book, and what must not get through."""

import gzip
import os
import pickle
import re
import sys

import numpy as np
import pytest

from chainrule import datasets
from chainrule.book import mnist_loader


def idx(array):
    header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    return header + array.astype(np.uint8).tobytes()


@pytest.fixture(scope="module")
def arrays():
    """Images of 2x3 pixels, as few as a set with the book's split can be."""
    rng = np.random.default_rng(0)
    sizes = {"train": 10_003, "t10k": 4}
    return {
        part: (rng.integers(0, 256, (m, 2, 3)), rng.integers(0, 10, m)) for part, m in sizes.items()
    }


@pytest.fixture(params=["", ".gz"], ids=["plain", "gz"])
def folder(arrays, tmp_path, request):
    for part, (images, labels) in arrays.items():
        for name, array in ((f"{part}-images-idx3", images), (f"{part}-labels-idx1", labels)):
            data = gzip.compress(idx(array), 1) if request.param else idx(array)
            (tmp_path / f"{name}-ubyte{request.param}").write_bytes(data)
    return tmp_path


# ---------------------------------------------------------------- IDX


def test_load_idx(tmp_path):
    array = np.arange(24).reshape(2, 3, 4)
    (tmp_path / "a").write_bytes(idx(array))
    loaded = datasets.load_idx(tmp_path / "a")
    assert loaded.dtype == np.uint8
    np.testing.assert_array_equal(loaded, array)


GOOD = idx(np.arange(6).reshape(2, 3))
GZIPPED = gzip.compress(GOOD, mtime=0)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "got nothing"),
        (b"\0\0\x08", "got 00 00 08"),
        (b"\x89PNG" + GOOD, "got 89 50 4e 47"),
        (b"\0\0\x0d\x01" + GOOD[4:], "got 00 00 0d 01"),  # floats
        (b"\0\0\x08\0", "got 00 00 08 00"),
        (GOOD[:9], "ends inside its header"),
        (GOOD[:-1], re.escape("declares the shape (2, 3), so 6 bytes; it has 5: it is truncated")),
        (GOOD + b"\0", "so 6 bytes; it has more"),
        (GZIPPED[:-9], "truncated or damaged: Compressed file ended"),
        (GZIPPED[:-8] + bytes(8), "truncated or damaged: CRC"),
        (GZIPPED[:10] + b"\xff" * 20, "truncated or damaged: .*invalid block"),
    ],
)
def test_load_idx_refuses(tmp_path, data, message):
    (tmp_path / "bad").write_bytes(data)
    with pytest.raises(ValueError, match=message):
        datasets.load_idx(tmp_path / "bad")


def test_load_mnist_of_idx_files(folder, arrays):
    parts = datasets.load_mnist(folder)
    images, labels = arrays["train"]
    expected = [(images[:3], labels[:3]), (images[3:], labels[3:]), arrays["t10k"]]
    for (x, y), (grey, digits) in zip(parts, expected, strict=True):
        assert (x.dtype, y.dtype) == (np.float32, np.int64)
        np.testing.assert_array_equal(x, grey.reshape(len(grey), 6) / 256)
        np.testing.assert_array_equal(y, digits)


def test_load_mnist_refuses_what_is_not_mnist(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no MNIST at .*nowhere"):
        datasets.load_mnist(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match="no train-images-idx3-ubyte in"):
        datasets.load_mnist(tmp_path)
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx(np.zeros((5, 2, 2))))
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(np.zeros(4)))
    with pytest.raises(ValueError, match=r"of the same m, got \(5, 2, 2\) and \(4,\)"):
        datasets.load_mnist(tmp_path)
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(np.zeros(5)))
    with pytest.raises(ValueError, match="has 5 training images"):
        datasets.load_mnist(tmp_path)


# ---------------------------------------------------------------- the pickle


def python2_pickle(array):
    """The opcodes by which Python 2 and the NumPy of its time pickled an array."""

    def text(value):
        return b"T" + len(value).to_bytes(4, "little") + value

    code = array.dtype.str[1:].encode()
    shape = b"(" + b"".join(b"J" + n.to_bytes(4, "little") for n in array.shape) + b"t"
    dtype = b"cnumpy\ndtype\n(" + text(code) + b"K\0K\1tR(K\3" + text(b"<")
    dtype += b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb"
    begin = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\0t" + text(b"b") + b"tR"
    return begin + b"(K\1" + shape + dtype + b"\x89" + text(array.tobytes()) + b"tb"


@pytest.fixture
def sets():
    rng = np.random.default_rng(1)
    return tuple((rng.random((m, 6), np.float32), rng.integers(0, 10, m)) for m in (3, 2, 4))


def write(path, data):
    path.write_bytes(gzip.compress(data))
    return path


def check(loaded, sets):
    for got, expected in zip(loaded, sets, strict=True):
        assert [part.dtype for part in got] == [np.float32, np.int64]
        for a, b in zip(got, expected, strict=True):
            np.testing.assert_array_equal(a, b)


def test_a_pickle_of_python_2(tmp_path, sets):
    pairs = [b"(" + python2_pickle(x) + python2_pickle(y) + b"t" for x, y in sets]
    path = write(tmp_path / "mnist.pkl.gz", b"\x80\2(" + b"".join(pairs) + b"t.")
    check(datasets.load_mnist(path), sets)
    check(datasets.load_mnist(tmp_path), sets)


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("order", ["C", "F"])
def test_a_pickle_of_python_3(tmp_path, sets, protocol, order):
    stored = [[np.array(x, ">f8", order=order), y.astype("<i4")] for x, y in sets]
    path = write(tmp_path / "mnist.pkl.gz", pickle.dumps(stored, protocol))
    check(datasets.load_mnist(path), sets)


class Calls:
    """Pickles as a call, which is how a pickle runs code."""

    def __init__(self, function, *args, state=None):
        self.call = (function, args) if state is None else (function, args, state)

    def __reduce__(self):
        return self.call


class Named:
    """Pickles as the global of that name, which need not exist here."""

    def __init__(self, module, name):
        self.module, self.name = module, name


class Pickler(pickle._Pickler):
    def save(self, obj, save_persistent_id=True):
        if isinstance(obj, Named):
            self.write(f"c{obj.module}\n{obj.name}\n".encode())
        else:
            super().save(obj, save_persistent_id)

    def save_reduce(self, func, args, state=None, *rest, obj=None, **more):
        self.save(func)
        self.save(args)
        self.write(pickle.REDUCE)
        if state is not None:
            self.save(state)
            self.write(pickle.BUILD)


MULTIARRAY, NUMERIC = "numpy.core.multiarray", "numpy.core.numeric"
RECONSTRUCT = Named(MULTIARRAY, "_reconstruct")
DTYPE, NDARRAY = Named("numpy", "dtype"), Named("numpy", "ndarray")
F8 = Calls(DTYPE, "f8", False, True)


def array_of(state):
    return Calls(RECONSTRUCT, NDARRAY, (0,), b"b", state=state)


REFUSED = {
    "system": (Calls(os.system, "touch {marker}"), "asks for (posix|nt).system"),
    "eval": (Calls(eval, "open({marker!r}, 'w')"), "asks for builtins.eval"),
    "open": (Calls(open, "{marker}", "w"), "asks for (_?io|builtins).open"),
    "getattr": (Calls(getattr, 1, "real"), "asks for builtins.getattr"),
    "numpy function": (Calls(Named("numpy", "load"), "{marker}"), "asks for numpy.load"),
    "numpy scalar": (Calls(Named(MULTIARRAY, "scalar"), F8, b"0"), "asks for .*scalar"),
    "a name inside": (Calls(Named("numpy", "dtype.type"), "f8"), "asks for numpy.dtype.type"),
    "rebuilds a class": (Calls(RECONSTRUCT, DTYPE, (0,), b"b"), "other than numpy.ndarray"),
    "rebuilds nothing known": (Calls(RECONSTRUCT, 1, (0,), b"b"), "other than numpy.ndarray"),
    "a function's state": (
        Calls(Named("_codecs", "encode"), "a", "rot13", state={}),
        "encoded as 'rot13'",
    ),
    "object dtype": (Calls(DTYPE, "O8", False, True), "dtype 'O8'"),
    "void dtype": (Calls(DTYPE, "V8", False, True), "dtype 'V8'"),
    "text dtype": (Calls(DTYPE, "U8", False, True), "dtype 'U8'"),
    "dtype by fields": (Calls(DTYPE, [("a", "f8")], False, True), "expected string"),
    "fields in the state": (
        Calls(DTYPE, "f8", False, True, state=(3, "<", None, ("a",), {"a": (F8, 0)}, 8, 8, 16)),
        "structured dtype",
    ),
    "objects as data": (array_of((1, (1,), F8, False, [print])), "asks for builtins.print"),
    "a list as data": (array_of((1, (1,), F8, False, [1.0])), "not plain bytes"),
    "a dtype of its own": (array_of((1, (1,), "f8", False, b"12345678")), "not plain bytes"),
    "too little data": (array_of((1, (9, 9), F8, False, b"12345678")), "8 bytes of data"),
    "a negative size": (array_of((1, (-1, -1), F8, False, b"12345678")), "8 bytes of data"),
    "too little in a buffer": (
        Calls(Named(NUMERIC, "_frombuffer"), b"12345678", F8, (2,), "C"),
        "8 bytes of data",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_pickle_cannot_do_more_than_hold_numbers(tmp_path, what):
    content, message = REFUSED[what]
    marker = tmp_path / "marker"
    path = tmp_path / "mnist.pkl"
    args = [a.format(marker=str(marker)) if isinstance(a, str) else a for a in content.call[1]]
    with open(path, "wb") as file:
        Pickler(file, 4).dump(Calls(content.call[0], *args, state=(content.call[2:] or [None])[0]))
    with pytest.raises(ValueError, match=f"was refused.*{message}"):
        datasets.load_mnist(path)
    assert not marker.exists()


def test_a_pickle_cannot_change_what_the_next_one_calls(tmp_path):
    path = tmp_path / "mnist.pkl"
    for changed in (RECONSTRUCT, DTYPE, NDARRAY):
        data = f"\x80\2c{changed.module}\n{changed.name}\n".encode("latin1")
        path.write_bytes(data + b"N}X\5\0\0\0_callNs\x86b.")  # sets its attribute _call to None
        with pytest.raises(ValueError, match="was refused"):
            datasets.load_mnist(path)
    array = array_of((1, (1,), F8, False, np.array([2.5]).tobytes()))
    with open(path, "wb") as file:
        Pickler(file, 4).dump(array)
    with open(path, "rb") as file:
        assert datasets._ArrayUnpickler(file).load().array == [2.5]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "was refused"),
        (b"not a pickle", "was refused"),
        (pickle.dumps((1, 2, 3)), "was refused"),
        (pickle.dumps([np.zeros((2, 3))] * 3), "was refused"),
        (pickle.dumps([(np.zeros((2, 3)), np.zeros(2, int))] * 2), "three pairs"),
        (pickle.dumps([(np.zeros((2, 3)), np.zeros(3, int))] * 3), r"int64 \(3,\)"),
        (pickle.dumps([(np.zeros((2, 3)), np.zeros(2))] * 3), r"float64 \(2,\)"),
        (pickle.dumps([(np.zeros((2, 3), int), np.zeros(2, int))] * 3), r"int64 \(2, 3\)"),
    ],
)
def test_a_pickle_of_something_else_is_refused(tmp_path, content, message):
    with pytest.raises(ValueError, match=message):
        datasets.load_mnist(write(tmp_path / "mnist.pkl.gz", content))


def test_digits8x8():
    pytest.importorskip("sklearn")
    images, labels = datasets.load_digits8x8()
    assert (images.shape, images.dtype, labels.dtype) == ((1797, 64), np.float32, np.int64)
    assert (images.min(), images.max()) == (0, 1)
    assert labels[:10].tolist() == list(range(10))


def test_digits8x8_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(ImportError, match=re.escape("pip install chainrule[demo]")):
        datasets.load_digits8x8()


# ---------------------------------------------------------------- the book's loader


def test_load_data_wrapper_gives_lists_of_columns(folder, arrays):
    training, validation, test = mnist_loader.load_data_wrapper(folder)
    assert [type(part) for part in (training, validation, test)] == [list] * 3
    images, labels = arrays["train"]
    for (x, y), grey, digit in zip(training, images[:3], labels[:3], strict=True):
        np.testing.assert_array_equal(x, grey.reshape(6, 1) / 256)
        assert x.dtype == np.float32
        np.testing.assert_array_equal(y, np.eye(10)[:, [digit]])
    held_out = (validation, (images[3:], labels[3:])), (test, arrays["t10k"])
    for pairs, (greys, digits) in held_out:
        assert [y for _, y in pairs] == digits.tolist()
        np.testing.assert_array_equal(pairs[-1][0], greys[-1].reshape(6, 1) / 256)


@pytest.mark.parametrize("named", ["", "mnist.pkl.gz", "mnist", "mnist/mnist.pkl.gz"])
@pytest.mark.parametrize("below", ["", "mnist"])
def test_load_data_takes_a_path_and_the_environment_alike(
    tmp_path, sets, monkeypatch, below, named
):
    (tmp_path / below).mkdir(exist_ok=True)
    write(tmp_path / below / "mnist.pkl.gz", pickle.dumps(sets))
    path = tmp_path / named
    monkeypatch.delenv("CHAINRULE_DATA", raising=False)
    if not path.exists():
        with pytest.raises(FileNotFoundError, match="no MNIST at"):
            mnist_loader.load_data(path)
        return
    check(mnist_loader.load_data(path), sets)
    monkeypatch.setenv("CHAINRULE_DATA", str(path))
    check(mnist_loader.load_data(), sets)


def test_load_data_finds_the_place_of_the_original(tmp_path, sets, monkeypatch):
    monkeypatch.delenv("CHAINRULE_DATA", raising=False)
    (tmp_path / "src").mkdir()
    monkeypatch.chdir(tmp_path / "src")
    with pytest.raises(FileNotFoundError, match=r"mnist.pkl.gz.*environment variable CHAINRULE"):
        mnist_loader.load_data()
    (tmp_path / "data").mkdir()
    write(tmp_path / "data" / "mnist.pkl.gz", pickle.dumps(sets))
    check(mnist_loader.load_data(), sets)
