"""`chainrule check`: it passes here, and finds whatever is wrong."""

import re

import numpy as np
import pytest

import chainrule as cr
from chainrule.__main__ import main
from chainrule.command import check, naive
from chainrule.core import _core

HERE = ["check", "--simd", _core.simd_name()]


def test_it_passes_with_a_line_for_each_check(capsys):
    assert main(HERE) == 0
    *lines, last = capsys.readouterr().out.splitlines()
    number = len(check.CHECKS) * 2
    assert len(lines) == number
    for line in lines:
        assert re.match(
            rf"{_core.simd_name()} +float(32|64)  .+: (error .+ <= .+|the same bits)$", line
        )
    assert re.match(rf"all {number} checks passed in \d+\.\d s: chainrule .*BLAS .*NumPy", last)
    assert cr.__version__ in last


@pytest.mark.skipif(_core.simd_name() == "baseline", reason="there is no lesser set")
def test_another_instruction_set_has_a_process_of_its_own(capfd):
    assert main(["check", "--simd", "baseline"]) == 0
    out, err = capfd.readouterr()
    assert err == ""
    lines = out.splitlines()
    assert sum(line.startswith("baseline float") for line in lines) == len(check.CHECKS) * 2
    assert lines[-1].startswith("all ")


def test_all_sets_are_checked_by_default(monkeypatch):
    asked = []
    monkeypatch.setattr(check, "_passes", lambda name: asked.append(name) or True)
    monkeypatch.setattr(check, "check_here", lambda: asked.append(_core.simd_name()) or 0)
    assert check.run_checks() == 0
    assert asked == [*check.INSTRUCTION_SETS[: check.INSTRUCTION_SETS.index(_core.simd_name()) + 1]]


def test_an_instruction_set_that_there_is_not(capsys):
    assert main(["check", "--simd", "avx3"]) == 2
    assert "Known: baseline" in capsys.readouterr().err


# ---------------------------------------------------------------- what is wrong is found

REAL = {name: getattr(_core, name) for name in ("gemm", "activate", "activation_prime")}


def last_array_moved(name, which):
    """A kernel that gets one number of what it writes wrong."""

    def kernel(*arguments):
        REAL[name](*arguments)
        out = arguments[which]
        out[-1, -1] += 1e-3 * max(1, abs(out).max())

    return kernel


def moved_after(method, when):
    """A method of a network after which a parameter is other by its last bit."""

    def call(net, X, y, **options):
        found = method(net, X, y, **options)
        if when(X, options):
            net.parameters[-1] = np.nextafter(net.parameters[-1], 9)
        return found

    return call


def moved_gradient(when):
    backprop = cr.Network.backprop

    def call(net, X, y, **options):
        nabla = backprop(net, X, y, **options)
        if when(X):
            nabla.parameters[:] *= 1.001
        return nabla

    return call


def wrong_file(path):
    net = cr.load(path)
    net.parameters[0] = np.nextafter(net.parameters[0], 9)
    return net


def by_several(X, options):
    return options["threads"] > 1


FIT = cr.Network.fit
BROKEN = {
    "gemm": (check.products, _core, "gemm", last_array_moved("gemm", 2)),
    "activate": (check.activations, _core, "activate", last_array_moved("activate", 2)),
    "slope": (
        check.activations, _core, "activation_prime", last_array_moved("activation_prime", 3)
    ),
    "backprop": (check.equations, cr.Network, "backprop", moved_gradient(lambda X: True)),
    "tiles": (check.tiles, cr.Network, "backprop", moved_gradient(lambda X: len(X) > 512)),
    "threads": (
        check.threads, cr.Network, "fit", moved_after(FIT, by_several)
    ),
    "file": (check.files, check, "load", wrong_file),
    "not a number": (
        check.products, _core, "gemm", lambda a, b, c, *others: c.fill(np.nan)
    ),
}  # fmt: skip


@pytest.mark.parametrize("dtype", check.DTYPES)
@pytest.mark.parametrize(("of", "owner", "name", "wrong"), BROKEN.values(), ids=BROKEN)
def test_a_kernel_that_is_wrong_is_found(monkeypatch, of, owner, name, wrong, dtype):
    assert of(dtype).passed
    monkeypatch.setattr(owner, name, wrong)
    assert not of(dtype).passed
    assert "FAILED" in str(of(dtype))


def test_sparse_products_that_are_wrong_are_found(monkeypatch):
    def fit(net, X, y, **options):
        if hasattr(X, "format"):
            X.data[-1] *= 1.01
        return FIT(net, X, y, **options)

    monkeypatch.setattr(cr.Network, "fit", fit)
    assert not check.sparse("float32").passed


FORMULAS = (
    [(check.activations, naive.ACTIVATIONS, name) for name in naive.ACTIVATIONS]
    + [(check.costs, naive.COSTS, name) for name in naive.COSTS]
    + [(check.steps, naive.STEPS, name) for name in naive.STEPS]
)


@pytest.mark.parametrize(("of", "formulas", "name"), FORMULAS, ids=[row[2] for row in FORMULAS])
def test_each_formula_is_compared(monkeypatch, of, formulas, name):
    right = formulas[name]
    monkeypatch.setitem(formulas, name, lambda *arguments: 1.001 * right(*arguments))
    assert not of("float32").passed


def test_all_that_there_is_has_its_formula():
    assert {*naive.ACTIVATIONS, "softmax"} == set(cr.ACTIVATIONS)
    assert {*naive.COSTS, "gaussian"} == set(cr.COSTS)
    assert set(naive.STEPS) == set(cr.optimizers.OPTIMIZERS)


def test_a_failure_is_the_status_and_says_what_to_report(monkeypatch, capsys):
    monkeypatch.setattr(check, "CHECKS", (check.products,))
    monkeypatch.setattr(_core, "gemm", last_array_moved("gemm", 2))
    assert main(HERE) == 1
    first, second, last = capsys.readouterr().out.splitlines()
    assert "FAILED, error" in first
    assert "float64" in second
    assert last.startswith(f"FAILED with {_core.simd_name()}")
    assert "Please report the lines above, with this one: chainrule" in last


def test_a_process_that_does_not_end_well_is_a_failure(monkeypatch, tmp_path, capfd):
    script = tmp_path / "python"
    script.write_text("#!/bin/sh\nkill -ILL $$\n")
    script.chmod(0o700)
    monkeypatch.setattr(check.sys, "executable", str(script))
    assert not check._passes("avx2")
    assert "avx2     FAILED, its process ended with -4" in capfd.readouterr().out
