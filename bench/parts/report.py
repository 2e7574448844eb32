"""From raw timings to figures: where it ran, medians of paired ratios, and the Markdown table.

The results of a case are {run: entry}; an entry is {"steps", "facts", "rounds"}, with the epoch
times in seconds of every round, or {"absent": why} or {"failed": why}. `about` says how it ran.
"""

from math import inf
from statistics import median

from parts.cases import CASES
from parts.contenders import BLAS, DENSE, OURS, PASS, PEERS
from parts.machine import moment, place
from parts.output import table
from parts.runs import BOUND, compared, others_of, parts_of, times_of, with_threads

LABELS = {OURS: "chainrule", DENSE: "dense", BLAS: "bare BLAS", PASS: "one pass", BOUND: "bound"}
LABELS |= PEERS


def others_in(key, about):
    return others_of(CASES[key], about["threads"], about["peers"])


def goals_for(key, about):
    """The goals of a case among the columns that it has; they are set for float32 only."""
    goals = CASES[key].goals if about["dtype"] == "float32" else {}
    return {
        name: goal
        for name, goal in goals.get(about["threads"], {}).items()
        if name in others_in(key, about)
    }


def summary(key, entries, about):
    """{column: figures}: times per step, and for all but ours the ratio with its goal.

    For a peer the ratio is its time over ours, for others ours over theirs (small is good).
    """
    goals = goals_for(key, about)
    best = compared(entries, CASES[key], about["threads"], others_in(key, about))
    times = {name: each for name, (_, each) in best.items()}
    figures = {
        name: {"threads": threads, "us": median(each), "us_least": min(each)}
        for name, (threads, each) in best.items()
    }
    for name in times if OURS in times else ():
        if name == OURS:
            continue
        over, under = (name, OURS) if name in PEERS else (OURS, name)
        pairs = zip(times[over], times[under], strict=True)
        ratio = median(a / b for a, b in pairs)
        figures[name] |= {"ratio": ratio, "ratio_of_least": min(times[over]) / min(times[under])}
        if name in goals:
            met = ratio >= goals[name] if name in PEERS else ratio <= goals[name]
            figures[name] |= {"goal": goals[name], "met": met}
    return figures


def two_times(*times):
    """The median, and the least in brackets."""
    middle, least = (f"{us:.4g}" if us < 9999.5 else f"{us:,.0f}" for us in times)
    return f"{middle} ({least})"


def time_cell(name, entries, figure, about):
    if figure:
        cell = two_times(figure["us"], figure["us_least"])
        return cell if about["threads"] == 1 else f"{cell}, {with_threads(figure['threads'])}"
    states = [entry for run, entry in entries.items() if run.name in parts_of(name)]
    return "absent" if any("absent" in state for state in states) else "failed"


def ratio_cell(name, figure):
    if figure is None or "ratio" not in figure:
        return "–"
    unit, sign = ("x", "≥") if name in PEERS else ("", "≤")
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


def row(key, entries, others, about):
    """One line of the table: a case."""
    figures = summary(key, entries, about)
    cells = [CASES[key].label, time_cell(OURS, entries, figures.get(OURS), about)]
    for name in others:
        cells.append(time_cell(name, entries, figures.get(name), about))
        cells.append(ratio_cell(name, figures.get(name)))
    return [*cells, goals_cell(figures, goals_for(key, about))]


def head(others):
    cells = ["case", "ours µs"]
    for name in others:
        label = LABELS[name]
        ratio = f"{label} / ours" if name in PEERS else f"ours / {label}"
        cells += [f"{label} µs", ratio]
    return [*cells, "goals met"]


def table_of_runs(results):
    """All that was timed, compared or not."""
    order = list(LABELS)
    runs = sorted(
        {run for entries in results.values() for run in entries},
        key=lambda run: (order.index(run.name), run.threads or inf),
    )
    names = [f"{LABELS[run.name]}, {with_threads(run.threads)}" for run in runs]
    rows = []
    for key, entries in results.items():
        timed = [times_of(entries, *run) for run in runs]
        cells = [two_times(median(times), min(times)) if times else "–" for times in timed]
        rows.append([CASES[key].label, *cells])
    return ["", table(["µs per step", *names], rows)]


def setting_lines(results, about):
    """What ran where: machine, threads, and the facts each contender states about itself."""
    cores = "one thread, all on the same core" if about["pinned"] else "one thread"
    if about["threads"] > 1:
        cores = f"one thread on one core or {about['threads']} on as many"
    lines = [
        f"- machine: {place(about)}",
        f"- run: {moment(about)}, {about['dtype']}, {cores}, {about['rounds']} rounds",
    ]
    ignored = ", ".join(f"{name}={value}" for name, value in about["not passed on"].items())
    if ignored:
        lines.append(f"- set here, kept from all contenders: {ignored}")
    entries = [(run.name, entry) for runs in results.values() for run, entry in runs.items()]
    for name, label in LABELS.items():
        facts = next((e["facts"] for other, e in entries if other == name and "facts" in e), {})
        told = ", ".join(f"{key} {value}" for key, value in facts.items())
        if told:
            lines.append(f"- {label}: {told}")
    return lines


def missing_lines(results, about):
    """Who did not run, on which cases, and why: an absent peer is told, never just left out."""
    why = {}
    for key, entries in results.items():
        for run, entry in entries.items():
            who = LABELS[run.name]
            if about["threads"] > 1:
                who += f", {with_threads(run.threads)},"
            for state in ("absent", "failed"):
                if state in entry:
                    line = f"- {who} {state}: {entry[state]}"
                    why.setdefault(line, []).append(CASES[key].label)
    return [f"{line} ({', '.join(cases)})" for line, cases in why.items()]


def note(about):
    """How the table is to be read."""
    told = (
        "Microseconds per training step, median of the rounds (the least in brackets). A ratio is "
        "the median of the ratios within each round (the ratio of the least times in brackets)."
    )
    if about["threads"] > 1:
        told += (
            " Ours has the threads of its own choice, others the better number; where the case is "
            "one of a single thread, ours and the bound have one. The bound is the bare BLAS time "
            "and one pass over the parameters and the optimiser's state."
        )
    return told


def markdown(results, about):
    """The whole report: a table of the cases that have the same columns, in the order they ran."""
    by_columns = {}
    for key, entries in results.items():
        others = others_in(key, about)
        line = row(key, entries, others, about)
        by_columns.setdefault(others, []).append(line)
    lines = [*setting_lines(results, about), "", note(about)]
    for others, rows in by_columns.items():
        lines += ["", table(head(others), rows)]
    if about["threads"] > 1:
        lines += table_of_runs(results)
    missing = missing_lines(results, about)
    return "\n".join([*lines, "", *missing] if missing else lines) + "\n"
