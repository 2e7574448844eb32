"""Tiny networks as one SELECT of standard SQL: a table for each step, one after the other.

    WITH "z2" AS (SELECT b + w * "x1" + ... AS "z2_1", ... FROM "table"),
    "a2" AS (SELECT σ("z2_1") AS "a2_1", ... FROM "z2"), ...

So each number is written once and read by its name.
"""

import os
import re
from collections.abc import Iterable, Sequence
from typing import Any

from chainrule.checks.keywords import known_options
from chainrule.checks.options import check_flag, check_text
from chainrule.convert.blueprint import Blueprint, Chain, blueprint_of, one_chain
from chainrule.convert.sql_formulas import (
    FORMULAS,
    RATES,
    largest,
    literal,
    number,
    power,
    quoted,
    share,
)
from chainrule.files.model_file import file_name
from chainrule.results.whole_file import write_whole

MOST_WEIGHTS = 4096
WIDEST = 256  # of a layer: databases bound how deep an expression may be
MOST_CLASSES = 32  # each of them is held against all others
MOST_COPIES = 2**18  # of terms, where a database puts one step's expressions into the next's


@known_options()
def to_sql(
    model: Any,
    path: str | os.PathLike[str] | None = None,
    *,
    table: str | Sequence[str],
    columns: Sequence[str] | None = None,
    keep: Sequence[str] = (),
    name: str = "prediction",
    materialized: bool = False,
) -> str:
    """Return a tiny network as a SELECT of standard SQL, with a row for each row of a table.

    A database computes it in its double precision: EXP, LN and ABS are the functions it needs, each
    where the network's activations do. A row with a NULL among its inputs gets NULL.

    Parameters
    ----------
    model : Network, or an estimator of chainrule.sklearn that has one
        Of at most 4096 weights, with up to 256 neurons a layer and 32 classes; without gelu, since
        SQL has no erf.
    path : str or path object, optional
        Where to write it besides, whole or not at all, in UTF-8.
    table : str, or sequence of str
        The table, or its schema and it, ("public", "houses"). All names are quoted as they are.
    columns : sequence of str, optional
        The columns of the inputs; by default the network's `input_names`, else x1, x2, ...
    keep : sequence of str, optional
        Columns of the table that come along, such as its key: SQL keeps no order of rows.
    name : str, default "prediction"
        The column of the answer. Beside it stand the outputs, name_1, name_2, ... (with one output
        of two classes name_1, of one value none); for several labels name_1, ... alone.
    materialized : bool, default False
        Whether to write AS MATERIALIZED, which is no standard. Databases that know it (SQLite from
        3.35 on, PostgreSQL from 12 on, DuckDB) then compute each number once; else they may put the
        expressions of one layer into those of the next, again and again: work that grows with the
        product of the widths. Where that is over 2**18 terms, it is asked for.

    Returns
    -------
    str

    Raises
    ------
    OSError
        If the file cannot be written.
    ValueError, TypeError
        For a network that is too large, an ensemble, the model of a table, parameters that are not
        finite, gelu, your own activations, and names that are missing or twice there.

    Examples
    --------
    >>> import chainrule as cr
    >>> import chainrule.convert
    >>> net = cr.Network([1, 1], output="identity", init="zeros", seed=0)
    >>> print(chainrule.convert.to_sql(net, table="houses", keep=["id"]))
    WITH
    "z2" AS (SELECT "t"."id",
      0.0E0 + 0.0E0 * "t"."x1" AS "z2_1"
    FROM "houses" AS "t")
    SELECT "id",
      "z2_1" AS "prediction"
    FROM "z2"
    <BLANKLINE>
    """
    check_text("name", name)
    check_flag("materialized", materialized)
    blueprint = blueprint_of(model)
    chain = one_chain(blueprint, "to_sql")
    _check(chain, blueprint.answers)
    inputs = _names("columns", columns, blueprint.inputs, chain.sizes[0])
    parts = _names("table", [table] if isinstance(table, str) else table)
    if not parts:
        raise ValueError("table must be a name, or a schema's and its; got none")
    steps = _Steps(parts, _names("keep", keep), materialized)
    answers = _answers(blueprint, _through(chain, steps, inputs), name)
    names = [each.casefold() for each in (*keep, *(called for called, _ in answers))]
    if len(set(names)) < len(names):
        raise ValueError(f"the result would have two columns of one name, of {names}")
    text = steps.ended([f"{value} AS {quoted(called)}" for called, value in answers])
    if path is not None:
        write_whole(file_name(path), lambda file: file.write(text.encode()))
    return text


