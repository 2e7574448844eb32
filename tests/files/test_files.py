"""The model file: it brings back the same network, is written whole, and is checked in full."""

import builtins
import functools
import io
import json
import os
import stat
import zipfile
from pathlib import Path
from time import process_time

import numpy as np
import pytest

import chainrule
from chainrule import SGD, Network, activations, costs, load
from chainrule.files import header
from chainrule.results import whole_file
from children import python
from model_files import header_of, refused, rewrite

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 5))
Y = RNG.integers(3, size=40)
MOMENTUM = SGD(0.2, momentum=0.9)
SGD_WRITTEN = {"name": "SGD", "learning_rate": 0.2, "momentum": 0.9, "nesterov": False}
ADAM_WRITTEN = {
    "name": "Adam", "learning_rate": 0.1, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8,
}  # fmt: skip


class mine(activations.Activation):  # noqa: N801 - as the others
    """One that no file can hold."""


def trained(*, epochs=2, **options):
    options = {"hidden": "tanh", "cost": "quadratic", "seed": 3} | options
    net = Network([5, 4, 3], **options)
    net.fit(X, targets_of(net), optimizer=MOMENTUM, epochs=epochs, batch_size=7)
    return net


def targets_of(net):
    return Y if net._cost.outputs_per_target == 1 else Y / 2


@pytest.fixture
def path(tmp_path):
    """A saved network with optimiser state, alone in its folder."""
    trained().save(tmp_path / "net.npz")
    return tmp_path / "net.npz"


# What comes back


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"dtype": "float64"},
        {"bias": False},
        {"output": "softmax", "cost": "log_likelihood", "hidden": "relu"},
        {"cost": "cross_entropy", "hidden": ["identity"]},
        {"hidden": [activations.leaky_relu(slope=0.2)], "cost": costs.huber(delta=2.0)},
        {"hidden": activations.elu(alpha=0.1), "cost": costs.quantile([0.1, 0.5, 0.7])},
        {"output": "softmax", "cost": costs.log_likelihood(smoothing=0.1)},
        {"output": activations.swish(beta=3), "cost": "hinge"},
        {"seed": None},
        {"seed": 2**64 - 1},
    ],
)
def test_the_same_network_comes_back(tmp_path, options):
    net = trained(**options)
    net.save(tmp_path / "net.npz")
    back = load(tmp_path / "net.npz")
    for name in ("sizes", "hidden", "output", "cost", "bias", "dtype", "seed", "epochs_trained"):
        assert getattr(back, name) == getattr(net, name), name
        assert type(getattr(back, name)) is type(getattr(net, name)), name
    np.testing.assert_array_equal(back.parameters, net.parameters)
    np.testing.assert_array_equal(back(X), net(X))
    assert back.optimizer_state.keys() == net.optimizer_state.keys() == {"velocity"}
    np.testing.assert_array_equal(back.optimizer_state["velocity"], net.optimizer_state["velocity"])

    # It goes on as the one that was never saved.
    for one in (net, back):
        one.fit(X, targets_of(net), optimizer=MOMENTUM, epochs=3, batch_size=7)
    np.testing.assert_array_equal(back.parameters, net.parameters)
    assert back.epochs_trained == 5


def test_a_network_as_it_was_drawn_comes_back(tmp_path):
    net = Network([2, 1], seed=1)
    net.save(tmp_path / "net.npz")
    back = load(tmp_path / "net.npz")
    assert back.optimizer_state == {}
    assert back.hidden == ()
    np.testing.assert_array_equal(back.parameters, net.parameters)


@pytest.mark.parametrize("kind", [str, Path])
@pytest.mark.parametrize("name", ["net.npz", "net", "net.model", "nét 1.npz"])
def test_the_name_is_used_as_it_is(tmp_path, name, kind):
    trained().save(kind(tmp_path / name))
    assert os.listdir(tmp_path) == [name]
    load(kind(tmp_path / name))


def test_numpy_reads_the_file(path):
    with np.load(path, allow_pickle=False) as arrays:
        assert sorted(arrays) == ["header", "optimizer.velocity", "parameters"]
    header = header_of(path)
    assert header["format"] == "chainrule network"
    assert header["format_version"] == 1
    assert header["package_version"] == chainrule.__version__
    assert header["sizes"] == [5, 4, 3]
    assert header["optimizer_state"] == ["velocity"]
    assert header["optimizer"] == SGD_WRITTEN


def test_parameters_that_are_the_default_leave_names_alone(tmp_path):
    """So that those who know only names can read the file."""
    net = Network([2, 2, 1], hidden=[activations.elu(1)], cost=costs.huber(delta=1.0))
    net.save(tmp_path / "net.npz")
    header = header_of(tmp_path / "net.npz")
    assert (header["hidden"], header["output"], header["cost"]) == (["elu"], "sigmoid", "huber")
    net = Network([2, 2, 2], hidden=[activations.elu(2)], cost=costs.quantile([0.25, 0.5]))
    net.save(tmp_path / "net.npz")
    header = header_of(tmp_path / "net.npz")
    assert header["hidden"] == [{"name": "elu", "alpha": 2.0}]
    assert header["cost"] == {"name": "quantile", "levels": [0.25, 0.5]}


