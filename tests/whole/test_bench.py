"""Every script of bench/ runs from end to end in quick mode, whatever it finds missing."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[2] / "bench"
SCRIPTS = sorted(path.name for path in BENCH.glob("*.py"))
NOTICE = "quick mode: "
# What a script prints besides; of a new one at least a figure is expected.
PRINTS = {
    "bfloat16.py": r"^\| 6-8-3 \| 10 \| 2 \| chainrule, bfloat16 \| [\d.]+ \|",
    "book_run.py": r"^float32 +[\d.]+ s .*\n(.*\n)*test accuracies, float64: \d+ \d+$",
    "calls.py": r"^\| a state in a list \| [\d.]+ \| [\d.]+ \|",
    "convert.py": r"^\| safetensors \| 2 \| 2 \| 0 \|$",
    "ensembles.py": r"^\| 4-8-2, 1 row \| [\d.]+ \| [\d.,]+ \| [\d.]+ \|",
    "growth.py": r"^depth, one thread: steepest [\d.]+, 1 to 2$",
    "machines.py": r"^\| 512 \| [\d.]+ \| [\d.]+ \| [\d.]+ \| ",
    "many.py": r"^\| fit_many \| [\d.]+ \| [\d.,]+ \| 1 \|",
    "naive.py": r"^\| a few weights, batch 8 \|.* µs \| \*\*[\d.]+\*\* \|",
    "options.py": r"^Python cost +[\d.]+ µs -> +[\d.]+ µs +[-\d.]+ µs$",
    "rates.py": r"^\| iris \|.*\n\| diabetes \|(.*\n)+suggestions for Adam: 2 of 2 ",
    "same_bits.py": r"^24 results before, 24 now; 0 differ$",
    "sklearn_kernels.py": r"^\| adam \| 3 (\| \d\.\de-1[5-7] ){4}\|$",
    "step_profile.py": r"^\| quick \(SGD\) \| 1 \| [\d.,]+ \| ",
    "steps.py": r"^\| quick \(SGD\) \| [\d.]+ \(.*\n(.*\n)*\| quick from CSR \| ",
    "table_calls.py": r"^\| classes, array \| [\d.]+ \| 1\.\d+ \| [\d.]+ \| [\d.]+ \| [\d.]+ \|",
    "tables.py": r"^\| HistGradientBoosting \| [12]\.\d+ \|.*\n(.*\n)+\| diabetes \| .*\*\*0\.",
    "threads.py": r"^quick \(Adam\)( +[\d.]+){4}$",
}

pytestmark = pytest.mark.skipif(not SCRIPTS, reason="needs the folder bench of the source")


def run(script, *arguments, **changes):
    """Run a script in quick mode from any folder, and return what it printed."""
    command = [sys.executable, BENCH / script, "--quick", *map(str, arguments)]
    environment = os.environ | {"PYTHONIOENCODING": "utf-8"} | changes
    done = subprocess.run(
        command, env=environment, capture_output=True, encoding="utf-8", timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert done.stdout.startswith(NOTICE)
    assert not re.search(r"\bmissed\b|\bmet\b(?! \|)|CLIFF|at most|≤ \d", done.stdout)
    return done.stdout


@pytest.mark.parametrize("script", SCRIPTS)
def test_script_runs_in_quick_mode(script):
    out = run(script)
    ended = re.search("^quick mode ends here: (.*)$", out, re.M)
    if ended:
        pytest.skip(ended[1])
    assert re.search(PRINTS.get(script, r"\d"), out.partition("\n")[2], re.M), out


def test_quick_mode_writes_the_files_that_are_named(tmp_path):
    out = run("naive.py", "--json", tmp_path / "n.json", "--markdown", tmp_path / "n.md")
    assert out.endswith("written: json, markdown\n")
    whole = json.loads((tmp_path / "n.json").read_text(encoding="utf-8"))
    assert whole["about"]["cores"] >= 1
    assert {result["naive_passes"] for result in whole["results"].values()} == {141, 217}
    page = (tmp_path / "n.md").read_text(encoding="utf-8")
    assert page.startswith("<!-- measured: begin -->\n\n")
    assert page.count("| a few weights") == 2
    assert page.endswith("\n\n<!-- measured: end -->\n")


@pytest.mark.skipif(shutil.which("false") is None, reason="needs a compiler that fails")
def test_steps_on_one_thread_beside_one_peer_without_a_compiler():
    out = run("steps.py", "--threads", 1, "--peers", "sklearn", "--dtype", "f64", CC="false")
    assert re.search(r"^- run: .* float64, one thread", out, re.M)
    assert "scikit-learn / ours" in out
    assert re.search("^- bare BLAS absent: .*(did not compile|without its own BLAS)", out, re.M)


def test_profile_tells_that_there_is_no_compiler():
    out = run("step_profile.py", PATH="", CC="cc")
    assert re.search("^quick mode ends here: quick: .*(no C compiler|without its own)", out, re.M)


def test_shapes_tell_where_their_time_goes():
    out = run("shapes.py", "--profile")
    assert "| gather % | gemm % | elementwise % | update % | rest % |" in out
    *_, shares = re.search(r"^\| \d+-\d.* \|((?: \d+ \|){5})$", out, re.M).groups()
    assert sum(map(int, shares.replace("|", " ").split())) == pytest.approx(100, abs=3)


def test_growth_without_matplotlib_goes_on_without_a_picture(tmp_path):
    (tmp_path / "matplotlib.py").write_text("raise ImportError")
    out = run("growth.py", "--axes", "depth", PYTHONPATH=str(tmp_path))
    assert "--picture needs matplotlib" in out
    assert out.endswith("written: json, markdown\n")


def test_the_run_of_the_book_beside_an_original(tmp_path):
    (tmp_path / "network2.py").write_text("from chainrule.book.network2 import *\n")
    out = run("book_run.py", "--original", tmp_path)
    assert "every accuracy of the first 2 epochs is the original's" in out
    assert re.search(r"^float64 .* original / ours [\d.]+x$", out, re.M)


def test_the_run_of_the_book_tells_that_the_original_is_missing(tmp_path):
    out = run("book_run.py", "--original", tmp_path)
    assert f"quick mode ends here: --original: no network2.py in {tmp_path}" in out
