"""How the commands on tables end: Ctrl-C, broken pipes, missing packages."""

import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import chainrule as cr
from chainrule.__main__ import main
from chainrule.command import models, reading
from children import attempt
from tables_in_files import PENGUINS, write

pandas = pytest.importorskip("pandas", reason="the command line reads tables by pandas")
pytest.importorskip("sklearn", reason="estimators of tables need scikit-learn")
import chainrule.sklearn as crs  # noqa: E402


def test_ctrl_c_leaves_what_stood_there(sex, here, capsysbinary, monkeypatch):
    monkeypatch.setattr(reading, "ROWS", 50)
    write(here / "out.csv", "old")
    asked = []

    def interrupted(self, frame):
        asked.append(frame)
        if len(asked) == 3:
            raise KeyboardInterrupt
        return np.zeros(len(frame))

    monkeypatch.setattr(models.Asked, "predict", interrupted)
    assert main(["predict", str(sex), str(PENGUINS), "-o", "out.csv"]) == 130
    assert [path.name for path in here.iterdir()] == ["out.csv"]
    assert (here / "out.csv").read_text() == "old"


def test_ctrl_c_in_training_writes_nothing(here, monkeypatch, capsys):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(crs.TabularClassifier, "fit", interrupted)
    assert (
        main(["train", str(PENGUINS), "--target", "sex", "-o", "m.npz", "--picture", "p.png"])
        == 130
    )
    assert capsys.readouterr().err.endswith("chainrule: stopped\n")
    assert not list(here.iterdir())


@pytest.mark.skipif(shutil.which("head") is None, reason="there is no head")
def test_a_broken_pipe_ends_quietly(sex, here):
    head, rows = PENGUINS.read_text().split("\n", 1)
    write(here / "long.csv", f"{head}\n{rows * 60}")
    command = f'"{sys.executable}" -W error -m chainrule predict "{sex}" long.csv --proba | head -3'
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], capture_output=True, encoding="utf-8", cwd=here
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("\n") == 3


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_ctrl_c_in_a_process_of_its_own(here):
    """While it waits for stdin: no traceback, status 130, no file."""
    net = cr.Network([2, 1], seed=0)
    net.save("net.npz")
    command = [sys.executable, "-m", "chainrule", "predict", "net.npz", "-", "-o", "out.csv"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, cwd=here
    ) as process:
        process.stdin.write(b"a,b\n" + b"1,2\n" * 20_000)  # more than a piece
        process.stdin.flush()
        ends = time.monotonic() + 60
        while time.monotonic() < ends and not any(
            path.name.startswith(".chainrule") for path in here.iterdir()
        ):
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        process.stdin.close()
        assert process.stderr.read() == b"chainrule: stopped\n"
        assert process.wait() == 130
    assert [path.name for path in here.iterdir()] == ["net.npz"]


def test_what_is_quick_imports_no_pandas():
    code = (
        "import sys\nfrom chainrule.__main__ import main\n"
        "assert main(['info']) == 0\n"
        "assert not {'pandas', 'sklearn', 'matplotlib', 'pyarrow'} & sys.modules.keys()\n"
    )
    done = attempt("-W", "error", "-c", code)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("missing", "arguments"),
    [
        ("pandas", ["train", "t.csv", "--target", "y", "-o", "m"]),
        ("sklearn", ["train", "t.csv", "--target", "y", "-o", "m"]),
        ("matplotlib.figure", ["train", "t.csv", "--target", "y", "-o", "m", "--picture", "p.png"]),
    ],
)
def test_a_missing_package_names_the_extra(missing, arguments, here, monkeypatch, capsys):
    write(here / "t.csv", "x,y\n1,2\n")
    monkeypatch.setitem(sys.modules, missing, None)
    assert main(arguments) == 2
    err = capsys.readouterr().err
    assert 'pip install "chainrule[command]"' in err
    assert err.count("\n") == 1
