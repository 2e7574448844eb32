"""Logic gates and adders of NAND perceptrons: a network of step units can compute anything.

`NAND` is a `Perceptron`. `NOT`, `AND`, `OR`, `XOR`, `half_adder` and `full_adder` are circuits
(`Circuit`) of two-input NAND gates alone, both of whose inputs may be the same wire, as in the
book (chapter 1). The adders give sum and carry, of two and of three bits.

>>> from chainrule import logic
>>> logic.NAND([0, 1]), logic.NAND([1, 1])
(1, 0)
>>> logic.XOR([[0, 0], [0, 1], [1, 0], [1, 1]]).tolist()
[[0], [1], [1], [0]]
>>> logic.half_adder([1, 1])
array([0, 1])
>>> logic.half_adder.to_network().sizes
(2, 3, 3, 2)
"""

from chainrule.circuit_layers import NAND_WEIGHT, nand_bias
from chainrule.circuits import Circuit
from chainrule.options import check_count
from chainrule.perceptron import Perceptron

__all__ = [
    "AND", "NAND", "NOT", "OR", "XOR", "Circuit", "full_adder", "half_adder", "ripple_adder",
]  # fmt: skip


def negate(nand, a):
    """Wire up NOT a."""
    return nand(a, a)


def add(nand, a, b):
    """Wire up a + b: return the wires of the sum, a XOR b, and of the NOT of the carry."""
    c = nand(a, b)
    return nand(nand(a, c), nand(b, c)), c


def half_add(nand, a, b):
    """Wire up a + b: return the wires of sum and carry."""
    total, no_carry = add(nand, a, b)
    return total, negate(nand, no_carry)


def full_add(nand, a, b, carry):
    """Wire up a + b + carry: return the wires of sum and carry."""
    partial, no_carry = add(nand, a, b)
    total, no_further_carry = add(nand, partial, carry)
    return total, nand(no_carry, no_further_carry)


def ripple_adder(n: int) -> Circuit:
    """Return the circuit that adds two numbers of n bits, the carry rippling from bit to bit.

    The least significant bit comes first everywhere: the 2n inputs are the bits of a, then those of
    b; the n + 1 outputs are the bits of the sum, the last of them the carry.

    Parameters
    ----------
    n : int
        1 or more.

    Examples
    --------
    3 + 2 = 5:

    >>> from chainrule import logic
    >>> logic.ripple_adder(2)([1, 1, 0, 1])
    array([1, 0, 1])
    """
    n = check_count("n", n, least=1)

    def wire(nand, *bits):
        total, carry = half_add(nand, bits[0], bits[n])
        sums = [total]
        for a, b in zip(bits[1:n], bits[n + 1 :], strict=True):
            total, carry = full_add(nand, a, b, carry)
            sums.append(total)
        return [*sums, carry]

    return Circuit.build(2 * n, wire)


NAND = Perceptron([NAND_WEIGHT, NAND_WEIGHT], nand_bias(2))
NOT = Circuit.build(1, lambda nand, a: [negate(nand, a)])
AND = Circuit.build(2, lambda nand, a, b: [negate(nand, nand(a, b))])
OR = Circuit.build(2, lambda nand, a, b: [nand(negate(nand, a), negate(nand, b))])
XOR = Circuit.build(2, lambda nand, a, b: [add(nand, a, b)[0]])
half_adder = Circuit.build(2, half_add)
full_adder = Circuit.build(3, full_add)