def test_the_same_network_makes_the_same_bytes(path, tmp_path):
    trained().save(tmp_path / "again.npz")
    assert (tmp_path / "again.npz").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("name", [b"net.npz", 3, None, io.BytesIO()])
def test_only_file_names_are_taken(name):
    with pytest.raises(TypeError, match="expected a file name as str or path object, got"):
        trained().save(name)
    with pytest.raises(TypeError, match="expected a file name as str or path object, got"):
        load(name)


# Written whole or not at all


class FailingFile:
    """A file whose n-th write fails, as on a full disk."""

    def __init__(self, path, mode, fail_at):
        self._file, self._left = builtins.open(path, mode), fail_at  # noqa: SIM115

    def write(self, data):
        self._left -= 1
        if self._left == 0:
            self._file.write(bytes(data)[: len(data) // 2])
            raise OSError(28, "No space left on device")
        return self._file.write(data)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._file.close()

    def __getattr__(self, name):
        return getattr(self._file, name)


def assert_old_file_is_intact(path, old):
    assert path.read_bytes() == old
    assert os.listdir(path.parent) == [path.name]


def test_each_write_may_fail(path, monkeypatch):
    old = path.read_bytes()
    net = trained(epochs=4)
    for fail_at in range(1, 1000):
        failing = functools.partial(FailingFile, fail_at=fail_at)
        monkeypatch.setattr(whole_file, "open", failing, raising=False)
        try:
            net.save(path)
        except OSError:
            assert_old_file_is_intact(path, old)
        else:
            break
    assert fail_at > 8  # three arrays, each with a header before and data behind
    monkeypatch.undo()
    assert load(path).epochs_trained == 4


@pytest.mark.parametrize("module", ["os", "chmod"])
@pytest.mark.parametrize("error", [OSError(5, "Input/output error"), KeyboardInterrupt()])
def test_each_step_after_the_writes_may_fail(path, monkeypatch, module, error):
    def fail(*args):
        raise error

    old = path.read_bytes()
    steps = {"os": [(os, "fsync"), (os, "replace")], "chmod": [(os, "chmod")]}
    for owner, name in steps[module]:
        with monkeypatch.context() as broken:
            broken.setattr(owner, name, fail)
            with pytest.raises(type(error)):
                trained(epochs=4).save(path)
        assert_old_file_is_intact(path, old)


def test_the_disk_is_really_full(path):
    resource = pytest.importorskip("resource", reason="no file size limits on this system")
    old = path.read_bytes()
    net = trained(epochs=4)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    for size in range(0, len(old), 97):
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
        try:
            with pytest.raises(OSError, match="File too large"):
                net.save(path)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert_old_file_is_intact(path, old)


def test_a_new_file_that_fails_leaves_nothing(tmp_path, monkeypatch):
    def fail(*args):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="Input/output"):
        trained().save(tmp_path / "net.npz")
    assert os.listdir(tmp_path) == []


def test_the_data_is_on_the_disk_before_the_name_is(path, monkeypatch):
    steps = []
    fsync, replace = os.fsync, os.replace

    def logged_fsync(f):
        kept = os.fstat(f)
        steps.append("folder" if stat.S_ISDIR(kept.st_mode) else kept.st_size)
        fsync(f)

    monkeypatch.setattr(os, "fsync", logged_fsync)
    monkeypatch.setattr(os, "replace", lambda a, b: (steps.append("replace"), replace(a, b)))
    trained().save(path)
    assert steps == [path.stat().st_size, "replace", *(["folder"] if os.name == "posix" else [])]


@pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_permissions_are_those_of_a_plain_open(tmp_path, umask):
    # In a process of its own: the umask belongs to the whole process.
    code = """if True:
        import os, sys, chainrule
        os.umask(int(sys.argv[1]))
        open("plain", "wb").close()
        chainrule.Network([2, 1], seed=0).save("net.npz")
    """
    python("-c", code, umask, cwd=tmp_path)
    mode = stat.S_IMODE((tmp_path / "net.npz").stat().st_mode)
    assert mode == stat.S_IMODE((tmp_path / "plain").stat().st_mode) == 0o666 & ~umask


@pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
def test_permissions_of_an_old_file_stay(path):
    path.chmod(0o640)
    trained().save(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@pytest.mark.skipif(os.name != "posix", reason="paths as POSIX has them")
def test_a_path_that_ends_as_a_folder_does_is_none_of_a_file(tmp_path):
    net = trained()
    for there in (False, True):
        with pytest.raises(OSError, match=r"expected a file to write to, got a folder.*new/$"):
            net.save(f"{tmp_path}/new/")
        assert (tmp_path / "new").exists() is there
        (tmp_path / "new").mkdir(exist_ok=True)


@pytest.mark.skipif(os.name != "posix", reason="symbolic links")
def test_links_that_lead_in_a_circle_stay(tmp_path):
    net = trained()
    one, two = tmp_path / "one", tmp_path / "two"
    one.symlink_to(two)
    two.symlink_to(one)
    with pytest.raises(OSError, match="round in a circle"):
        net.save(one)
    assert one.is_symlink()
    assert two.is_symlink()


@pytest.mark.skipif(os.name != "posix", reason="symbolic links")
def test_a_link_stays_a_link(path):
    link = path.parent / "link.npz"
    link.symlink_to(path.name)
    trained(epochs=5).save(link)
    assert link.is_symlink()
    assert load(path).epochs_trained == 5


def test_a_folder_is_not_replaced(tmp_path):
    folder = tmp_path / "net.npz"
    folder.mkdir()
    with pytest.raises(OSError, match=r"got a folder or device: .*net\.npz"):
        trained().save(folder)
    with pytest.raises(OSError, match=r"got a folder or device: .*net\.npz"):
        load(folder)
    assert os.listdir(tmp_path) == ["net.npz"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes")
def test_a_device_is_neither_replaced_nor_read(tmp_path):
    pipe = tmp_path / "net.npz"
    os.mkfifo(pipe)
    with pytest.raises(OSError, match="got a folder or device"):
        trained().save(pipe)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    with pytest.raises(OSError, match="got a folder or device"):
        load(pipe)
    with pytest.raises(OSError, match="got a folder or device"):
        load("/dev/zero")


def test_a_folder_that_does_not_exist(tmp_path):
    with pytest.raises(FileNotFoundError):
        trained().save(tmp_path / "no" / "net.npz")
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "no" / "net.npz")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda net: net.parameters.__setitem__(3, np.nan), "finite numbers in 'parameters'"),
        (
            lambda net: net.optimizer_state["velocity"].__setitem__(0, np.inf),
            "finite numbers in 'optimizer.velocity'",
        ),
        (
            lambda net: setattr(net, "_hidden", (mine(),)),
            "unknown hidden activation 'mine'",
        ),
        (
            lambda net: net.optimizer_state.update(velocity=np.array([object()])),
            "'optimizer.velocity' to be a flat float32 array",
        ),
        (lambda net: net.optimizer_state.update({"../x": np.zeros(1)}), "'optimizer_state' to be"),
        (
            lambda net: net.optimizer_state.update(v=np.zeros(1, "f4")),
            "'optimizer.v' to be a flat float32 array of 39 numbers, got .* shape .1,.",
        ),
        (
            lambda net: net.optimizer_state.update(v=np.zeros((13, 3), "f4")),
            "'optimizer.v' to be a flat float32 array of 39 numbers",
        ),
    ],
)
def test_what_could_not_be_loaded_is_not_saved(path, spoil, message):
    old = path.read_bytes()
    net = trained()
    spoil(net)
    with pytest.raises(ValueError, match=f"this network cannot be saved: (expected )?.*{message}"):
        net.save(path)
    assert_old_file_is_intact(path, old)


