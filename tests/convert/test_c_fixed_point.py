"""Networks in whole numbers as C: an oracle's bits, the error that was said, no overflow."""

import re

import numpy as np
import pytest

import c_oracle
import chainrule as cr
from c_programs import feedforward, library, same_bits
from chainrule.convert import to_c
from chainrule.convert.blueprint import blueprint_of
from random_networks import HIDDEN, draw_network

LARGEST = {"int8": 127, "int16": 32767}
SMOOTH = [each for each in HIDDEN if each not in ("step", "exponential")]


def numbers_of(text, name):
    """An array of a C file."""
    body = re.search(rf"{name}\[\d+\] = \{{(.*?)\}};", text, re.DOTALL)[1]
    return np.array([float(each.rstrip("f")) for each in body.replace(",", " ").split()])


def oracle(text, net, kind, X):
    """(m, n_L) by the whole numbers that stand in the file, and the largest |sum|."""
    real, largest, most = c_oracle.Real(net.dtype), LARGEST[kind], 0
    (chain,) = blueprint_of(net).chains
    steps = [float(each) for each in re.findall(r"_values, \S+?f?, (\S+?)f?\}", text)]
    said = []
    with np.errstate(all="ignore"):
        for x in X:
            a = list(x) if chain.scaling is None else c_oracle.scaled(real, x, chain.scaling)
            for l, (layer, step) in enumerate(zip(chain.layers, steps, strict=True), start=2):  # noqa: E741
                W = numbers_of(text, f"weights_{l}").astype(int).reshape(layer.weights.shape)
                factors = numbers_of(text, f"factors_{l}").astype(net.dtype)
                q = [whole(real, each * real.of(step), largest) for each in a]
                sums = [sum(w * each for w, each in zip(row.tolist(), q, strict=True)) for row in W]
                most = max(most, *map(abs, sums))
                z = [real.of(s) * f + b
                     for s, f, b in zip(sums, factors, layer.biases, strict=True)]  # fmt: skip
                a = real.activated(layer.activation, real.of(layer.parameter), z)
            if chain.output_scaling is not None:
                a = c_oracle.scaled(real, a, chain.output_scaling)
            said.append(a)
    return np.array(said, net.dtype), most


def whole(real, t, largest):
    t = min(max(t, real.of(-largest)), real.of(largest))
    return int(np.trunc(t - real.of(0.5) if t < 0 else t + real.of(0.5)))


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    folder, cases = tmp_path_factory.mktemp("fixed"), []
    for seed in range(40):
        net, _ = draw_network(seed, hidden=SMOOTH, outputs=["softmax", *SMOOTH])
        X = np.random.default_rng(seed).normal(size=(40, net.sizes[0])).astype(net.dtype)
        kind = "int8" if seed % 2 else "int16"
        cases.append((f"net{seed}", net, kind, X))
    reports = [to_c(net, folder / f"{name}.c", fixed_point=kind, data=X)
               for name, net, kind, X in cases]  # fmt: skip
    paths = [folder / f"{name}.c" for name, *_ in cases]
    return cases, reports, [path.read_text() for path in paths], library(folder, paths, "-O0")


def test_every_bit_and_every_sum(drawn):
    cases, reports, texts, lib = drawn
    for (name, net, kind, X), report, text in zip(cases, reports, texts, strict=True):
        far = np.concatenate([X[:2], 100 * X[:1]])  # beyond the data, where it is cut off
        expected, most = oracle(text, net, kind, far)
        same_bits(feedforward(lib, name, far, net.sizes[-1]), expected)
        limit, held = (int(each.replace(",", "")) for each in re.findall(r"[\d,]{3,}", report.sums))
        assert most <= limit <= held


def test_the_worst_error_on_the_data(drawn):
    cases, reports, _, lib = drawn
    shares = {"int8": [], "int16": []}
    for (name, net, kind, X), report in zip(cases, reports, strict=True):
        said = net(X).astype(float)
        off = np.abs(feedforward(lib, name, X, net.sizes[-1]) - said).max()
        assert off == report.worst
        shares[kind].append(off / np.abs(said).max())
    assert np.median(shares["int8"]) < 0.03
    assert max(shares["int16"]) < 1e-3


@pytest.mark.parametrize(("n_in", "kind", "sums"), [
    (1000, "int8", "int32_t"), (1, "int16", "int32_t"), (3, "int16", "int64_t"),
])  # fmt: skip
def test_sums_at_their_largest(tmp_path, n_in, kind, sums):
    """All weights and inputs at their ends: the largest sum there can be, which is to fit."""
    net = cr.Network([n_in, 2], output="identity", init="zeros", bias=False, seed=0)
    net.weights[0][:] = 1
    ones = np.ones((2, n_in), np.float32)
    report = to_c(net, tmp_path / "net.c", fixed_point=kind, data=ones)
    assert f"{n_in * LARGEST[kind] ** 2:,}" in report.sums
    assert f"{sums} sum = 0" in (tmp_path / "net.c").read_text()
    lib = library(tmp_path, [tmp_path / "net.c"], "-fsanitize=undefined", "-fno-sanitize-recover")
    got = feedforward(lib, "net", np.array([[1e9] * n_in, [-1e9] * n_in], np.float32), 2)
    np.testing.assert_allclose(got, [[n_in] * 2, [-n_in] * 2], rtol=1e-5)


def test_it_is_smaller(tmp_path):
    net = cr.Network([64, 32, 8], output="softmax", cost="log_likelihood", seed=0)
    data = np.random.default_rng(0).normal(size=(50, 64))
    plain = to_c(net, tmp_path / "plain.c", data=data)
    eighth = to_c(net, tmp_path / "small.c", data=data, fixed_point="int8")
    assert eighth.flash < plain.flash / 3
    assert eighth.bound is None
    assert eighth.worst < 0.05
