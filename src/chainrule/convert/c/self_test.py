"""A main in the C file, with rows and what they give, bit by bit."""

from collections.abc import Callable

import numpy as np

from chainrule.convert.blueprint import Blueprint
from chainrule.convert.c import model, names, templates
from chainrule.convert.c.program import Program
from chainrule.convert.c.source import Source
from chainrule.convert.c.table import Table
from chainrule.convert.c.table import drawn as drawn_rows

ROWS = 8
Means = Callable[[np.ndarray], np.ndarray]  # what the networks say of inputs (m, n_1)


def drawn(program: Program) -> np.ndarray:
    """Return inputs (ROWS, n_1), whose a^1 of the first network are normal numbers."""
    a = np.random.default_rng(0).normal(size=(ROWS, program.n_in))
    scaling = program.members[0].scaling
    if scaling is None:
        return a.astype(program.dtype)
    scale, shift = (each.astype(np.float64) for each in scaling)
    with np.errstate(all="ignore"):
        x = ((a - shift) / np.where(scale == 0, 1, scale)).astype(program.dtype)
    return np.where(np.isfinite(x), x, program.dtype.type(0))


def write_self_test(
    source: Source, name: str, program: Program, rows: str, each: str, means: np.ndarray
) -> None:
    """Add the main.

    Parameters
    ----------
    rows : str
        The definition of the rows.
    each : str
        What C calls row i.
    means : ndarray (ROWS, n_L)
        What the networks say of them together.
    """
    kind, n_out = templates.type_of(program.dtype), program.n_out
    said = model.finished(program, means)
    expected = names.array("expected", said, f"{len(said)} * {n_out}").replace("\n", "\n    ")
    places = _answers(program.blueprint, means)
    declared = check = ""
    if places is not None:
        listed = names.lines([str(place) for place in places.ravel()], "        ")
        type_of_place = "int" if program.blueprint.answers == "classes" else "uint8_t"
        declared = (
            f"    static const {type_of_place} places[{places.size}] = {{\n{listed}\n    }};\n"
        )
    if program.blueprint.answers == "classes":
        check = f"""\
        if ({name}_predict({each}) != places[i]) {{
            return 1;
        }}
"""
    elif places is not None:
        declared += f"    uint8_t labels[{n_out}];\n"
        check = f"""\
        {name}_predict({each}, labels);
        if (memcmp(labels, &places[i * {n_out}U], sizeof labels) != 0) {{
            return 1;
        }}
"""
    source.functions.append(f"""\
#if defined(SELF_TEST)
/* 0 if all has the bits that it should have */
int main(void)
{{
{rows}    {expected.rstrip()}
{declared}    {kind} out[{n_out}];
    for (size_t i = 0U; i < {len(said)}U; i++) {{
        {name}_feedforward({each}, out);
        if (memcmp(out, &expected[i * {n_out}U], sizeof out) != 0) {{
            return 1;
        }}
{check}    }}
    return 0;
}}
#endif
""")


def _answers(blueprint: Blueprint, said: np.ndarray) -> np.ndarray | None:
    if blueprint.answers == "values":
        return None
    if blueprint.answers == "classes" and said.shape[1] > 1:
        return said.argmax(axis=1)
    return (said > said.dtype.type(blueprint.threshold)).astype(int)


def write_table_test(
    source: Source, name: str, program: Program, table: Table, means: Means
) -> None:
    """Add the main of a file that takes rows of a table."""
    rows, inputs = drawn_rows(table)
    write_self_test(source, name, program, rows, "&rows[i]", means(inputs))


def write_network_test(source: Source, name: str, program: Program, means: Means) -> None:
    """Add the main of a file whose inputs are numbers."""
    x, n = drawn(program), program.n_in
    inputs = names.array("inputs", x, f"{len(x)} * {n}").replace("\n", "\n    ")
    rows = f"    {inputs.rstrip()}\n"
    write_self_test(source, name, program, rows, f"&inputs[i * {n}U]", means(x))