# Checked in full


def test_rewritten_unchanged_it_is_still_good(path):
    before = load(path)
    rewrite(path)
    np.testing.assert_array_equal(load(path).parameters, before.parameters)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("format", "onnx", "expected 'format' to be 'chainrule network', got 'onnx'"),
        ("format_version", 2, "expected 'format_version' to be 1, got 2"),
        ("format_version", True, "expected 'format_version' to be 1, got True"),
        ("format_version", 1.0, "expected 'format_version' to be 1, got 1.0"),
        ("package_version", 1, "'package_version' to be a string, got 1"),
        ("sizes", [5], "'sizes' to be a list of two or more whole numbers from 1 to"),
        ("sizes", [5, 0, 3], "'sizes' to be a list"),
        ("sizes", [5, -4, 3], "'sizes' to be a list"),
        ("sizes", [5, 4.0, 3], "'sizes' to be a list"),
        ("sizes", [True, 4, 3], "'sizes' to be a list"),
        ("sizes", ["5", 4, 3], "'sizes' to be a list"),
        ("sizes", {"0": 5}, "'sizes' to be a list"),
        ("sizes", 5, "'sizes' to be a list"),
        ("sizes", [5, 4, 4], "flat float32 array of 44 numbers, got .* shape .39,."),
        ("sizes", [10**6, 10**6, 3], "array of 1000004000003 numbers"),
        ("sizes", [10**4000, 10**300], "'sizes' to be a list of .* from 1 to 2..31 - 1, got"),
        ("sizes", [2**31 - 1] * 300, "'parameters' to be a flat float32 array of 1\\d{21} numbers"),
        ("sizes", [5, 4, 3, 3], "'parameters' to be a flat"),
        ("hidden", [], "hidden must be one name, or one for each of the 1 hidden layers"),
        ("hidden", "tanh", "'hidden' to be a list of names, got 'tanh'"),
        ("hidden", [["tanh"]], "'hidden' to be a list of names"),
        ("hidden", ["softmax"], "softmax"),
        ("hidden", ["tahn"], "Did you mean 'tanh'"),
        ("output", None, "'output' to be a name, got None"),
        ("output", "os.system", "unknown output activation"),
        ("cost", ["quadratic"], "'cost' to be a name"),
        ("cost", "log_likelihood", "'softmax'"),
        ("hidden", [{"slope": 0.2}], "'hidden' to be a list of names"),
        ("hidden", [{"name": ["elu"], "alpha": 1.0}], "'hidden' to be a list of names"),
        ("hidden", [{"name": "elu"}], "expected 'alpha', 'name' alone in"),
        ("hidden", [{"name": "elu", "alpha": 1.0, "x": 1}], "expected 'alpha', 'name' alone in"),
        ("hidden", [{"name": "elu", "slope": 1.0}], "expected 'alpha', 'name' alone in"),
        ("hidden", [{"name": "tanh", "alpha": 1.0}], "expected 'name' alone in"),
        ("hidden", [{"name": "elu", "alpha": -1.0}], "alpha of elu must be a number from"),
        ("hidden", [{"name": "elu", "alpha": float("nan")}], "alpha of elu must be a number from"),
        ("hidden", [{"name": "elu", "alpha": "1"}], "alpha of elu must be a number from"),
        ("hidden", [{"name": "elu", "alpha": 10**400}], "alpha of elu must be a number from"),
        ("hidden", [{"name": "quadratic"}], "unknown hidden activation 'quadratic'"),
        ("hidden", [{"name": "__class__"}], "unknown hidden activation '__class__'"),
        (
            "cost",
            {"name": "quantile", "levels": [0.5, 0.5, 0.1]},
            "levels of quantile must .* different",
        ),
        ("cost", {"name": "quantile", "levels": [0.5, 0.1]}, "takes 2 outputs for each target"),
        ("cost", {"name": "quantile", "levels": [[0.5]]}, "each of levels of quantile must be"),
        ("cost", {"name": "quantile", "levels": []}, "levels of quantile must be one or more"),
        ("cost", {"name": "quantile", "levels": None}, "each of levels of quantile must be"),
        ("cost", {"name": "huber", "delta": 0}, "delta of huber must be a number from"),
        ("cost", {"name": "log_likelihood", "smoothing": 0.1}, "'softmax'"),
        ("bias", 1, "'bias' to be true or false, got 1"),
        ("bias", False, "array of 32 numbers, got .* shape .39,."),
        ("dtype", "float64", "'parameters' to be a one-dimensional float64 array"),
        ("dtype", "float16", "'dtype' to be float32 or float64, got 'float16'"),
        ("dtype", ["float32"], "'dtype' to be float32 or float64"),
        ("seed", -1, "'seed' to be a whole number from 0 to .*, got -1"),
        ("seed", None, "'seed' to be a whole number"),
        ("seed", 2**64, "'seed' to be a whole number"),
        ("epochs_trained", 1.5, "'epochs_trained' to be a whole number from 0 to .*, got 1.5"),
        ("epochs_trained", "2", "'epochs_trained' to be"),
        ("epochs_trained", float("nan"), "'epochs_trained' to be"),
        ("optimizer_state", {"velocity": 39}, "'optimizer_state' to be a list of names, got"),
        ("optimizer_state", "v", "'optimizer_state' to be a list of names, got 'v'"),
        ("optimizer_state", [1], "'optimizer_state' to be a list of names"),
        ("optimizer_state", ["../x"], "'optimizer_state' to be a list of names"),
        ("optimizer_state", [], "expected the arrays 'parameters'; got .*'optimizer.velocity'"),
        ("optimizer_state", ["m"], "expected the arrays .*'optimizer.m'"),
        ("input_names", None, "'input_names' to be a list of different strings, got None"),
        ("input_names", "abcde", "'input_names' to be a list of different strings, got 'abcde'"),
        ("input_names", {}, "'input_names' to be a list of different strings"),
        ("input_names", [*"abcd", 5], "'input_names' to be a list of different strings"),
        ("input_names", [*"abcd", ["e"]], "'input_names' to be a list of different strings"),
        ("input_names", [*"abcda"], "'input_names' to be a list of different strings"),
        ("input_names", [*"abcd"], "'input_names' to be 5, one an input, got 4"),
        ("input_names", [], "'input_names' to be 5, one an input, got 0"),
        ("optimizer", None, "'optimizer' to be an object with a name, got None"),
        ("optimizer", "SGD", "'optimizer' to be an object with a name"),
        ("optimizer", {"learning_rate": 0.1}, "'optimizer' to be an object with a name"),
        ("optimizer", {"name": ["SGD"]}, "'optimizer' to be an object with a name"),
        ("optimizer", {"name": "Sgd"}, "unknown optimizer 'Sgd'. Did you mean 'SGD'"),
        ("optimizer", {"name": "__class__"}, "unknown optimizer '__class__'"),
        ("optimizer", {"name": "SGD"}, "expected 'learning_rate', 'momentum', 'name', 'nesterov'"),
        ("optimizer", SGD_WRITTEN | {"x": 1}, "'nesterov' alone in"),
        ("optimizer", SGD_WRITTEN | {"learning_rate": -1}, "learning_rate must be a positive"),
        ("optimizer", SGD_WRITTEN | {"learning_rate": "0.1"}, "learning_rate must be a positive"),
        ("optimizer", SGD_WRITTEN | {"learning_rate": [0.1]}, "learning_rate must be a positive"),
        ("optimizer", SGD_WRITTEN | {"learning_rate": None}, "learning_rate must be a positive"),
        ("optimizer", SGD_WRITTEN | {"learning_rate": True}, "learning_rate must be a positive"),
        ("optimizer", SGD_WRITTEN | {"learning_rate": 10**400}, "must be a positive number; got"),
        ("optimizer", SGD_WRITTEN | {"learning_rate": float("inf")}, "must be a positive"),
        ("optimizer", SGD_WRITTEN | {"momentum": float("nan")}, "momentum must be in 0 <= mom"),
        ("optimizer", SGD_WRITTEN | {"nesterov": 1}, "nesterov must be True or False"),
        ("optimizer", SGD_WRITTEN | {"nesterov": True, "momentum": 0}, "needs momentum above 0"),
        ("optimizer", SGD_WRITTEN | {"learning_rate": {}}, "schedule must be a name, one of"),
        ("optimizer", SGD_WRITTEN | {"learning_rate": {"name": []}}, "schedule must be a name"),
        ("optimizer", SGD_WRITTEN | {"learning_rate": {"name": "Function"}}, "unknown schedule"),
        ("optimizer", SGD_WRITTEN | {"learning_rate": {"name": "Constant"}}, "'learning_rate', 'n"),
        (
            "optimizer",
            SGD_WRITTEN | {"learning_rate": {"name": "Constant", "learning_rate": {"name": "SGD"}}},
            "learning_rate must be a positive number",
        ),
        (
            "optimizer",
            SGD_WRITTEN | {"learning_rate": {"name": "Missing", "function": 3}},
            "function must be a string; got 3",
        ),
        (
            "optimizer",
            {"name": "LBFGS", "history": 0, "tolerance": 1e-8},
            "history must be 1 or more; got 0",
        ),
        ("optimizer", ADAM_WRITTEN | {"epsilon_hat": 1}, "epsilon_hat must be True or False"),
        ("optimizer", ADAM_WRITTEN | {"epsilon_": 1}, "'epsilon', 'epsilon_hat', .* alone in"),
        ("extra", 1, "expected only 'format', .* in the header, got .*'extra'"),
    ],
)
def test_each_field_of_the_header_is_checked(path, name, value, message):
    rewrite(path, header={name: value})
    refused(path, message)


