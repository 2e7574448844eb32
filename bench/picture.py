"""The picture that the README opens with: training steps a second, beside the others.

It draws what `bench/steps.py` measured on one thread: its JSON if one is named, else the figures of
docs/benchmark.md, which came from such a run. The machine stands below.

    python bench/picture.py --picture docs/pictures/steps.png
    python bench/picture.py --steps steps.json --picture docs/pictures/steps.png
"""

import json
import re
from pathlib import Path

from chainrule.results.pictures import BLUE, GREY, ORANGE
from parts.cases import TIMED
from parts.command import Command, without_matplotlib
from parts.machine import moment, place
from parts.output import write_picture

PAGE = Path(__file__).parents[1] / "docs" / "benchmark.md"
OURS = "chainrule"
MARKS = {  # color, mark, and whether the figure stands above it
    OURS: (BLUE, "o", True),
    "scikit-learn": ("#3c86c0", "D", False),
    "PyTorch": ("#555555", "^", True),
    "JAX": (ORANGE, "s", False),
}


def of_page(text):
    """{case: {who: (µs a step, ratio to ours)}} of the page's first table, and what ran where."""
    part = text.partition("## One thread")[2].partition("\n## ")[0]
    where = re.findall(r"^- (?:machine|run): (.*)$", part, re.M)
    lines = [line.strip("|").split("|") for line in part.splitlines() if line.startswith("| ")]
    head, _, *rows = [[cell.strip() for cell in line] for line in lines]
    figures = {}
    for row in rows:
        cells = dict(zip(head, row, strict=True))
        figures[cells["case"]] = {
            name: (first_number(cells[f"{column} µs"]), ratio)
            for name, column in zip(MARKS, ["ours", *list(MARKS)[1:]], strict=True)
            if (ratio := 1.0 if name == OURS else first_number(cells[f"{name} / ours"]))
        }
    return figures, where


def first_number(cell):
    """Return the number that a cell begins with, None if with none."""
    found = re.match(r"[\d.,]*\d", cell)
    return float(found[0].replace(",", "")) if found else None


def of_json(whole):
    """The same of what `steps.py --json` wrote."""
    about = whole["about"]
    figures = {
        TIMED[case].label: {
            name: (each["us"], each.get("ratio", 1.0))
            for name, each in named.items()
            if name in MARKS
        }
        for case, named in whole["figures"].items()
    }
    return figures, [place(about), moment(about)]


def sizes(case):
    """What a case trains, in a few words."""
    label = case.partition(" ")[0]
    found = next((each for each in TIMED.values() if each.label.partition(" ")[0] == label), None)
    return f"{'-'.join(map(str, found.sizes))}, batch {found.batch}" if found else case


def times_as_many(ratio):
    return f"{ratio:.1f}x" if ratio < 10 else f"{ratio:.0f}x"


def draw(figures, where, path):
    """Write the picture: a line for each case, a mark on it for each of those who ran it."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import NullLocator, StrMethodFormatter

    figure = Figure(figsize=(7, 0.62 * len(figures) + 1.5), dpi=150, layout="constrained")
    ax = figure.subplots()
    for i, times in enumerate(figures.values()):
        rates = {name: 1e6 / us for name, (us, _) in times.items()}
        ends = min(rates.values()), max(rates.values())
        ax.plot(ends, [i, i], color=GREY, linewidth=4, zorder=1)
        for name, rate in rates.items():
            color, mark, above = MARKS[name]
            bold = {"weight": "bold"} if name == OURS else {}
            told = f"{rate:,.0f}" if name == OURS else times_as_many(times[name][1])
            ax.plot(rate, i, mark, color=color, markersize=10 if bold else 6)
            ax.annotate(
                told, (rate, i), xytext=(0, 8 if above else -15), textcoords="offset points",
                ha="center", fontsize=8, color=color, **bold,
            )  # fmt: skip
    for name, (color, mark, _) in MARKS.items():
        ax.plot([], [], mark, color=color, label=name)
    ax.set_yticks(range(len(figures)), [sizes(case) for case in figures])
    ax.set(xscale="log", ylim=(len(figures) - 0.4, -0.6))
    ax.set_xlabel("training steps a second (at the others: chainrule's over theirs)", fontsize=9)
    ax.margins(x=0.08)
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="x", color=GREY, linewidth=0.6)
    figure.legend(loc="outside upper center", ncols=len(MARKS), frameon=False)
    figure.supxlabel("\n".join(where), fontsize=6.5, color="#555555")
    write_picture(path, figure)


def main(options):
    if options.steps:
        figures, where = of_json(json.loads(options.steps.read_text(encoding="utf-8")))
    else:
        figures, where = of_page(PAGE.read_text(encoding="utf-8"))
    without_matplotlib(options)
    if options.picture:
        draw(figures, where, options.picture)
    for case, times in figures.items():
        rates = (f"{name} {1e6 / us:,.0f}" for name, (us, _) in times.items())
        print(f"{case}: {', '.join(rates)} steps a second")


def command():
    parser = Command(__doc__, files=("picture",))
    parser.add_argument("--steps", type=Path, metavar="PATH", help="JSON of steps.py")
    return parser


if __name__ == "__main__":
    command().run(main)
