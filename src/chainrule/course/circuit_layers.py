"""How a circuit becomes layers of perceptrons: which wires each layer holds, and its weights."""

import numpy as np

# The NAND of k wires: w·x + b is -1 where all of them are 1, else 1 or more.
NAND_WEIGHT = -2


def nand_bias(k):
    """Return the bias of the perceptron that is the NAND of k wires: of two wires, 3."""
    return 2 * k - 1


class Layers:
    """The wires that each layer holds: layer 0 the inputs, the last one, `depth`, the outputs."""

    def __init__(self, circuit):
        self.circuit = circuit
        first = [0] * circuit.n_inputs  # the layer that drives each wire
        for wires in circuit.gates:
            first.append(1 + max(first[wire] for wire in wires))
        self.depth = max(1, *(first[wire] for wire in circuit.outputs))
        last = [-1] * len(first)  # the last layer that must hold it; -1: none
        for wire in circuit.outputs:
            last[wire] = self.depth
        for wire, wires in zip(reversed(range(len(first))), reversed(circuit.gates), strict=False):
            if last[wire] >= 0:
                for source in wires:
                    last[source] = max(last[source], first[wire] - 1)
        self.first, self.last = np.array(first), np.array(last)

    @property
    def sizes(self):
        """The number of wires of each layer."""
        needed = self.last >= 0
        begin = np.bincount(self.first[needed], minlength=self.depth + 2)
        end = np.bincount(self.last[needed] + 1, minlength=self.depth + 2)
        hidden = np.cumsum(begin - end)[1 : self.depth]
        return [self.circuit.n_inputs, *hidden.tolist(), len(self.circuit.outputs)]

    def wires(self, layer):
        """Return the wires of a layer, an array (n,)."""
        if layer == 0:
            return np.arange(self.circuit.n_inputs)
        if layer == self.depth:
            return np.array(self.circuit.outputs)
        return np.flatnonzero((self.first <= layer) & (layer <= self.last))

    def parameters(self):
        """Yield W (n_l, n_{l-1}) and b (n_l,) of each layer after the inputs."""
        column = np.empty_like(self.first)  # of each wire in the layer before
        for layer in range(1, self.depth + 1):
            before, wires = self.wires(layer - 1), self.wires(layer)
            column[before] = np.arange(len(before))
            W = np.zeros((len(wires), len(before)), np.float32)
            b = np.full(len(wires), -0.5, np.float32)
            for row, wire in enumerate(wires):
                if self.first[wire] == layer:
                    sources = list(self.circuit.gates[wire - self.circuit.n_inputs])
                    np.add.at(W[row], column[sources], NAND_WEIGHT)  # a wire may come twice
                    b[row] = nand_bias(len(sources))
                else:
                    W[row, column[wire]] = 1  # passed on
            yield W, b