@pytest.mark.parametrize("name", list(header.FIELDS))
def test_no_field_may_be_missing(path, name):
    rewrite(path, drop=[name])
    refused(path, f"expected '{name}' in the header")


def test_of_a_newer_format_only_the_version_is_said(path):
    rewrite(path, header={"format_version": 7, "layers": []}, drop=["sizes", "parameters"])
    refused(path, "'format_version' to be 1, got 7")


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (np.frombuffer(b"[1, 2]", np.uint8), r"expected a JSON object as header, got \[1, 2\]"),
        (np.frombuffer(b"{", np.uint8), "expected a header in JSON, got b'{'"),
        (np.frombuffer(b"[" * 100_000, np.uint8), "expected a header in JSON"),
        (np.frombuffer(b"\xff\xfe{}", np.uint8), "expected a header in JSON"),
        (np.zeros(0, np.uint8), "expected a header in JSON, got b''"),
        (np.zeros((2, 2), np.uint8), "'header' to be a one-dimensional uint8 array, got shape"),
        (np.zeros(3), "'header' to be a one-dimensional uint8 array, got .* float64"),
        (np.array("{}"), "'header' to be a one-dimensional uint8 array, got .* <U2"),
    ],
)
def test_the_header_is_checked_as_a_whole(path, header, message):
    with np.load(path) as old:
        contents = dict(old) | {"header": header}
    np.savez(path, **contents)
    refused(path, message)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (np.zeros(38, np.float32), "array of 39 numbers, got .* shape .38,."),
        (np.zeros(40, np.float32), "array of 39 numbers, got .* shape .40,."),
        (np.zeros((39, 1), np.float32), "one-dimensional float32 array, got shape"),
        (np.zeros(39), "one-dimensional float32 array, got .* float64"),
        (np.zeros(39, np.int32), "one-dimensional float32 array, got .* int32"),
        (np.zeros(39, np.complex64), "one-dimensional float32 array, got .* complex64"),
        (np.zeros(39, "U1"), "one-dimensional float32 array"),
        (np.zeros(39, [("a", "f4")]), "'parameters' to be a plain .npy array, got"),
        (np.full(39, np.nan, np.float32), "finite numbers in 'parameters', got NaN or infinity"),
        (np.full(39, -np.inf, np.float32), "finite numbers in 'parameters'"),
    ],
)
def test_the_parameters_are_checked(path, parameters, message):
    rewrite(path, parameters=parameters)
    refused(path, message)


