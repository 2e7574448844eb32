"""Circuits against Python's own operators, integer addition, and their gates one by one."""

import dataclasses
import itertools
import operator
import pickle

import numpy as np
import pytest

from chainrule import SGD, Network, Perceptron, load, logic
from chainrule.course import circuits
from chainrule.logic import Circuit


def rows(n):
    """All inputs, in the order of a truth table."""
    return list(itertools.product([0, 1], repeat=n))


def gate_by_gate(circuit, inputs):
    """The outputs by the definition of a NAND gate, for one row."""
    wires = [bool(bit) for bit in inputs]
    for sources in circuit.gates:
        wires.append(not all(wires[source] for source in sources))
    return [int(wires[wire]) for wire in circuit.outputs]


def random_circuit(rng, n_inputs, n_gates, n_outputs):
    """Gates of 1 to 4 wires, also the same twice, some that lead nowhere; outputs of any wires."""
    gates = [rng.integers(n_inputs + i, size=rng.integers(1, 5)) for i in range(n_gates)]
    return Circuit(n_inputs, gates, rng.integers(n_inputs + n_gates, size=n_outputs))


# ---------------------------------------------------------------- the ready-made circuits


def test_nand_is_the_perceptron_of_the_course():
    gate, nand = logic.NAND.to_network(), Perceptron([-2, -2], 3)
    assert gate.weights[0].tolist() == [nand.weights.tolist()]
    assert gate.biases[0].tolist() == [nand.bias]
    assert logic.NAND(rows(2))[:, 0].tolist() == nand(rows(2)).tolist()


def test_no_gate_can_be_made_another():
    for name in ("NAND", "NOT", "AND", "OR", "XOR", "half_adder", "full_adder"):
        gate = getattr(logic, name)
        assert isinstance(gate, Circuit)
        assert not hasattr(gate, "fit")
        with pytest.raises(dataclasses.FrozenInstanceError):
            gate.gates = ()


@pytest.mark.parametrize(
    ("arguments", "exception", "message"),
    [
        (([0, 2],), ValueError, r"X must hold 0 and 1 alone; X\[1\] is 2$"),
        ((2,), ValueError, "X must hold 0 and 1 alone; X is 2$"),
        ((0, 1), TypeError, r"the inputs are one array X, as \[0, 1\]; got 2 arguments$"),
    ],
)
def test_what_is_no_input(arguments, exception, message):
    with pytest.raises(exception, match=message):
        logic.XOR(*arguments)


def test_a_circuit_from_the_truth_table_of_another():
    table = logic.XOR.truth_table()
    assert table.shape == (4, 1)
    assert Circuit.from_truth_table(table).truth_table().tolist() == table.tolist()
    with pytest.raises(ValueError, match="a circuit of each column"):
        Circuit.from_truth_table(logic.half_adder.truth_table())


