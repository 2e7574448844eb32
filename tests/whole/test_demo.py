"""The command `chainrule`: its demo from data to picture, and its other answers."""

import gzip
import os
import re
import struct
import subprocess
import sys

import numpy as np
import pytest
from matplotlib.image import imread

import chainrule
from chainrule.__main__ import main
from chainrule.datasets import load_digits8x8
from children import python


def run(*arguments, stderr=subprocess.PIPE, **options):
    command = [sys.executable, "-W", "error", "-m", "chainrule", *map(str, arguments)]
    # Buffered as for a user, so that the order of stdout and stderr is theirs too.
    environment = os.environ | {"PYTHONIOENCODING": "utf-8", "PYTHONUNBUFFERED": ""}
    return subprocess.run(
        command, stdout=subprocess.PIPE, stderr=stderr, encoding="utf-8", env=environment, **options
    )


def test_demo_as_a_command(tmp_path):
    done = run("demo", cwd=tmp_path, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout
    accuracy = float(re.search(r"^Test accuracy ([\d.]+)%", done.stdout, re.M)[1])
    assert accuracy > 96
    assert re.search(r"^Speed [\d,]+ samples/s, [\d.]+ µs per step .* s in all$", done.stdout, re.M)
    first, *epochs = done.stdout.splitlines()[:31]
    assert first == "Training a 64-30-10 network on 1,000 digits of 8x8 pixels"
    assert all(re.match(r"epoch +\d+/30  cost .*  validation .*%  ", line) for line in epochs)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["digits.npz", "digits.png"]

    # The last three lines, as printed, read a digit.
    lines = done.stdout.splitlines()[-3:]
    assert all(line.startswith("    ") for line in lines)
    code = "\n".join(line.strip() for line in lines)
    assert python("-W", "error", "-c", code, cwd=tmp_path) == "0 0\n"


def test_demo_leaves_a_model_and_a_picture(tmp_path, capsys):
    folder = tmp_path / "made" / "for it"
    assert main(["demo", "--epochs", "8", "--output", str(folder)]) == 0
    out = capsys.readouterr().out
    assert str(folder / "digits.npz") in out
    assert str(folder / "digits.png") in out

    images, labels = load_digits8x8()
    net = chainrule.load(folder / "digits.npz")
    assert net.sizes == (64, 30, 10)
    assert net.epochs_trained == 8
    assert net.evaluate(images, labels)["accuracy"] > 0.93

    picture = imread(folder / "digits.png")
    assert picture.shape[1] > picture.shape[0] > 400
    left, right = np.array_split(picture[..., :3].mean(axis=2), 2, axis=1)
    assert left.std() > 0.05  # the curves
    assert right.std() > 0.05  # the digits


def test_demo_gives_the_same_network_each_time(tmp_path):
    nets = []
    for folder in (tmp_path / "1", tmp_path / "2"):
        assert main(["demo", "--epochs", "2", "--output", str(folder)]) == 0
        nets.append(chainrule.load(folder / "digits.npz"))
    np.testing.assert_array_equal(nets[0].parameters, nets[1].parameters)


def write_idx(path, array):
    header = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(header + array.tobytes())


def test_demo_on_a_folder_of_idx_files(tmp_path, capsys):
    # Images that show their label plainly: a bright row at its height.
    rng = np.random.default_rng(0)
    for part, count in (("train", 10_600), ("t10k", 300)):
        labels = rng.integers(10, size=count).astype(np.uint8)
        images = rng.integers(40, size=(count, 28, 28), dtype=np.uint8)
        images[np.arange(count), 2 * labels + 4] = 250
        write_idx(tmp_path / f"{part}-images-idx3-ubyte.gz", images)
        write_idx(tmp_path / f"{part}-labels-idx1-ubyte.gz", labels)
    output = tmp_path / "out"
    assert main(["demo", str(tmp_path), "--epochs", "6", "--output", str(output)]) == 0
    out, err = capsys.readouterr()
    assert "784-100-10 network on 600 digits of 28x28 pixels" in out
    assert len(err.splitlines()) == 6
    assert "Test accuracy 100.00%: 300 of 300" in out  # so no digit to show, and no error from that
    assert (output / "digits.png").exists()
    assert repr(str(tmp_path)) in out


def one_line(err):
    assert err.count("\n") == 1
    assert err.startswith("chainrule: error: ")
    return err


def test_bad_path_is_one_clear_line(tmp_path):
    done = run("demo", tmp_path / "nowhere", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert str(tmp_path / "nowhere") in one_line(done.stderr)


def test_foreign_file_as_data(tmp_path, capsys):
    path = tmp_path / "mnist.pkl.gz"
    path.write_bytes(b"no pickle at all")
    assert main(["demo", str(path)]) == 2
    assert str(path) in one_line(capsys.readouterr().err)


def test_output_that_is_a_file(tmp_path, capsys):
    path = tmp_path / "taken"
    path.touch()
    assert main(["demo", "--output", str(path)]) == 2
    assert str(path) in one_line(capsys.readouterr().err)


@pytest.mark.parametrize("module", ["matplotlib.figure", "sklearn.datasets"])
def test_missing_extra_is_named(module, monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(sys.modules, module, None)
    assert main(["demo", "--output", str(tmp_path)]) == 2
    assert "chainrule[demo]" in one_line(capsys.readouterr().err)
    assert not list(tmp_path.iterdir())


def test_interrupt_is_no_traceback(monkeypatch, tmp_path, capsys):
    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(chainrule.Network, "fit", interrupted)
    assert main(["demo", "--output", str(tmp_path)]) == 130
    assert capsys.readouterr().err == "chainrule: stopped\n"


@pytest.mark.parametrize("epochs", ["0", "-3", "1.5", "many"])
def test_epochs_must_be_a_whole_number_above_0(epochs, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["demo", f"--epochs={epochs}"])
    assert stopped.value.code == 2
    assert f"expected a whole number above 0, got '{epochs}'" in capsys.readouterr().err


def test_version(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["--version"])
    assert stopped.value.code == 0
    assert capsys.readouterr().out == f"chainrule {chainrule.__version__}\n"


def test_info_names_what_does_the_work(capsys):
    assert main(["info"]) == 0
    lines = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert lines["chainrule"] == chainrule.__version__
    assert lines["NumPy"] == np.__version__
    assert lines["BLAS"]
    assert lines["SIMD"] in ("baseline", "neon", "avx2", "avx512", "avx512bf16")


def test_without_a_command_the_help_is_shown(capsys):
    assert main([]) == 0
    assert "demo" in capsys.readouterr().out