@pytest.mark.parametrize(
    ("velocity", "message"),
    [
        (np.zeros(1, np.float32), "array of 39 numbers, got .* shape .1,."),
        (np.zeros(40, np.float32), "array of 39 numbers, got .* shape .40,."),
        (np.zeros(39), "one-dimensional float32 array, got .* float64"),
        (np.full(39, np.nan, np.float32), "finite numbers in 'optimizer.velocity'"),
    ],
)
def test_the_optimizer_state_is_checked(path, velocity, message):
    rewrite(path, **{"optimizer.velocity": velocity})
    refused(path, message)


@pytest.fixture
def counted(tmp_path):
    """A saved network with an average and with states that are not like its parameters."""
    net = Network([5, 4, 3], seed=3)
    options = {"average": 0.9, "epochs": 3, "batch_size": 7}
    net.fit(X, Y, optimizer=chainrule.Adam(chainrule.ReduceOnPlateau(0.1)), **options)
    net.save(tmp_path / "counted.npz")
    return tmp_path / "counted.npz"


def test_states_of_other_shapes_come_back(counted):
    with np.load(counted) as arrays:
        assert (arrays["optimizer.steps"].dtype, arrays["optimizer.steps"].tolist()) == ("u8", [18])
        assert arrays["optimizer.plateau_cost"].dtype == "f8"
        assert arrays["optimizer.plateau_cost"].shape == (3,)
    back = load(counted)
    names = ["mean", "mean_square", "average", "steps", "epochs", "plateau_cost", "plateau_data"]
    assert list(back.optimizer_state) == names
    assert back.averaged()(X).shape == (40, 3)