@pytest.mark.parametrize(
    ("name", "expected", "gates"),
    [
        ("NAND", lambda a, b: [not (a and b)], 1),
        ("NOT", lambda a: [not a], 1),
        ("AND", lambda a, b: [a and b], 2),
        ("OR", lambda a, b: [a or b], 3),
        ("XOR", lambda a, b: [operator.xor(a, b)], 4),
        ("half_adder", lambda a, b: [(a + b) % 2, (a + b) // 2], 5),
        ("full_adder", lambda a, b, c: [(a + b + c) % 2, (a + b + c) // 2], 9),
    ],
)
def test_ready_made_circuits(name, expected, gates):
    circuit = getattr(logic, name)
    assert len(circuit) == gates
    assert all(len(sources) == 2 for sources in circuit.gates)
    for row in rows(circuit.n_inputs):
        got = circuit(row)
        assert got.dtype.kind == "i"
        assert got.tolist() == expected(*row) == gate_by_gate(circuit, row)
    expected_table = [list(map(int, expected(*row))) for row in rows(circuit.n_inputs)]
    assert circuit.truth_table().tolist() == expected_table


def little_endian(numbers, n):
    return [[number >> i & 1 for i in range(n)] for number in numbers]


def test_all_sums_of_four_bits():
    pairs = list(itertools.product(range(16), repeat=2))
    a, b = (little_endian(numbers, 4) for numbers in zip(*pairs, strict=True))
    adder = logic.ripple_adder(4)
    assert all(len(sources) == 2 for sources in adder.gates)
    got = adder(np.hstack([a, b]))
    assert got.tolist() == little_endian([x + y for x, y in pairs], 5)


@pytest.mark.parametrize("n", [1, 2, 32])
def test_sums_of_random_numbers(n):
    rng = np.random.default_rng(n)
    largest = 2**n - 1
    pairs = [[largest, 1], [largest, largest], *rng.integers(2**n, size=(2000, 2)).tolist()]
    a, b = (little_endian(numbers, n) for numbers in zip(*pairs, strict=True))
    got = logic.ripple_adder(n)(np.hstack([a, b]))
    assert got.tolist() == little_endian([x + y for x, y in pairs], n + 1)


def test_a_million_sums():
    rng = np.random.default_rng(0)
    a, b = rng.integers(256, size=(2, 10**6))
    inputs = np.hstack([np.unpackbits(x.astype(np.uint8)[:, None], 1)[:, ::-1] for x in (a, b)])
    got = logic.ripple_adder(8)(inputs)
    np.testing.assert_array_equal(got @ 2 ** np.arange(9), a + b)


# ---------------------------------------------------------------- any circuit


@pytest.mark.parametrize("seed", range(40))
def test_random_circuits(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 7))
    circuit = random_circuit(rng, n, int(rng.integers(0, 40)), int(rng.integers(1, 5)))
    expected = [gate_by_gate(circuit, row) for row in rows(n)]
    assert circuit(rows(n)).tolist() == expected
    assert circuit.truth_table().tolist() == expected
    assert circuit(np.array(rows(n), bool)).tolist() == expected
    assert circuit(np.array(rows(n), float)[-1]).tolist() == expected[-1]


def test_outputs_may_be_inputs_and_come_twice():
    circuit = Circuit(3, [(2, 0)], [1, 3, 3, 0])
    assert circuit([0, 1, 1]).tolist() == [1, 1, 1, 0]
    assert Circuit(2, [], [1, 0, 1])([0, 1]).tolist() == [1, 0, 1]


def test_the_network_of_a_circuit():
    """XOR as in the book: both inputs go on for a layer, no gate that leads nowhere is built."""
    circuit = Circuit(2, [(0, 1), (0, 0), (0, 2), (1, 2), (3, 3), (4, 5)], [7])
    net = circuit.to_network()
    assert isinstance(net, Network)
    assert (net.sizes, set(net.hidden), net.output) == ((2, 3, 2, 1), {"step"}, "step")
    assert [w.tolist() for w in net.weights] == [
        [[1, 0], [0, 1], [-2, -2]],
        [[-2, 0, -2], [0, -2, -2]],
        [[-2, -2]],
    ]
    assert [b.tolist() for b in net.biases] == [[-0.5, -0.5, 3], [3, 3], [3]]
    assert logic.NOT.to_network().weights[0].tolist() == [[-4]]  # -2 for each of its two inputs
    assert logic.NOT.to_network().biases[0].tolist() == [3]


def test_the_network_is_a_new_one_each_time_and_can_be_saved(tmp_path):
    net = logic.full_adder.to_network()
    net.save(tmp_path / "adder.npz")
    assert load(tmp_path / "adder.npz")(rows(3)).tolist() == logic.full_adder(rows(3)).tolist()
    net.parameters[:] = 0
    assert logic.full_adder([1, 1, 1]).tolist() == [1, 1]


def test_training_the_network_is_refused():
    net = logic.XOR.to_network()
    before = net.parameters.tobytes()
    with pytest.raises(ValueError, match=r"step units.* flips an output or does nothing"):
        net.fit(rows(2), [0, 1, 1, 0], optimizer=SGD(0.1))
    assert net.parameters.tobytes() == before


def test_circuits_are_values():
    circuit = Circuit(2, [[0, 1], np.array([2, 2])], np.array([3]))
    assert circuit == logic.AND
    assert circuit != logic.OR
    assert (circuit.n_inputs, circuit.gates, circuit.outputs) == (2, ((0, 1), (2, 2)), (3,))
    assert len({circuit, logic.AND, logic.OR}) == 2
    assert repr(circuit) == "<Circuit: 2 inputs, 2 gates, 1 output>"
    circuit([1, 1])
    assert pickle.loads(pickle.dumps(circuit))([1, 1]).tolist() == [1]
    with pytest.raises(AttributeError):
        circuit.gates = ()


# ---------------------------------------------------------------- truth tables


@pytest.mark.parametrize("n", range(1, 11))
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_random_truth_tables(n, share):
    table = np.random.default_rng(n).random(2**n) < share
    circuit = Circuit.from_truth_table(table)
    assert circuit(rows(n)).tolist() == [[int(bit)] for bit in table]
    assert circuit.truth_table().tolist() == [[int(bit)] for bit in table]
    some = np.random.default_rng(0).integers(2**n, size=10)
    assert all(gate_by_gate(circuit, rows(n)[r]) == [table[r]] for r in some)
    minterms = min(table.sum(), 2**n - table.sum())
    assert len(circuit) <= n + minterms + 2 + (minterms == 0)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_every_truth_table(n):
    for table in itertools.product([0, 1], repeat=2**n):
        circuit = Circuit.from_truth_table(table)
        assert [gate_by_gate(circuit, row) for row in rows(n)] == [[bit] for bit in table]
        assert circuit.truth_table().ravel().tolist() == list(table)


def test_a_truth_table_of_sixteen_inputs():
    table = np.random.default_rng(0).integers(2, size=2**16)
    circuit = Circuit.from_truth_table(table)
    assert circuit.n_inputs == 16
    np.testing.assert_array_equal(circuit(rows(16)).ravel(), table)


# ---------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("make", "exception", "words"),
    [
        (lambda: Circuit(0, [], [0]), ValueError, "n_inputs must be 1 or more; got 0"),
        (lambda: Circuit(2.0, [], [0]), TypeError, "n_inputs"),
        (lambda: Circuit(2, 5, [0]), TypeError, "gates must be a sequence of gates; got 5"),
        (lambda: Circuit(2, [3], [0]), TypeError, r"gates\[0\] must be a sequence of wires.*got 3"),
        (lambda: Circuit(2, [(0, 1.0)], [0]), TypeError, r"gates\[0\] .*got \(0, 1.0\)"),
        (lambda: Circuit(2, [(0, 1), (3,)], [2]), ValueError, r"gates\[1\] .*0 to 2; got 3"),
        (lambda: Circuit(2, [(0, -1)], [2]), ValueError, r"gates\[0\] .*0 to 1; got -1"),
        (lambda: Circuit(2, [()], [2]), ValueError, r"gates\[0\] must name from 1 to .*; got 0"),
        (lambda: Circuit(2, [(0, 1)], [3]), ValueError, "outputs must name .*0 to 2; got 3"),
        (lambda: Circuit(2, [(0, 1)], []), ValueError, "outputs must name from 1 to .*; got 0"),
        (lambda: Circuit(2, [(0, 1)], 2), TypeError, "outputs must be a sequence of wires"),
        (lambda: Circuit.build(2, lambda nand, a, b: [nand(a, 9)]), ValueError, r"gates\[0\]"),
        (lambda: Circuit.from_truth_table([0, 1, 1]), ValueError, r"\(2\*\*n,\).*shape \(3,\)"),
        (lambda: Circuit.from_truth_table([0]), ValueError, r"shape \(1,\)"),
        (lambda: Circuit.from_truth_table([]), ValueError, r"shape \(0,\)"),
        (lambda: Circuit.from_truth_table(1), ValueError, r"shape \(\)"),
        (lambda: Circuit.from_truth_table([[0, 1]]), ValueError, r"shape \(1, 2\)"),
        (lambda: Circuit.from_truth_table(np.zeros(2**17)), ValueError, r"shape \(131072,\)"),
        (lambda: Circuit.from_truth_table([0, 1, 2, 3]), ValueError, r"outputs\[2\] is 2"),
        (lambda: Circuit.from_truth_table("01"), TypeError, "outputs must hold real numbers"),
        (lambda: logic.XOR([0, 2]), ValueError, r"X must hold 0 and 1 alone; X\[1\] is 2"),
        (lambda: logic.XOR([[0, 1], [0.5, -1]]), ValueError, r"X\[1, 0\] is 0.5"),
        (lambda: logic.XOR([0, np.nan]), ValueError, r"X\[1\] is nan"),
        (
            lambda: logic.XOR([0, 1, 1]),
            ValueError,
            r"X must be \(samples, 2\), or \(2,\); .*\(3,\)",
        ),
        (lambda: logic.XOR(["0", "1"]), TypeError, "X must hold real numbers"),
        (lambda: logic.ripple_adder(0), ValueError, "n must be 1 or more; got 0"),
        (lambda: logic.ripple_adder(9).truth_table(), ValueError, "at most 16 inputs; got 18"),
    ],
)
def test_what_is_refused(make, exception, words):
    with pytest.raises(exception, match=words):
        make()


def test_sums_that_float32_could_not_hold_are_refused():
    wires = (0,) * (circuits.MAX_WIRES + 1)
    with pytest.raises(ValueError, match="from 1 to 4194304 wires; got 4194305"):
        Circuit(1, [wires], [1])
    circuit = Circuit(2, [(*wires[2:], 1)], [2])  # the last wire decides
    assert circuit(rows(2)).ravel().tolist() == [1, 1, 1, 0]


def test_a_network_too_large_to_build():
    adder = logic.ripple_adder(512)
    sizes = circuits.Layers(adder).sizes
    n = sum((n_in + 1) * n_out for n_in, n_out in itertools.pairwise(sizes))
    assert n > 2**28
    with pytest.raises(ValueError, match=f"{n} parameters in 1026 layers; at most 2..28"):
        adder([0] * 1024)
