"""Logic gates and adders of NAND perceptrons: a network of step units can compute anything.

`NAND` is one gate, the perceptron with weights -2, -2 and bias 3; `NOT`, `AND`, `OR`, `XOR`,
`half_adder` and `full_adder` are of such two-input gates alone, both of whose inputs may be the
same wire, as in the book (chapter 1). All are circuits (`Circuit`). The adders give sum and carry,
of two and of three bits.

>>> from chainrule import Perceptron, logic
>>> gate = logic.NAND.to_network()
>>> gate.weights[0].tolist(), gate.biases[0].tolist()
([[-2.0, -2.0]], [3.0])
>>> rows = [[0, 0], [0, 1], [1, 0], [1, 1]]
>>> Perceptron([-2, -2], 3)(rows).tolist(), logic.NAND(rows)[:, 0].tolist()
([1, 1, 1, 0], [1, 1, 1, 0])
>>> logic.XOR([[0, 0], [0, 1], [1, 0], [1, 1]]).tolist()
[[0], [1], [1], [0]]
>>> logic.half_adder([1, 1])
array([0, 1])
>>> logic.half_adder.to_network().sizes
(2, 3, 3, 2)
"""

from chainrule.checks.options import check_count
from chainrule.course.circuits import Circuit, Nand

__all__ = [
    "AND", "NAND", "NOT", "OR", "XOR", "Circuit", "full_adder", "half_adder", "ripple_adder",
]  # fmt: skip


def negate(nand: Nand, a: int) -> int:
    """Wire up NOT a."""
    return nand(a, a)


def sum_and_no_carry(nand: Nand, a: int, b: int) -> tuple[int, int]:
    """Wire up a + b: return the wires of the sum, a XOR b, and of the NOT of the carry."""
    c = nand(a, b)
    return nand(nand(a, c), nand(b, c)), c


def half_add(nand: Nand, a: int, b: int) -> tuple[int, int]:
    """Wire up a + b: return the wires of sum and carry."""
    total, no_carry = sum_and_no_carry(nand, a, b)
    return total, negate(nand, no_carry)


def full_add(nand: Nand, a: int, b: int, carry: int) -> tuple[int, int]:
    """Wire up a + b + carry: return the wires of sum and carry."""
    partial, no_carry = sum_and_no_carry(nand, a, b)
    total, no_further_carry = sum_and_no_carry(nand, partial, carry)
    return total, nand(no_carry, no_further_carry)


def ripple_adder(n: int) -> Circuit:
    """Return the circuit that adds two numbers of n bits, the carry rippling from bit to bit.

    The least significant bit comes first everywhere: the 2n inputs are the bits of a, then those of
    b; the n + 1 outputs are the bits of the sum, the last of them the carry.

    Parameters
    ----------
    n : int
        1 or more.

    Returns
    -------
    Circuit
        Of this module.

    Examples
    --------
    3 + 2 = 5:

    >>> from chainrule import logic
    >>> logic.ripple_adder(2)([1, 1, 0, 1])
    array([1, 0, 1])
    """
    n = check_count("n", n, least=1)

    def wire(nand: Nand, *bits: int) -> list[int]:
        total, carry = half_add(nand, bits[0], bits[n])
        sums = [total]
        for a, b in zip(bits[1:n], bits[n + 1 :], strict=True):
            total, carry = full_add(nand, a, b, carry)
            sums.append(total)
        return [*sums, carry]

    return Circuit.build(2 * n, wire)


NAND = Circuit.build(2, lambda nand, a, b: [nand(a, b)])
NOT = Circuit.build(1, lambda nand, a: [negate(nand, a)])
AND = Circuit.build(2, lambda nand, a, b: [negate(nand, nand(a, b))])
OR = Circuit.build(2, lambda nand, a, b: [nand(negate(nand, a), negate(nand, b))])
XOR = Circuit.build(2, lambda nand, a, b: [sum_and_no_carry(nand, a, b)[0]])
half_adder = Circuit.build(2, half_add)
full_adder = Circuit.build(3, full_add)