@pytest.mark.parametrize("values", [np.array([2**40], ">u8"), np.zeros(1, np.uint64)])
def test_any_count_of_steps_is_read(counted, values):
    rewrite(counted, **{"optimizer.steps": values})
    assert load(counted).optimizer_state["steps"].tolist() == values.tolist()


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("steps", np.zeros(1), "one-dimensional uint64 array, got .* float64"),
        ("steps", np.zeros(1, np.int64), "one-dimensional uint64 array, got .* int64"),
        ("steps", np.zeros(2, np.uint64), "array of 1 numbers, got .* shape .2,."),
        ("steps", np.zeros(0, np.uint64), "array of 1 numbers, got .* shape .0,."),
        ("steps", np.array([2**63], np.uint64), "whole numbers from 0 to"),
        ("plateau_cost", np.zeros(3, np.float32), "one-dimensional float64 array, got .* float32"),
        ("plateau_cost", np.zeros(2), "array of 3 numbers, got .* shape .2,."),
        ("plateau_cost", np.zeros(39), "array of 3 numbers, got .* shape .39,."),
        ("plateau_cost", np.array([0, 0, np.inf]), "finite numbers"),
        ("plateau_cost", np.array([np.nan, 0, 1]), "finite numbers"),
        ("plateau_cost", np.array([-1.0, 0, 1]), "whole numbers from 0 to"),
        ("plateau_cost", np.array([0, 0.5, 1]), "whole numbers from 0 to"),
        ("plateau_cost", np.array([0, 1e19, 1]), "whole numbers from 0 to"),
        ("average", np.zeros(3, np.float32), "array of 39 numbers, got .* shape .3,."),
        ("mean", np.zeros(39), "one-dimensional float32 array, got .* float64"),
    ],
)
def test_states_of_other_shapes_are_checked(counted, name, values, message):
    rewrite(counted, **{f"optimizer.{name}": values})
    refused(counted, message)
    net = Network([5, 4, 3], seed=3)
    net.optimizer_state = {"mean": np.zeros(39, "f4"), name: values}
    with pytest.raises(ValueError, match="this network cannot be saved"):
        net.save(counted)


def test_a_setting_that_came_later_is_written_where_it_is_not_the_default(path):
    """So that versions before it read what does not need it; their files do not have it."""
    for optimizer, more in (
        (chainrule.Adam(0.1), {}),
        (chainrule.Adam(0.1, epsilon_hat=True), {"epsilon_hat": True}),
    ):
        net = Network([5, 4, 3], seed=3)
        net.fit(X, Y, optimizer=optimizer, epochs=1)
        net.save(path)
        assert header_of(path)["optimizer"] == ADAM_WRITTEN | more
        assert load(path).optimizer == optimizer
    rewrite(path, header={"optimizer": ADAM_WRITTEN | {"epsilon_hat": False}})
    assert load(path).optimizer == chainrule.Adam(0.1)


def test_a_file_of_the_first_release_is_read(tmp_path):
    """Written by hand, as the format was before optimisers counted steps."""
    header = {
        "format": "chainrule network", "format_version": 1, "package_version": "0.1.0",
        "sizes": [1, 1], "hidden": [], "output": "identity", "cost": "quadratic", "bias": True,
        "dtype": "float64", "seed": 7, "epochs_trained": 3, "optimizer_state": ["velocity"],
    }  # fmt: skip
    np.savez(
        tmp_path / "old.npz",
        header=np.frombuffer(json.dumps(header).encode(), np.uint8),
        parameters=np.array([2.0, 1.0]),
        **{"optimizer.velocity": np.array([0.5, 0.25])},
    )
    net = load(tmp_path / "old.npz")
    assert net(np.array([3.0])).tolist() == [7]
    net.fit([[0.0]], [[1.0]], optimizer=SGD(0.1, momentum=0.5), epochs=1)
    assert net.parameters.tolist() == [2.25, 1.125]  # no gradient: half the velocity


