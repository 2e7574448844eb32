"""The text of a C file and its header, from a `Program`."""

from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from chainrule.convert.c import names, templates
from chainrule.convert.c.program import Member, Program
from chainrule.version import __version__

POINTER = 4  # bytes, on small processors

COMPILED = """\
/* Compile without contraction of a * b + c: -ffp-contract=off, which -std=c99 of gcc means too.
 * Then each result has the same bits on every processor with IEEE 754 numbers; -DSELF_TEST adds a
 * main that looks whether it has. */
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#endif
#if defined(__cplusplus)
#define RESTRICT __restrict
#else
#define RESTRICT restrict
#endif
"""
UNROLLED = """\
#if defined(__GNUC__) && !defined(__clang__) && defined(__OPTIMIZE__) && !defined(__OPTIMIZE_SIZE__)
#define UNROLLED _Pragma("GCC unroll 32")
#else
#define UNROLLED
#endif
"""


@dataclass
class Source:
    """The parts of a file, while they come together.

    Attributes
    ----------
    declared : list of str
        What the header has.
    constants, functions : list of str
        What the C file has, in this order.
    needed : list of str
        Names of pieces.
    parameters : list of str
        What those of each network are called.
    answer : str
        What `answer` takes before x and out.
    taken : set of str
        The names of arrays of numbers.
    flash, ram : int
        Bytes of constants, and of arrays on the stack.
    """

    declared: list[str] = field(default_factory=list)
    constants: list[str] = field(default_factory=list)
    functions: list[str] = field(default_factory=list)
    needed: list[str] = field(default_factory=list)
    parameters: list[str] = field(default_factory=list)
    answer: str = ""
    includes: list[str] = field(default_factory=lambda: ["stddef.h", "stdint.h", "string.h"])
    taken: set[str] = field(default_factory=set)
    flash: int = 0
    ram: int = 0

    def constant(self, name: str, values: NDArray[Any], size: str = "") -> str:
        """Add an array of numbers; return its name, with a number behind it if that is taken.

        Columns may be called "date", of which there is the month, and "date_month".
        """
        free, k = name, 1
        while free in self.taken:
            free, k = f"{name}_{k}", k + 1
        self.taken.add(free)
        self.constants.append(names.array(free, values, size))
        self.flash += values.nbytes
        return free


def write_network(
    source: Source, program: Program, *, slopes: bool = False, public: str = ""
) -> None:
    """Add the layers of all networks, and `answer`, what one of them says.

    Parameters
    ----------
    slopes : bool
        Whether σ' is wanted.
    public : str
        What the parameters are called where the header has them.
    """
    kind = templates.type_of(program.dtype)
    if slopes:
        used = {stage.activation for stage in program.stages}
        source.needed += [f"{each}_slope" for each in sorted(used - {"softmax"})]
    scaled, rescaled, shared = _parts(program)
    source.functions.append(_structs(kind, slopes, scaled, rescaled, shared))
    write_values(source, program)
    for lanes in sorted({stage.lanes for stage in program.stages}):
        source.functions.append(templates.piece("sums_N", kind, {"LANES": str(lanes)}))
    for k, member in enumerate(program.members, start=1):
        _write_member(source, program, member, str(k) if shared else "", slopes, public)
    source.functions.append(_chains(program))
    source.answer = f"&chains[0], {source.parameters[0]}, "
    source.ram += program.dtype.itemsize * 2 * program.widest
    source.functions.append(templates.piece("feed", kind))
    source.functions.append(_answer(program, kind))


def write_values(source: Source, program: Program) -> None:
    """Add a = σ(z) of whole layers, NAME_values of each activation."""
    kind, whole = templates.type_of(program.dtype), {"softmax", "identity"}
    for each in sorted({stage.activation for stage in program.stages}):
        source.needed.append(f"{each}_values" if each in whole else each)
        if each not in whole:
            called = {"CALLED": each, "FUNCTION": "tanh_of" if each == "tanh" else each}
            source.functions.append(templates.piece("values_NAME", kind, called))


def _parts(program: Program) -> tuple[bool, bool, bool]:
    """Return whether there are scalings of inputs and of outputs, and shares."""
    first = program.members[0]
    return first.scaling is not None, first.output_scaling is not None, len(program.members) > 1


