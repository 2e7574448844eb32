"""Circuits of NAND gates, evaluated as networks of step units."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.checks.arrays import as_binary
from chainrule.checks.options import check_count, check_whole
from chainrule.course.circuit_layers import Layers
from chainrule.network import Network

MAX_TABLE_INPUTS = 16
MAX_PARAMETERS = 2**28  # of a network to build: 1 GiB
MAX_WIRES = 2**22  # of a gate: so its sums are whole numbers below 2**24, exact in float32

Nand = Callable[..., int]  # adds the gate with these input wires, and returns its output wire


@dataclass(frozen=True, repr=False)
class Circuit:
    """A circuit of NAND gates, evaluated as a network of step units.

    The wires are numbered: 0 ... n_inputs - 1 are the inputs, and gate i drives wire n_inputs + i.

    Parameters
    ----------
    n_inputs : int
        1 or more.
    gates : sequence of sequences of int
        gates[i] names the wires, one or more and all earlier than its own, of which gate i is the
        NAND. It may name a wire twice.
    outputs : sequence of int
        The wires that are the circuit's outputs, one or more.

    Raises
    ------
    ValueError, TypeError
        For wires that there are not, or not yet.

    Examples
    --------
    XOR as in the book: four gates, of which the last drives wire 5.

    >>> from chainrule.logic import Circuit
    >>> xor = Circuit(2, gates=[(0, 1), (0, 2), (1, 2), (3, 4)], outputs=[5])
    >>> xor, len(xor)
    (<Circuit: 2 inputs, 4 gates, 1 output>, 4)
    >>> xor([0, 1]), xor([[0, 0], [0, 1], [1, 0], [1, 1]]).tolist()
    (array([1]), [[0], [1], [1], [0]])
    """

    n_inputs: int
    gates: Sequence[Sequence[int]]
    outputs: Sequence[int]

    def __post_init__(self):
        n_inputs = check_count("n_inputs", self.n_inputs, least=1)
        try:
            gates = list(self.gates)
        except TypeError:
            raise TypeError(f"gates must be a sequence of gates; got {self.gates!r}") from None
        gates = tuple(as_wires(f"gates[{i}]", w, n_inputs + i) for i, w in enumerate(gates))
        outputs = as_wires("outputs", self.outputs, n_inputs + len(gates))
        vars(self).update(n_inputs=n_inputs, gates=gates, outputs=outputs)

    @classmethod
    def build(cls, n_inputs: int, wire: Callable[..., Sequence[int]]) -> "Circuit":
        """Return the circuit that a function wires up.

        ``wire(nand, *inputs)`` gets a function and the input wires, and returns the output wires.
        ``nand(*wires)`` adds a gate and returns the wire that it drives.

        Examples
        --------
        >>> from chainrule.logic import Circuit
        >>> implies = Circuit.build(2, lambda nand, a, b: [nand(a, nand(b, b))])
        >>> implies.truth_table().tolist()
        [[1], [1], [0], [1]]
        """
        n_inputs = check_count("n_inputs", n_inputs, least=1)
        gates = []

        def nand(*wires):
            gates.append(wires)
            return n_inputs + len(gates) - 1

        outputs = wire(nand, *range(n_inputs))
        return cls(n_inputs, gates, outputs)

    @classmethod
    def from_truth_table(cls, outputs: ArrayLike) -> "Circuit":
        """Return a circuit with this truth table, two layers of NAND over inputs and their NOTs.

        For each row with output 1 a gate is 0 at that row alone (its minterm), and the NAND of
        these gates is the output. Where fewer rows have output 0, it is made of those, and negated.

        Parameters
        ----------
        outputs : array (2**n,) or (2**n, 1) of 0 and 1, n from 1 to 16
            The output of each row. Row r has the bits of r as inputs, the first input the most
            significant one.

        Raises
        ------
        ValueError, TypeError
            For other lengths or values.

        Examples
        --------
        >>> from chainrule.logic import Circuit
        >>> Circuit.from_truth_table([0, 1, 1, 0])([1, 0])
        array([1])
        """
        table = as_binary("outputs", outputs)
        if table.ndim == 2 and table.shape[1] == 1:  # as `truth_table` gives it
            table = table[:, 0]
        n = table.size.bit_length() - 1
        if table.shape != (2**n,) or not 1 <= n <= MAX_TABLE_INPUTS:
            raise ValueError(
                f"outputs must be (2**n,), n from 1 to {MAX_TABLE_INPUTS}: an output for each row "
                f"of the truth table; got shape {table.shape}. For several outputs make a circuit "
                "of each column"
            )
        negated = 2 * np.count_nonzero(table) > table.size
        rows = bits(np.flatnonzero(table != negated), n)

        def wire(nand, *x):
            if not len(rows):  # a constant
                one = nand(x[0], nand(x[0]))
                return [one if negated else nand(one)]
            literals = np.array([x, x])  # literals[bit, i]: the wire that is 1 where x_i is bit
            for i in np.flatnonzero((rows == 0).any(axis=0)):
                literals[0, i] = nand(x[i])
            minterms = literals[rows, range(n)].tolist()
            output = nand(*(nand(*wires) for wires in minterms))
            return [nand(output) if negated else output]

        return cls.build(n, wire)

    def __call__(self, X: ArrayLike, *more: object) -> NDArray:
        """Return the outputs, ints (m, k) for inputs X (m, n_inputs), or (k,) for (n_inputs,).

        Raises
        ------
        ValueError, TypeError
            For inputs other than 0 and 1 (or booleans), of other shapes, or for a circuit whose
            network is too large (`to_network`).
        """
        if more:
            raise TypeError(f"the inputs are one array X, as [0, 1]; got {1 + len(more)} arguments")
        return self._network(as_binary("X", X)).astype(int)

    def truth_table(self) -> NDArray:
        """Return the outputs (2**n, k) of all rows, n <= 16, in the order of `from_truth_table`."""
        if self.n_inputs > MAX_TABLE_INPUTS:
            raise ValueError(
                f"a truth table has at most {MAX_TABLE_INPUTS} inputs; got {self.n_inputs}"
            )
        return self(bits(np.arange(2**self.n_inputs), self.n_inputs))

    def to_network(self) -> Network:
        """Return the circuit as a network of step units, in float32, where all its sums are exact.

        A gate stands in the first layer where its inputs are there: in layer 2 if they are inputs
        of the circuit, else one beyond the last of them. The perceptron with weight 1 and bias -½
        passes on a wire that is needed later. What no output depends on is left out.

        Raises
        ------
        ValueError
            If it would have more than 2**28 parameters.
        """
        layers = Layers(self)
        sizes = layers.sizes
        n_parameters = sum((n_in + 1) * n_out for n_in, n_out in pairwise(sizes))
        if n_parameters > MAX_PARAMETERS:
            raise ValueError(
                f"the network of {self!r} would have {n_parameters} parameters in {layers.depth} "
                f"layers; at most 2**28 = {MAX_PARAMETERS} are possible: split the circuit"
            )
        parameters = layers.parameters()
        return Network(
            sizes, hidden="step", output="step", init=lambda *_: next(parameters), seed=0
        )

    @cached_property
    def _network(self):
        return self.to_network()

    def __len__(self):
        return len(self.gates)

    def __repr__(self):
        numbers = {"input": self.n_inputs, "gate": len(self), "output": len(self.outputs)}
        parts = (f"{n} {name}{'s' if n != 1 else ''}" for name, n in numbers.items())
        return f"<Circuit: {', '.join(parts)}>"


def as_wires(name, wires, end):
    """Return `wires` as a tuple of ints if they name wires before `end`, at least one."""
    try:
        wires = tuple(check_whole(name, wire) for wire in wires)
    except TypeError:
        raise TypeError(f"{name} must be a sequence of wires, as (0, 1); got {wires!r}") from None
    if not 1 <= len(wires) <= MAX_WIRES:
        raise ValueError(f"{name} must name from 1 to {MAX_WIRES} wires; got {len(wires)}")
    for wire in wires:
        if not 0 <= wire < end:
            raise ValueError(f"{name} must name wires from 0 to {end - 1}; got {wire}")
    return wires


def bits(numbers, n):
    """Return the n bits of each number (m,) as rows (m, n), the most significant first."""
    return numbers[:, None] >> np.arange(n)[::-1] & 1