def test_big_endian_arrays_are_read(path):
    net = load(path)
    rewrite(
        path,
        parameters=net.parameters.astype(">f4"),
        **{"optimizer.velocity": net.optimizer_state["velocity"].astype(">f4")},
    )
    with np.load(path) as arrays:
        assert arrays["parameters"].dtype == ">f4"
    back = load(path)
    np.testing.assert_array_equal(back.parameters, net.parameters)
    assert back.optimizer_state["velocity"].dtype.isnative
    back.fit(X, Y, optimizer=MOMENTUM, epochs=1)
    net.fit(X, Y, optimizer=MOMENTUM, epochs=1)
    np.testing.assert_array_equal(back.parameters, net.parameters)


@pytest.mark.parametrize("name", ["parameters", "optimizer.velocity"])
def test_no_array_may_be_missing(path, name):
    rewrite(path, drop=[name])
    refused(path, f"expected the arrays .*'{name}'.*; got")


def test_no_array_may_be_added(path):
    rewrite(path, extra=np.zeros(3))
    refused(path, "expected the arrays 'parameters', .*; got .*'extra'")


class Bomb:
    def __reduce__(self):
        return (os.mkdir, ("exploded",))


@pytest.mark.parametrize("name", ["header", "parameters", "optimizer.velocity"])
def test_pickles_are_not_opened(path, name, monkeypatch):
    monkeypatch.chdir(path.parent)
    with np.load(path) as old:
        contents = dict(old) | {name: np.array([Bomb()], object)}
    np.savez(path, **contents)
    refused(path, f"'{name}' to be a one-dimensional .* object")
    assert os.listdir(path.parent) == [path.name]


def test_foreign_archives(path):
    np.savez(path, a=np.zeros(3), b=np.zeros(2))
    refused(path, "expected a network written by chainrule, got an archive of 'a', 'b'")
    with zipfile.ZipFile(path, "w"):
        pass
    refused(path, "got an archive of nothing")


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"PK", b"\x80\x04K\x01.", b"PK\x05\x06" + 18 * b"\xff"]
)
def test_foreign_files(path, content):
    path.write_bytes(content)
    refused(
        path, "expected a complete .npz file written by chainrule, got a damaged or foreign one"
    )


def test_files_cut_short(path):
    content = path.read_bytes()
    for size in range(len(content)):
        path.write_bytes(content[:size])
        refused(path, "damaged or foreign")


def test_each_damaged_byte_is_found_or_harmless(path):
    content = path.read_bytes()
    good = load(path)
    messages = []
    for position in range(len(content)):
        for bits in (0x01, 0x80, 0xFF):
            damaged = bytearray(content)
            damaged[position] ^= bits
            path.write_bytes(damaged)
            try:
                back = load(path)
            except ValueError as error:
                messages.append(str(error))
                continue
            # A date or a flag of the archive, which nothing here depends on.
            assert repr(back) == repr(good)
            assert back.epochs_trained == good.epochs_trained
            np.testing.assert_array_equal(back.parameters, good.parameters)
            np.testing.assert_array_equal(
                back.optimizer_state["velocity"], good.optimizer_state["velocity"]
            )
    assert len(messages) > 2 * len(content)
    assert all(message.startswith(f"{path} cannot be loaded: ") for message in messages)


def test_compressed_arrays_are_refused_before_they_unfold(path, monkeypatch):
    rewrite(path, parameters=np.zeros(10**7, np.float32), compress=True)
    assert path.stat().st_size < 10**5
    monkeypatch.setattr(zipfile.ZipFile, "read", None)
    refused(path, "expected uncompressed arrays, got compressed ones")


def set_in_directory(path, name, offset, value):
    """Set four bytes in the archive's directory entry of an array."""
    content = bytearray(path.read_bytes())
    start = content.rindex(b"PK\x01\x02", 0, content.rindex(name.encode()))
    content[start + offset : start + offset + 4] = value.to_bytes(4, "little")
    path.write_bytes(content)


def test_arrays_longer_than_the_file_are_refused_unread(path, monkeypatch):
    for offset in (20, 24):  # the stored and the real size
        set_in_directory(path, "parameters.npy", offset, 2**31)
    monkeypatch.setattr(zipfile.ZipFile, "read", None)
    refused(path, "expected arrays no longer than the file, got longer ones")


def test_overlapping_arrays_are_refused_unread(path, monkeypatch):
    # Many entries of the directory that all point to the same large stored bytes.
    net = Network([1000, 10], seed=0)
    net.save(path)
    content = path.read_bytes()
    directory = content.index(b"PK\x01\x02")
    end = content.rindex(b"PK\x05\x06")
    entries = content[directory:end]
    overlapping = bytearray(content[:directory] + 9 * entries + content[end:])
    at = overlapping.rindex(b"PK\x05\x06")
    overlapping[at + 8 : at + 16] = 2 * (9 * 2).to_bytes(2, "little") + (9 * len(entries)).to_bytes(
        4, "little"
    )
    path.write_bytes(overlapping)
    with zipfile.ZipFile(path) as archive:
        assert len(archive.infolist()) == 18
    monkeypatch.setattr(zipfile.ZipFile, "read", None)
    refused(path, "expected arrays no longer than the file, got longer ones")