class _Steps:
    """The SELECT as it grows, a table for each step; the columns to keep go through all of them.

    `copies`: how many terms the longest expression has, if each is written out down to the table.
    """

    def __init__(self, table: list[str], keep: list[str], materialized: bool) -> None:
        self._source = f'{".".join(map(quoted, table))} AS "t"'
        self._kept = [f'"t".{quoted(each)}' for each in keep]
        self._keep = [quoted(each) for each in keep]
        self._as = "AS MATERIALIZED" if materialized else "AS"
        self._materialized = materialized
        self._parts: list[str] = []
        self._copies = 1
        self._prefix = ""  # so that no name of a step is one of the user's
        while any(re.fullmatch(f"{self._prefix}[a-z][0-9_]*", each.casefold())
                  for each in (table[-1], *keep)):  # fmt: skip
            self._prefix += "_"

    def add(self, step: str, values: dict[str, str]) -> list[str]:
        """Add a table with these columns, and return how the next step reads them."""
        called = {quoted(f"{self._prefix}{column}"): value for column, value in values.items()}
        shown = [*self._kept, *(f"{value} AS {column}" for column, value in called.items())]
        self._take(values.values())
        step = quoted(self._prefix + step)
        self._parts.append(f"{step} {self._as} (SELECT {_listed(shown)}\nFROM {self._source})")
        self._source, self._kept = step, self._keep
        return list(called)

    def ended(self, values: list[str]) -> str:
        """Return the text, with these columns beside those to keep."""
        self._take(values)
        if self._copies * len(values) > MOST_COPIES and not self._materialized:
            raise ValueError(
                f"a database may write this network out as {self._copies * len(values)} terms, "
                f"over {MOST_COPIES}: give materialized=True, for one that knows AS MATERIALIZED"
            )
        body = ",\n".join(self._parts)
        return f"WITH\n{body}\nSELECT {_listed([*self._kept, *values])}\nFROM {self._source}\n"

    def _take(self, values: Iterable[str]) -> None:
        self._copies *= max(
            1, *(len(re.findall(r'"(?:[^"]|"")*"(?!\.)', each)) for each in values), 1
        )


def _through(chain: Chain, steps: _Steps, inputs: list[str]) -> list[str]:
    """Add the steps of a network, and return its outputs."""
    a = [f'"t".{quoted(each)}' for each in inputs]
    if chain.scaling is not None:
        a = steps.add("a1", _affine("a1", a, *chain.scaling))
    for i, layer in enumerate(chain.layers, start=2):
        sums = {}
        for j, (w, b) in enumerate(zip(layer.weights, layer.biases, strict=True), start=1):
            terms = [number(b), *(f"{number(x)} * {y}" for x, y in zip(w, a, strict=True))]
            sums[f"z{i}_{j}"] = " + ".join(terms)
        a = _activated(steps, i, steps.add(f"z{i}", sums), layer.activation, layer.parameter)
    if chain.output_scaling is not None:
        a = steps.add("y", _affine("y", a, *chain.output_scaling))
    return a


def _affine(name: str, a: list[str], scale: Any, shift: Any) -> dict[str, str]:
    rows = enumerate(zip(a, scale, shift, strict=True), start=1)
    return {f"{name}_{k}": f"{x} * {number(s)} + {number(t)}" for k, (x, s, t) in rows}


def _activated(steps: _Steps, i: int, z: list[str], name: str, parameter: float) -> list[str]:
    """Add the steps of σ(z), of layer i."""
    n = range(1, len(z) + 1)
    if name == "identity":
        return z
    if name == "softmax":
        return steps.add(f"a{i}", {f"a{i}_{j}": share(z[j - 1], z) for j in n})
    p = number(parameter)
    rate = p if name == "swish" else RATES.get(name)
    e = [""] * len(z)
    if rate is not None:
        powers = {f"e{i}_{j}": power(f"(-{rate} * ABS({z[j - 1]}))") for j in n}
        both = steps.add(f"e{i}", {f"z{i}_{j}": z[j - 1] for j in n} | powers)
        z, e = both[: len(z)], both[len(z) :]
    return steps.add(f"a{i}", {f"a{i}_{j}": FORMULAS[name](z[j - 1], e[j - 1], p) for j in n})


def _answers(blueprint: Blueprint, outputs: list[str], name: str) -> list[tuple[str, str]]:
    """Return the columns of the answer: name and expression of each."""
    if blueprint.answers == "values" and len(outputs) == 1:
        return [(name, outputs[0])]
    numbered = [(f"{name}_{j}", each) for j, each in enumerate(outputs, start=1)]
    if blueprint.classes is None:
        return numbered
    labels = [literal(each) for each in blueprint.classes]
    if len(outputs) == 1:
        level = number(blueprint.threshold)
        label = (
            f"CASE WHEN {outputs[0]} > {level} THEN {labels[1]} "
            f"WHEN {outputs[0]} <= {level} THEN {labels[0]} END"
        )
    else:
        label = largest(outputs, labels)
    return [(name, label), *numbered]


def _check(chain: Chain, answers: str) -> None:
    weights, widest = sum(each.weights.size for each in chain.layers), max(chain.sizes)
    if weights > MOST_WEIGHTS or widest > WIDEST:
        raise ValueError(
            f"to_sql is for tiny networks, up to {MOST_WEIGHTS} weights and {WIDEST} neurons a "
            f"layer; got {weights} and {widest}"
        )
    if answers == "classes" and chain.sizes[-1] > MOST_CLASSES:
        raise ValueError(f"to_sql tells up to {MOST_CLASSES} classes apart; got {chain.sizes[-1]}")
    for i, layer in enumerate(chain.layers, start=2):
        if layer.activation not in (*FORMULAS, "identity", "softmax"):
            raise ValueError(
                f"layer {i} has the activation '{layer.activation}', which SQL has not"
            )


def _names(
    what: str, given: Any, default: Sequence[str] | None = None, n: int | None = None
) -> list[str]:
    """Return names as a list of different strings, n of them where that is known."""
    if given is None:
        given = default or [f"x{k}" for k in range(1, (n or 0) + 1)]
    names = list(given) if isinstance(given, Iterable) else None
    if names is None or isinstance(given, str) or not all(isinstance(each, str) for each in names):
        raise TypeError(f"{what} must be a list of names; got {given!r}")
    if n is not None and len(names) != n:
        raise ValueError(f"{what} must be {n} names, one an input; got {len(names)}")
    if len(set(names)) < len(names):
        raise ValueError(f"{what} must be different names; got {names}")
    return names


def _listed(columns: Iterable[str]) -> str:
    return ",\n  ".join(columns)
