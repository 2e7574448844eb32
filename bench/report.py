"""From raw timings to figures: where it ran, medians of paired ratios, and the Markdown table.

The results of a case are {contender: entry}; an entry is {"steps", "facts", "rounds"}, with the
epoch times in seconds of every round, or {"absent": why} or {"failed": why}.
"""

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from statistics import median

from cases import CASES
from contenders import BLAS, OURS, PEERS

LABELS = {OURS: "chainrule", BLAS: "bare BLAS", **PEERS}


def machine():
    """The machine and its software, as far as a reader needs it to judge the figures."""
    cpu = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo") as info:
            names = [line.split(":", 1)[1] for line in info if line.startswith("model name")]
        cpu = names[0].strip()
    except (OSError, IndexError):
        pass  # not Linux, or not x86: the name from `platform` has to do
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "cpu": cpu,
        "cores": cores,
        "os": f"{platform.system()} {platform.release().split('-')[0]} {platform.machine()}",
        "python": platform.python_version(),
        "numpy": version("numpy"),
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
    }


def step_times(entry):
    """Microseconds per step, one figure a round: the median epoch of that round."""
    return [median(seconds) / entry["steps"] * 1e6 for seconds in entry["rounds"]]


def summary(entries, goals):
    """{contender: figures}: times per step, and for all but ours the ratio with its goal.

    For the bare BLAS the ratio is ours over it (small is good), for a peer its time over ours.
    """
    times = {name: step_times(entry) for name, entry in entries.items() if "rounds" in entry}
    figures = {name: {"us": median(t), "us_least": min(t)} for name, t in times.items()}
    for name in times if OURS in times else ():
        if name == OURS:
            continue
        over, under = (OURS, BLAS) if name == BLAS else (name, OURS)
        pairs = zip(times[over], times[under], strict=True)
        ratio = median(a / b for a, b in pairs)
        figures[name] |= {"ratio": ratio, "ratio_of_least": min(times[over]) / min(times[under])}
        if name in goals:
            met = ratio <= goals[name] if name == BLAS else ratio >= goals[name]
            figures[name] |= {"goal": goals[name], "met": met}
    return figures


def time_cell(entry, figure):
    if entry is None:
        return "–"
    if figure is None:
        return "absent" if "absent" in entry else "failed"
    return f"{figure['us']:.4g} ({figure['us_least']:.4g})"


def ratio_cell(name, figure):
    if figure is None or "ratio" not in figure:
        return "–"
    unit, sign = ("", "≤") if name == BLAS else ("x", "≥")
    cell = f"{figure['ratio']:.3g}{unit} ({figure['ratio_of_least']:.3g}{unit})"
    if "goal" in figure:
        verdict = "met" if figure["met"] else "**missed**"
        cell += f", {sign} {figure['goal']:g}{unit} {verdict}"
    return cell


def goals_cell(figures, goals):
    if not goals:
        return "–"
    met = sum(figure.get("met", False) for figure in figures.values())
    judged = sum("met" in figure for figure in figures.values())
    cell = f"{met} of {len(goals)}"
    return cell if judged == len(goals) else f"{cell} ({len(goals) - judged} not measured)"


def row(key, entries, others, goals):
    """One line of the table: a case."""
    figures = summary(entries, goals)
    cells = [CASES[key].label, time_cell(entries.get(OURS), figures.get(OURS))]
    for name in others:
        cells.append(time_cell(entries.get(name), figures.get(name)))
        cells.append(ratio_cell(name, figures.get(name)))
    return [*cells, goals_cell(figures, goals)]


def setting_lines(results, about):
    """What ran where: machine, thread, and the facts each contender states about itself."""
    place = "one thread" if about["core"] is None else "one thread, all on the same core"
    lines = [
        f"- machine: {about['cpu']}, {about['cores']} cores, {about['os']}",
        f"- run: {about['date']}, Python {about['python']}, NumPy {about['numpy']}, "
        f"{about['dtype']}, {place}, {about['rounds']} rounds, load at the start {about['load']}",
    ]
    ignored = ", ".join(f"{name}={value}" for name, value in about["not passed on"].items())
    if ignored:
        lines.append(f"- set here, kept from all contenders: {ignored}")
    for name, label in LABELS.items():
        facts = next((e[name]["facts"] for e in results.values() if "facts" in e.get(name, ())), {})
        told = ", ".join(f"{key} {value}" for key, value in facts.items())
        if told:
            lines.append(f"- {label}: {told}")
    return lines


def missing_lines(results):
    """Who did not run, on which cases, and why: an absent peer is told, never just left out."""
    why = {}
    for key, entries in results.items():
        for name, entry in entries.items():
            for state in ("absent", "failed"):
                if state in entry:
                    line = f"- {LABELS[name]} {state}: {entry[state]}"
                    why.setdefault(line, []).append(CASES[key].label)
    return [f"{line} ({', '.join(cases)})" for line, cases in why.items()]


def markdown(results, about, others):
    """The whole report; `others` are the contenders beside ours, in the order of the columns."""
    head = ["case", "ours µs"]
    for name in others:
        head.append(f"{LABELS[name]} µs")
        head.append("ours / bare BLAS" if name == BLAS else f"{LABELS[name]} / ours")
    table = [[*head, "goals met"], ["---"] * (len(head) + 1)]
    for key, entries in results.items():
        goals = goals_for(key, about["dtype"], others)
        table.append(row(key, entries, others, goals))
    note = (
        "Microseconds per training step, median of the rounds (the least in brackets). A ratio is "
        "the median of the ratios within each round (the ratio of the least times in brackets)."
    )
    lines = [*setting_lines(results, about), "", note, ""]
    lines += [f"| {' | '.join(cells)} |" for cells in table]
    missing = missing_lines(results)
    return "\n".join([*lines, "", *missing] if missing else lines) + "\n"


def goals_for(key, dtype, others):
    """The goals of a case among those asked for; they are set for float32 only."""
    goals = CASES[key].goals if dtype == "float32" else {}
    return {name: goal for name, goal in goals.items() if name in others}


def four_digits(value):
    """The number with four digits of weight, and without an exponent."""
    return f"{float(f'{value:.4g}'):,.10g}"


BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


def put_into(page, text):
    """Replace what stands in the file `page` between the two comments."""
    old = page.read_text()
    if not 0 <= old.find(BEGIN) < old.find(END):
        raise ValueError(f"{page} should hold the lines {BEGIN} and {END}")
    page.write_text(f"{old.split(BEGIN)[0]}{BEGIN}\n\n{text}\n\n{END}{old.split(END)[1]}")