def test_a_shape_beyond_its_data_is_refused(path):
    with np.load(path) as old:
        contents = dict(old)
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in contents.items():
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, array)
            raw = buffer.getvalue()
            if name == "parameters":
                assert b"(39,), " in raw
                raw = raw.replace(b"(39,), ", b"(9999,), ", 1)
                raw = raw.replace(b"  \n", b"\n", 1)  # keeps the length
            archive.writestr(f"{name}.npy", raw)
    refused(path, "expected 39996 bytes of data in 'parameters', got 156")


def npy(header, version=1):
    return b"\x93NUMPY" + bytes([version, 0]) + len(header).to_bytes(2, "little") + header


@pytest.mark.parametrize(
    "member",
    [
        b"",
        b"\x93NUMPY",
        b"plain text",
        npy(b"{"),
        npy(b"{'descr': '<f4', 'fortran_order': False, 'shape': (39,)}", version=3),
        npy(b"{'descr': '<f4', 'fortran_order': False, 'shape': (39.5,)}"),
        npy(b"{'descr': '<f4', 'fortran_order': False}"),
        npy(b"{'descr': (), 'fortran_order': False, 'shape': (39,)}"),
        npy(b"{'descr': [('a',)], 'fortran_order': False, 'shape': (39,)}"),
        npy(b"-" * 9000 + b"1"),
        npy(b"__import__('os').mkdir('exploded')"),
    ],
)
def test_members_that_are_no_arrays(path, member):
    with np.load(path) as old:
        header = old["header"]
    np.savez(path, header=header)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("parameters.npy", member)
        archive.writestr("optimizer.velocity.npy", member)
    refused(path, "expected 'parameters' to be a plain .npy array")


def test_a_refused_file_changes_no_network(path):
    net = trained()
    before = net.parameters.copy()
    path.write_bytes(path.read_bytes()[:-1])
    refused(path, "damaged")
    np.testing.assert_array_equal(net.parameters, before)


# ---------------------------------------------------------------- what a reader must not swallow


def with_text(path, text):
    """Write the file again with this text as its header."""
    with np.load(path) as old:
        contents = dict(old) | {"header": np.frombuffer(text.encode(), np.uint8)}
    np.savez(path, **contents)


def header_text(path):
    with np.load(path) as old:
        return old["header"].tobytes().decode()


@pytest.mark.parametrize("member", ["header.npy", "parameters.npy"])
def test_a_member_that_stands_twice_is_refused(path, member):
    with zipfile.ZipFile(path) as archive:
        members = [(info.filename, archive.read(info)) for info in archive.infolist()]
    again = dict(members)[member]
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members:
            archive.writestr(name, content)
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr(member, again)
    refused(path, "expected each member once, got .*parameters")


@pytest.mark.parametrize("where", ["seed", "name"])
def test_a_name_that_stands_twice_in_json_is_refused(path, where):
    text = header_text(path)
    double = {
        "seed": ('"seed": ', '"seed": 5, "seed": '),
        "name": ('"cost": "quadratic"', '"cost": {"name": "huber", "name": "hinge"}'),
    }[where]
    assert double[0] in text
    with_text(path, text.replace(*double))
    refused(path, "a name stands twice among ")


@pytest.mark.parametrize("depth", [9, 300, 988, 100_000])
@pytest.mark.parametrize("kind", ["[]", "{}"])
def test_json_nested_deep_is_refused_unparsed(path, depth, kind):
    """A bracket within a string does not count."""
    a, b = (kind[0], kind[1]) if kind == "[]" else ('{"a": ', "}")
    text = header_text(path)
    with_text(path, text.replace('"seed": ', f'"deep": {a * depth}1{b * depth}, "seed": '))
    refused(path, "nested deeper than 8")


@pytest.mark.parametrize("text", ['"\\' * 300_000, '"' * 300_001, '"' + "\\n" * 300_000])
def test_strings_without_an_end_are_looked_at_once(path, text):
    """Not from each of their quotes to the end of the file, which took minutes."""
    began = process_time()
    with_text(path, text)
    refused(path, "expected a header in JSON")
    assert process_time() - began < 20


def test_messages_do_not_hold_what_the_file_holds(path):
    rewrite(path, header={"cost": "x" * 10**6})
    with pytest.raises(ValueError, match=r"cannot be loaded: .*cost") as caught:
        load(path)
    assert len(str(caught.value)) < 1500


def test_brackets_in_strings_do_not_nest(path):
    with_text(
        path,
        header_text(path).replace('"package_version": "', '"package_version": "[{\\"[[[[[[[[['),
    )
    chainrule.load(path)


@pytest.mark.parametrize("error", [MemoryError, KeyboardInterrupt, RecursionError])
@pytest.mark.parametrize("where", ["zipfile.ZipFile.read", "numpy.frombuffer", "json.loads"])
def test_what_is_no_fault_of_the_file_comes_out(path, monkeypatch, error, where):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(where, fail)
    with pytest.raises(error):
        chainrule.load(path)


def test_what_is_answered_is_settled_or_the_tasks(path):
    rewrite(path, header={"answers": "values", "task_answers": "classes"})
    refused(path, "expected 'answers' or 'task_answers', what stands before it; got both")
