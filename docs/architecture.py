"""The plan of the house, read from the imports: which wing knows which. Draws the picture of it.

python docs/architecture.py     draws docs/pictures/architecture.svg anew

`tests/whole/test_house.py` holds the code to the plan, and the picture to the code.
"""

import ast
from collections import Counter
from html import escape
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "chainrule"
PICTURE = ROOT / "docs" / "pictures" / "architecture.svg"

# From the bottom up: a line may know the lines before it, and itself. A file of the hall goes by
# its module, a wing by its folder.
STOREYS = [
    {"version"},
    {"core"},
    {"checks"},
    {"activations", "costs", "initializers", "schedules", "optimizers", "equations", "datasets"},
    {"results"},
    {"model"},
    {"training"},
    {"doctor"},
    {"files"},
    {"network"},
    {"sweeps"},
    {"tables"},
    {"sklearn"},
    {"convert"},
    {"course"},
    {"logic"},
    {"__init__"},  # the face
    {"book"},
    {"command"},
    {"__main__"},
]
WORDS = STOREYS[3]
RANK = {place: rank for rank, places in enumerate(STOREYS) for place in places}


class Arrow(NamedTuple):
    """One import: both modules by their dotted names below the package."""

    source: str
    target: str


def modules():
    """Return the path of each module by its dotted name below the package."""
    return {
        ".".join(path.relative_to(PACKAGE).with_suffix("").parts): path
        for path in sorted(PACKAGE.rglob("*.py"))
    }


def place_of(module):
    """Return the wing, or the file of the hall, that a module is in."""
    return module.partition(".")[0]


def arrows():
    """Return each import of a module of the package by another, inside functions too."""
    known = modules()
    return [
        Arrow(source, target)
        for source, path in known.items()
        for name in _imported(path)
        if (target := _module_of(name, known)) is not None and not source.startswith("core.")
    ]


def _imported(path):
    """Yield the dotted names that a file imports from the package."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise ValueError(f"{path}: imports are written in full, without dots in front")
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        yield from (name for name in names if name.partition(".")[0] == "chainrule")


def _module_of(dotted, known):
    """Return the module that an import of `dotted`, or of a name out of it, leads to."""
    _, _, below = dotted.partition(".")
    if below.startswith("core."):  # compiled, but for its docstring
        return "core.__init__"
    while below:
        for module in (below, f"{below}.__init__"):
            if module in known:
                return module
        below = below.rpartition(".")[0]
    return "__init__"


# ---------------------------------------------------------------- the picture

# The rows of the picture from the top: a name, and the places that it stands for.
ROWS = [
    ("__main__", ["__main__"]),
    ("command", ["command"]),
    ("book", ["book"]),
    ("face", ["__init__"]),
    ("logic", ["logic"]),
    ("course", ["course"]),
    ("convert", ["convert"]),
    ("sklearn", ["sklearn"]),
    ("tables", ["tables"]),
    ("sweeps", ["sweeps"]),
    ("network", ["network"]),
    ("files", ["files"]),
    ("doctor", ["doctor"]),
    ("training", ["training"]),
    ("model", ["model"]),
    ("results", ["results"]),
    ("the words", sorted(WORDS)),
    ("checks", ["checks"]),
    ("core", ["core"]),
    ("version", ["version"]),
]
WIDTH, HEIGHT, LEFT, TOP, LIST = 1180, 46, 16, 118, 690
HALL, WING, INK, PALE = "#c8641e", "#1f5f99", "#222222", "#e8eef4"


def draw():
    """Return the picture as SVG: the storeys on the left, who knows whom on the right."""
    rows = [(name, places) for name, places in ROWS]
    row_of = {place: i for i, (_, places) in enumerate(rows) for place in places}
    counts = Counter(
        (row_of[place_of(arrow.source)], row_of[place_of(arrow.target)]) for arrow in arrows()
    )
    height = TOP + len(rows) * HEIGHT + 40
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        'font-family="Helvetica, Arial, sans-serif">',
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
        _text(LEFT, 30, "The house: a storey knows only those below it", 19, INK, "bold"),
        _text(LEFT, 54, "orange: files of the hall, whose names are users' words; "
              "blue: wings, folders of their own", 13, INK),
        _text(LIST, 54, "how many imports of the row's files name a file of the column", 13, INK),
    ]  # fmt: skip
    size = (WIDTH - LIST - 16) / len(rows)
    for i, (name, places) in enumerate(rows):
        y = TOP + i * HEIGHT
        color = HALL if _is_hall(places) else WING
        if i % 2 == 0:
            parts.append(f'<rect x="0" y="{y}" width="{WIDTH}" height="{HEIGHT}" fill="{PALE}"/>')
        parts.append(_text(LEFT, y + 28, name, 15, color, "bold"))
        lines = _files_of(places)
        for n, line in enumerate(lines):
            at = y + 28 + 15 * n - 7.5 * (len(lines) - 1)
            parts.append(_text(LEFT + 96, at, line, 12, INK))
        x = LIST + (i + 0.5) * size
        parts.append(
            f'<text x="{x:.1f}" y="{TOP - 8}" font-size="12" fill="{color}" '
            f'transform="rotate(-50 {x:.1f} {TOP - 8})">{escape(name)}</text>'
        )
        x = LIST + i * size
        parts.append(f'<rect x="{x:.1f}" y="{y}" width="{size:.1f}" height="{HEIGHT}" '
                     f'fill="{color}" fill-opacity="0.25"/>')  # fmt: skip
    for (i, j), count in sorted(counts.items()):
        if i == j:
            continue
        x, y = LIST + (j + 0.5) * size, TOP + (i + 0.5) * HEIGHT
        parts.append(f'<circle cx="{x:.1f}" cy="{y}" r="{min(5 + count**0.5, 15):.1f}" '
                     f'fill="{WING}" fill-opacity="0.85"/>')  # fmt: skip
        parts.append(
            f'<text x="{x:.1f}" y="{y + 4}" font-size="11" fill="white" '
            f'text-anchor="middle">{count}</text>'
        )
    up = sum(count for (i, j), count in counts.items() if j < i)
    down = sum(count for (i, j), count in counts.items() if j > i)
    note = f"{down} imports down, {up} up: nothing stands left of the diagonal"
    parts.append(_text(LIST, height - 14, note, 13, INK))
    return "\n".join([*parts, "</svg>", ""])


def _text(x, y, text, size, color, weight="normal"):
    return (
        f'<text x="{x}" y="{y}" font-size="{size}" fill="{color}" font-weight="{weight}">'
        f"{escape(text)}</text>"
    )


def _is_hall(places):
    return all((PACKAGE / f"{place}.py").exists() for place in places)


def _files_of(places):
    """Return the files of a row, in one or two lines."""
    if places == ["core"]:
        return [
            "_core.pyx, which includes the .pxi files; "
            "equations.pxd, descent.pxd, kernels.pxd; below: csrc/"
        ]
    if _is_hall(places):
        return [", ".join(f"{place}.py" for place in places)]
    names = [".".join(path.relative_to(PACKAGE / places[0]).with_suffix("").parts)
             for path in sorted((PACKAGE / places[0]).rglob("*.py"))
             if path.stem != "__init__"]  # fmt: skip
    names = [name.replace(".", "/") for name in names]
    text, lines = "", []
    for name in names:
        if len(text) + len(name) > 84:
            lines.append(f"{text},")
            text = ""
        text = f"{text}, {name}" if text else name
    return [*lines, text]


if __name__ == "__main__":
    PICTURE.write_text(draw(), encoding="utf-8")
    print(f"wrote {PICTURE.relative_to(ROOT)}")
