"""Weights and activations as small whole numbers, whose sums are exact.

Each row of W^l has a scale, w ≈ s_j q, and all inputs of a layer one, a ≈ q/n with n steps a unit,
so that the largest of either is the largest whole number there is: z_j = (s_j/n) Σ q q' + b_j. The
sums are of integers; what stands before and after, a multiplication and σ for each neuron, is as in
any file.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.convert.c import model, names, templates
from chainrule.convert.c.program import Program, Stage
from chainrule.convert.c.source import POINTER, Source, write_values

LARGEST = {"int8": 127, "int16": 32767}
SUMS = {"int32": 2**31 - 1, "int64": 2**63 - 1}


@dataclass(frozen=True, eq=False)
class FixedStage:
    """A layer.

    Attributes
    ----------
    weights : ndarray (n_out, n_in) of int8 or int16
    factors, biases : ndarray (n_out,)
        z = factors Σ + biases.
    steps : number
        How many steps there are in a unit of what it reads.
    stage : Stage
        The layer as it was; its activation counts.
    """

    weights: NDArray[Any]
    factors: NDArray[Any]
    biases: NDArray[Any]
    steps: Any
    stage: Stage


@dataclass(frozen=True, eq=False)
class FixedPoint:
    """A network in whole numbers.

    Attributes
    ----------
    kind : "int8" or "int16"
    sums : "int32" or "int64"
        Of what type the sums are: one in which none can overflow.
    most : int
        The largest that a sum can be, without its sign.
    program : Program
        What it is made of.
    """

    kind: str
    sums: str
    most: int
    stages: tuple[FixedStage, ...]
    program: Program

    @property
    def proof(self) -> str:
        """Why no sum can overflow."""
        return f"at most {self.most:,} of any inputs; {self.sums}_t holds {SUMS[self.sums]:,}"

    def means(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return what the network says of inputs x (m, n_1), (m, n_L)."""
        (member,), dtype = self.program.members, self.program.dtype
        a, largest = x.astype(dtype), dtype.type(LARGEST[self.kind])
        with np.errstate(all="ignore"):  # as C does
            if member.scaling is not None:
                a = a * member.scaling[0] + member.scaling[1]
            for each in self.stages:
                q = _whole(a * each.steps, largest)
                total = q.astype(np.int64) @ each.weights.T.astype(np.int64)
                z = total.astype(dtype) * each.factors + each.biases
                a = model.VALUES[each.stage.activation](z, each.stage.parameter)
            if member.output_scaling is not None:
                a = a * member.output_scaling[0] + member.output_scaling[1]
        return a


def _whole(t: NDArray[Any], largest: Any) -> NDArray[Any]:
    """Return the nearest whole numbers from -largest to largest; halves go away from 0."""
    half = t.dtype.type(0.5)
    t = np.where(t > -largest, np.where(t > largest, largest, t), -largest)
    return np.trunc(np.where(t < 0, t - half, t + half))


def fixed_point_of(program: Program, kind: str, inputs: NDArray[Any]) -> FixedPoint:
    """Return a network in whole numbers, with the ranges that its activations have of `inputs`.

    Raises
    ------
    ValueError
        For more than one network.
    """
    if len(program.members) != 1:
        raise ValueError(
            f"fixed_point is for one network; this is an ensemble of {len(program.members)}, whose "
            "networks can be written one by one"
        )
    largest, stages, most = LARGEST[kind], [], 0
    for stage, reach in zip(program.members[0].stages, model.reaches(program, inputs), strict=True):
        steps = program.dtype.type(largest / reach if reach else 1.0)
        if not np.isfinite(steps):
            raise ValueError("data leaves some layer with inputs too small to be divided in steps")
        W = stage.weights.T.astype(np.float64)
        rows = np.abs(W).max(axis=1) / largest
        rows = np.where(rows == 0, 1.0, rows)
        q = np.rint(W / rows[:, None]).astype(kind)
        most = max(most, largest * int(np.abs(q.astype(np.int64)).sum(axis=1).max()))
        factors = (rows / float(steps)).astype(program.dtype)
        stages.append(FixedStage(q, factors, stage.biases, steps, stage))
    sums = next(each for each, limit in SUMS.items() if most <= limit)
    return FixedPoint(kind, sums, most, tuple(stages), program)


def write_fixed(source: Source, fixed: FixedPoint) -> None:
    """Add the layers, and `answer`, what the network says."""
    program, largest = fixed.program, LARGEST[fixed.kind]
    kind, dtype, member = templates.type_of(program.dtype), program.dtype, program.members[0]
    words = {
        "WHOLE": f"{fixed.kind}_t",
        "SUM": f"{fixed.sums}_t",
        "LARGEST": names.number(largest, dtype),
        "PROOF": fixed.proof,
    }
    source.functions.append(templates.piece("fixed_layer", kind, words))
    write_values(source, program)
    rows = []
    for l, each in enumerate(fixed.stages, start=2):  # noqa: E741
        weights = names.lines(map(str, each.weights.ravel().tolist()))
        source.constants.append(
            f"static const {fixed.kind}_t weights_{l}[{each.weights.size}] = {{\n{weights}\n}};\n"
        )
        source.flash += each.weights.nbytes + 2 * POINTER + 3 * POINTER + 2 * dtype.itemsize
        source.constant(f"factors_{l}", each.factors)
        source.constant(f"biases_{l}", each.biases)
        n_out, n_in = each.weights.shape
        numbers = [names.number(value, dtype) for value in (each.stage.parameter, each.steps)]
        rows.append(
            f"    {{{n_in}U, {n_out}U, weights_{l}, factors_{l}, biases_{l}, "
            f"{each.stage.activation}_values, {', '.join(numbers)}}}"
        )
    listed = ",\n".join(rows)
    source.functions.append(f"static const struct layer layers[{len(rows)}] = {{\n{listed}\n}};\n")
    for name, pair in (("in_", member.scaling), ("out_", member.output_scaling)):
        if pair is not None:
            source.constant(f"{name}scale", pair[0])
            source.constant(f"{name}shift", pair[1])
    words |= {
        "N_LAYERS": str(len(rows)),
        "READ": str(widest_read(program)),
        "WIDEST": str(widest(program)),
        "N_IN": str(program.n_in),
        "N_OUT": str(program.n_out),
        "FIRST": "x[k] * in_scale[k] + in_shift[k]" if member.scaling is not None else "x[k]",
        "SAID": "a[j] * out_scale[j] + out_shift[j]"
        if member.output_scaling is not None
        else "a[j]",
    }
    source.functions.append(templates.piece("fixed_answer", kind, words))
    whole = np.dtype(fixed.kind).itemsize
    source.ram += widest_read(program) * whole + widest(program) * dtype.itemsize


def widest(program: Program) -> int:
    """Return how many numbers the widest layer has, the inputs too."""
    return max([program.n_in, *(len(stage.biases) for stage in program.stages)])


def widest_read(program: Program) -> int:
    """Return how many numbers the widest layer has that another one reads."""
    return max(len(stage.weights) for stage in program.stages)