def _structs(kind, slopes, scaled, rescaled, shared):
    slope = f"    {kind} (*slope)({kind} z, {kind} a, {kind} p);\n" if slopes else ""
    more = f"    const {kind} *in_scale;\n    const {kind} *in_shift;\n" if scaled else ""
    more += f"    const {kind} *out_scale;\n    const {kind} *out_shift;\n" if rescaled else ""
    more += f"    {kind} share;\n" if shared else ""
    return f"""\
/* a = sigma(W a + b) */
struct layer {{
    size_t n_in;
    size_t n_out;
    void (*sums)({kind} *RESTRICT z, const {kind} *RESTRICT a, const {kind} *RESTRICT w,
                 size_t n_in, size_t n_out);
    void (*values)({kind} *a, size_t n, {kind} p);
{slope}    {kind} p;
}};

struct chain {{
    const struct layer *layers;
    size_t n_layers;
{more}}};
"""


def _write_member(
    source: Source, program: Program, member: Member, k: str, slopes: bool, public: str
) -> None:
    dtype = program.dtype
    source.parameters.append(public or f"parameters{k}")
    if public:
        source.constants.append(names.array(public, member.flat).removeprefix("static "))
        source.flash += member.flat.nbytes
    else:
        source.constant(f"parameters{k}", member.flat)
    pairs = (("in_", member.scaling), ("out_", member.output_scaling))
    for name, pair in pairs:
        if pair is not None:
            source.constant(f"{name}scale{k}", pair[0])
            source.constant(f"{name}shift{k}", pair[1])
    rows = []
    for stage in member.stages:
        n_in, n_out = stage.weights.shape
        slope = f", {_slope_of(stage.activation)}" if slopes else ""
        rows.append(
            f"    {{{n_in}U, {n_out}U, sums_{stage.lanes}, {stage.activation}_values{slope}, "
            f"{names.number(stage.parameter, dtype)}}}"
        )
    layers = ",\n".join(rows)
    source.functions.append(
        f"static const struct layer layers{k}[{len(rows)}] = {{\n{layers}\n}};\n"
    )
    source.flash += len(rows) * (POINTER * (4 + slopes) + dtype.itemsize)


def _slope_of(activation: str) -> str:
    return "NULL" if activation == "softmax" else f"{activation}_slope"


def _chains(program: Program) -> str:
    scaled, rescaled, shared = _parts(program)
    rows = []
    for k, member in enumerate(program.members, start=1):
        of = str(k) if shared else ""
        row = [f"layers{of}", f"{len(member.stages)}U"]
        row += [f"in_scale{of}", f"in_shift{of}"] * scaled
        row += [f"out_scale{of}", f"out_shift{of}"] * rescaled
        row += [names.number(member.share, program.dtype)] * shared
        rows.append(f"    {{{', '.join(row)}}}")
    return f"static const struct chain chains[{len(rows)}] = {{\n" + ",\n".join(rows) + "\n};\n"


def _answer(program: Program, kind: str) -> str:
    scaled, rescaled, _ = _parts(program)
    a = "x"
    scaling = ""
    buffers = ("one", "two")
    if scaled:
        scaling = f"""\
    for (size_t k = 0U; k < {program.n_in}U; k++) {{
        one[k] = x[k] * chain->in_scale[k] + chain->in_shift[k];
    }}
"""
        a, buffers = "one", ("two", "one")
    said = "a[j] * chain->out_scale[j] + chain->out_shift[j]" if rescaled else "a[j]"
    return f"""\
/* What one network says of its inputs */
static void answer(const struct chain *chain, const {kind} *w, const {kind} *x, {kind} *out)
{{
    {kind} one[{program.widest}];
    {kind} two[{program.widest}];
    const {kind} *a;
{scaling}    a = feed(chain, w, {a}, {", ".join(buffers)});
    for (size_t j = 0U; j < {program.n_out}U; j++) {{
        out[j] = {said};
    }}
}}
"""


def opening(name: str, what: str, rows: list[tuple[str, str]]) -> str:
    """Return the comment at the top: what it is, and its table."""
    width = max(len(row[0]) for row in rows)
    table = "\n".join(f" *   {label:{width}}  {names.comment(value)}" for label, value in rows)
    return f"/* {name}: {what}\n * Written by chainrule {__version__}.\n *\n{table}\n */\n"


def header_of(guard: str, source: Source, comment: str) -> str:
    """Return the header."""
    declared = "\n".join(source.declared)
    return f"""\
{comment}#ifndef {guard}
#define {guard}

#include <stdint.h>

#ifdef __cplusplus
extern "C" {{
#endif

{declared}
#ifdef __cplusplus
}}
#endif

#endif
"""


def file_of(source: Source, kind: str, comment: str, interface: str) -> str:
    """Return the C file; interface: its header, or the line that includes it."""
    includes = "".join(f"#include <{each}>\n" for each in source.includes)
    parts = [comment + COMPILED + UNROLLED, includes + interface, *source.constants]
    parts += [templates.pieces(source.needed, kind), *source.functions]
    return "\n".join(part for part in parts if part)
