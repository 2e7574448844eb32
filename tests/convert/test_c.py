"""Networks as C: bit by bit what NumPy says of the same operations, and near the network itself."""

from c_programs import feedforward, library, same_bits
from chainrule.convert import to_c
from chainrule.convert.blueprint import blueprint_of
from chainrule.convert.c import model
from chainrule.convert.c.program import program_of
from random_networks import draw_network

SEEDS = range(220)


def test_it_says_what_the_network_says(tmp_path):
    drawn, files = [draw_network(seed) for seed in SEEDS], []
    for seed, (net, X) in zip(SEEDS, drawn, strict=True):
        report = to_c(net, tmp_path / f"net{seed}.c", data=X)
        assert report.worst <= report.bound
        files.append(tmp_path / f"net{seed}.c")
    lib = library(tmp_path, files, "-O0")
    for seed, (net, X) in zip(SEEDS, drawn, strict=True):
        got = feedforward(lib, f"net{seed}", X, net.sizes[-1])
        same_bits(got, model.outputs(program_of(blueprint_of(net), net.dtype), X))
