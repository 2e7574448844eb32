"""`chainrule export` and `info`: to the function that writes, and what a model is."""

import numpy as np
import pytest

import chainrule as cr
from chainrule import convert
from chainrule.command.export import NAMED, WAYS
from tables_in_files import refused, run, write


@pytest.fixture
def net(here):
    net = cr.Network([3, 4, 2], hidden="tanh", output="softmax", cost="log_likelihood", seed=0)
    net.classes = ["no", "yes"]
    net.save("net.npz")
    return net


@pytest.mark.parametrize("ending", WAYS)
def test_the_ending_says_which_function_writes(ending, net, here, capsysbinary, monkeypatch):
    def write_it(model, path, **options):
        np.testing.assert_array_equal(model.parameters, net.parameters)
        write(path, repr(options))

    monkeypatch.setattr(convert, WAYS[ending], write_it)
    out = f"model{ending.upper()}"
    assert run(capsysbinary, "export", "net.npz", out) == f"Wrote {out}, 2 bytes\n"
    if WAYS[ending] in NAMED:
        run(capsysbinary, "export", "net.npz", out, "--name", "small")
        assert (here / out).read_text() == "{'name': 'small'}"
    else:
        said = refused(capsysbinary, "export", "net.npz", out, "--name", "small")
        assert said == "--name is for C alone"


@pytest.mark.parametrize("ending", WAYS)
def test_each_way_writes_a_file(ending, net, here, capsysbinary):
    assert f"Wrote model{ending}, " in run(capsysbinary, "export", "net.npz", f"model{ending}")
    assert (here / f"model{ending}").stat().st_size > 0


def test_an_ending_that_there_is_not(net, capsysbinary):
    said = refused(capsysbinary, "export", "net.npz", "model.onxn")
    assert all(part in said for part in [*WAYS, "'model.onxn'", "Did you mean '.onnx'?"])
    assert "got 'model'" in refused(capsysbinary, "export", "net.npz", "model")


def test_what_cannot_be_converted_is_told(net, capsysbinary, monkeypatch):
    def refuse(model, path):
        raise TypeError("layer 2 has an activation of your own")

    monkeypatch.setattr(convert, "to_onnx", refuse)
    assert "of your own" in refused(capsysbinary, "export", "net.npz", "net.onnx")


def told(capsysbinary, path):
    lines = run(capsysbinary, "info", path).splitlines()
    width = lines[0].index(str(path))
    return {line[:width].strip(): line[width:] for line in lines}


def test_info_of_a_network(net, here, capsysbinary):
    size = (here / "net.npz").stat().st_size
    assert told(capsysbinary, "net.npz") == {
        "file": f"net.npz, {size:,} bytes, by chainrule {cr.__version__}",
        "model": "network",
        "answers with": "one of 2 classes: no, yes",
        "network": "3-4-2, tanh, softmax, cost log_likelihood, float32",
        "parameters": "26",
    }


def test_info_of_an_ensemble(here, capsysbinary):
    nets = [cr.Network([3, n, 1], output="identity", seed=n, dtype="float64") for n in (4, 4, 5)]
    cr.Ensemble(nets).save("all.npz")
    found = told(capsysbinary, "all.npz")
    assert found["model"] == "ensemble of 3 networks"
    assert found["answers with"] == "a value"
    each = "sigmoid, identity, cost quadratic, float64"
    assert found["networks"] == f"2 of 3-4-1, {each}; 1 of 3-5-1, {each}"
    assert found["parameters"] == f"{21 + 21 + 26}"


def test_info_of_a_table_s_model(sex, mass, capsysbinary):
    pytest.importorskip("pandas", reason="the command line reads tables by pandas")
    found = told(capsysbinary, sex)
    model = cr.load(sex)
    assert found["model"] == "model of a table, the mean of 1 networks"
    assert found["answers with"] == "sex, one of 2 classes: female, male"
    assert found["temperature"] == f"{model.temperature:.4g}"
    assert found["inputs"] == f"{model.preparation.width}, made of 7 columns"
    assert found["category"] == "species, island"
    assert found["number"].startswith("bill_length_mm, bill_depth_mm, ")
    assert told(capsysbinary, mass)["answers with"] == "body_mass_g, a value"


def test_info_of_an_estimator(here, capsysbinary):
    crs = pytest.importorskip("chainrule.sklearn", reason="estimators need scikit-learn")
    pandas = pytest.importorskip("pandas", reason="names come with frames")
    frame = pandas.DataFrame({"a": np.arange(30.0), "b": 1.0})
    y = np.repeat(["x", "y"], 15)
    crs.MLPClassifier((3,), max_iter=300, tol=0.5, random_state=0).fit(frame, y).save("m.npz")
    found = told(capsysbinary, "m.npz")
    assert found["model"] == "MLPClassifier of chainrule.sklearn"
    assert found["answers with"] == "one of 2 classes: x, y"
    assert found["inputs"] == "a, b"


def test_info_to_paste_into_a_report(capsysbinary, monkeypatch):
    from chainrule.checks.threads import available_cores
    from chainrule.core import _core

    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    out = run(capsysbinary, "info")
    assert f"threads           {available_cores()} of " in out
    assert "precision         float32 or float64" in out
    assert "OMP_NUM_THREADS=3" in out
    (sets,) = [line for line in out.splitlines() if line.startswith("instruction sets")]
    assert sets.endswith(_core.simd_name())
    assert "baseline" in sets or "neon" in sets
