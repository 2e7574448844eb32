"""From the results of `tables.py` to ranks, ratios, tables and a picture.

`rows` are those of `table_runs.results`. A model is ranked where it has something of every table;
of each table those splits count that all the ranked have. One that lacks a table is held against
the ranked on the same splits of the tables that it has.
"""

from collections import defaultdict

import numpy as np

from parts.output import table, write_picture
from parts.public_tables import CLASSES, KEPT_APART, PUBLIC, SEEN, is_text, load
from parts.table_models import LABELS, MODELS, PEERS

CHEAP, CLASSIC = "hgb", "realmlp"  # whose times the others are given in
BOTH_CORES = 2  # threads, of a goal by the wall clock
SECOND = {"log_loss": "log loss or mean absolute error", "auc_error": "1 - AUC"}
OF_VALUES = {"error": "error", "log_loss": "mae"}


def by_pair(rows, threads, models):
    """{(table, model): {split: row}}."""
    found = defaultdict(dict)
    for (name, model, split, its), row in rows.items():
        if its == threads and model in models and name in PUBLIC:
            found[name, model][split] = row
    return found


def second(name, measure):
    """What stands on this table for a measure of classes; None if values have none like it."""
    return measure if PUBLIC[name].task == CLASSES else OF_VALUES.get(measure)


def geometric(ratios):
    return float(np.exp(np.mean(np.log(list(ratios)))))


class Part:
    """The results on some tables: who is ranked, and how far each is from the best of them."""

    def __init__(self, rows, names, threads, models=MODELS):
        self.pairs = by_pair(rows, threads, models)
        self.names = [name for name in names if any(one == name for one, _ in self.pairs)]
        has = {model: [(name, model) in self.pairs for name in self.names] for model in models}
        self.ranked = [model for model in models if all(has[model])]
        self.others = [model for model in models if any(has[model]) and not all(has[model])]

    def splits(self, name, *models):
        """Those that all these models have."""
        return sorted(set.intersection(*(set(self.pairs[name, model]) for model in models)))

    def mean(self, name, model, measure="error", among=None):
        """The mean over these splits, or those that it shares with all the ranked.

        An error rate is half a row at least.
        """
        rows = self.pairs[name, model]
        among = among or self.splits(name, model, *self.ranked)
        found = np.mean([rows[split][second(name, measure)] for split in among])
        if measure == "error" and PUBLIC[name].task == CLASSES:
            found = max(found, 0.5 / len(load(name)[1]))
        return float(found)

    def ranks(self, measure="error", models=None):
        """{model: its mean rank among these, or all ranked}; ties share their ranks."""
        from scipy.stats import rankdata

        names = [name for name in self.names if second(name, measure)]
        if not names:
            return {}
        models = models or self.ranked
        means = [[self.mean(name, model, measure) for model in models] for name in names]
        return dict(zip(models, rankdata(means, axis=1).mean(axis=0), strict=True))

    def over_best(self, name, model):
        """The error over that of the best of the ranked, on the same splits."""
        among = self.splits(name, model, *self.ranked)
        best = min(self.mean(name, other, among=among) for other in self.ranked)
        return self.mean(name, model) / best

    def distance(self, model):
        """The geometric mean of it over the tables that the model has."""
        names = [name for name in self.names if (name, model) in self.pairs]
        return geometric(self.over_best(name, model) for name in names)

    def over(self, model, other, names=None, measure="error"):
        """The error of one over that of another, on each table that both have."""
        for name in self.names if names is None else names:
            if (name, model) in self.pairs and (name, other) in self.pairs:
                both = self.splits(name, model, other)
                its, theirs = (self.mean(name, one, measure, both) for one in (model, other))
                yield its / theirs


class Times:
    """Processor seconds of fit and predict, each the mean over the splits that a model has."""

    def __init__(self, rows, threads, models=MODELS):
        self.pairs = by_pair(rows, threads, models)

    def seconds(self, model, what, names):
        return {name: float(np.mean([row[what] for row in self.pairs[name, model].values()]))
                for name in names if (name, model) in self.pairs}  # fmt: skip

    def median(self, model, what, names):
        found = list(self.seconds(model, what, names).values())
        return float(np.median(found)) if found else None

    def ratio(self, model, other, what, names):
        """The median over tables of its time over that of another."""
        its, theirs = (self.seconds(each, what, names) for each in (model, other))
        both = [its[name] / theirs[name] for name in its if name in theirs]
        return float(np.median(both)) if both else None


def cell(value, form):
    return "–" if value is None else f"{value:{form}}"


def summary(part, times):
    """The table of a part: a line for each model, the best rank first."""
    ranks = {measure: part.ranks(measure) for measure in ("error", *SECOND)}
    order = sorted(part.ranked, key=ranks["error"].get) + part.others
    lines = []
    for model in order:
        its = [name for name in part.names if (name, model) in part.pairs]
        label = LABELS[model]
        if model in part.others:
            label += f" ({len(its)} of {len(part.names)} tables)"
        lines.append([
            label, *(cell(ranks[measure].get(model), ".2f") for measure in ranks),
            f"{part.distance(model):.3f}",
            cell(times.median(model, "fit_cpu", part.names), ".2g"),
            cell(times.ratio(model, CHEAP, "fit_cpu", part.names), ".2g"),
            cell(times.ratio(model, CLASSIC, "fit_cpu", part.names), ".2g"),
            cell(times.ratio(model, CHEAP, "predict_cpu", part.names), ".2g"),
        ])  # fmt: skip
    head = ["model", "mean rank", *(f"rank by {told}" for told in SECOND.values()), "error / best",
            "fit, s", f"fit / {LABELS[CHEAP]}", f"fit / {LABELS[CLASSIC]}",
            f"predict / {LABELS[CHEAP]}"]  # fmt: skip
    return table(head, lines)


def each_table(part):
    """The error of each model on each table, the best of the ranked in bold."""
    models = part.ranked + part.others
    lines = []
    for name in part.names:
        means = {model: part.mean(name, model) for model in models if (name, model) in part.pairs}
        least = min(means[model] for model in part.ranked)
        cells = [f"**{means[model]:.4f}**" if means.get(model) == least
                 else cell(means.get(model), ".4f") for model in models]  # fmt: skip
        lines.append([name, str(len(part.splits(name, *part.ranked))), *cells])
    return table(["table", "splits", *(LABELS[model] for model in models)], lines)


def described(names):
    """What the tables are, as far as their packages are installed."""
    lines = []
    for name in names:
        one = PUBLIC[name]
        X, y = load(name)
        kind = f"{len(set(y))} classes" if one.task == CLASSES else "values"
        lines.append([
            name + (" (kept apart)" if name in KEPT_APART else ""), one.question, kind,
            f"{len(y):,} x {X.shape[1]}", str(sum(map(is_text, X.dtypes))),
            str(int(X.isna().any().sum())), f"`{one.item}`",
        ])  # fmt: skip
    head = ["table", "the question", "target", "rows x columns", "of text", "with holes", "from"]
    return table(head, lines)


def goals(seen, apart, times, on_both_cores):
    """Yield (goal, what was reached, whether it is met) for each goal that can be judged.

    `times` are of one thread, `on_both_cores` of two.
    """
    for what, part in (("seen", seen), ("kept apart", apart)):
        peers = [model for model in part.ranked if model in PEERS]
        for model, but in (("ours-default", ["catboost", "tabm"]), ("ours-best", ["tabm"])):
            others = [peer for peer in peers if peer not in but]
            if model in part.ranked and others:
                own, *ranks = part.ranks(models=[model, *others]).values()
                goal = f"{what}: mean rank of {LABELS[model]}, and of the best of the others"
                yield goal, f"{own:.2f}, {min(ranks):.2f}", own < min(ranks)
    errors = [*seen.over("ours-realmlp", "realmlp"), *apart.over("ours-realmlp", "realmlp")]
    if errors:
        ratio = geometric(errors)
        yield "error, chainrule, realmlp / RealMLP-TD-S ≤ 1.01", f"{ratio:.3f}", ratio <= 1.01
    names = seen.names + apart.names
    for model, other, most in (
        ("ours-default", "realmlp", 1 / 4), ("ours-default", "hgb", 3),
        ("ours-best", "catboost", 1), ("ours-realmlp", "realmlp", 1 / 1.7),
    ):  # fmt: skip
        ratio = times.ratio(model, other, "fit_cpu", names)
        if ratio is not None:
            goal = f"fit, {LABELS[model]} / {LABELS[other]} ≤ {most:.2g}"
            yield goal, f"{ratio:.2f}", ratio <= most
    ratio = on_both_cores.ratio("ours-realmlp", CLASSIC, "fit_wall", names)
    if ratio is not None:
        its, theirs = (on_both_cores.seconds(model, "fit_wall", names)
                       for model in ("ours-realmlp", CLASSIC))  # fmt: skip
        goal = f"fit by the wall clock with two threads each, {LABELS['ours-realmlp']} / "
        goal += f"{LABELS[CLASSIC]} on {len(its.keys() & theirs)} tables ≤ {1 / 1.7:.2g}"
        yield goal, f"{ratio:.2f}", ratio <= 1 / 1.7


def far_behind(part, model="ours-default", most=1.15):
    """The tables on which a model's error is more than so many times that of the best peer."""
    for name in part.names:
        peers = [other for other in part.ranked if other in PEERS]
        if (name, model) in part.pairs and peers:
            ratio = part.mean(name, model) / min(part.mean(name, other) for other in peers)
            if ratio > most:
                yield f"{name} {ratio:.2f}"


def beside(where, height, other):
    """Whether a label on the right of a point would run into another: (seconds, %)."""
    return where < other[0] < 3 * where and abs(other[1] - height) < 2.5


def draw(parts, times, path):
    """The distance of each model from the best against its time, a panel for each part."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import NullFormatter, StrMethodFormatter

    from chainrule.results.pictures import BLUE, GREY, ORANGE

    figure = Figure(figsize=(5.2 * len(parts), 4.2), dpi=150, layout="constrained")
    panels = figure.subplots(1, len(parts), squeeze=False, sharey=True)[0]
    for ax, (title, part) in zip(panels, parts.items(), strict=True):
        medians = {model: times.median(model, "fit_cpu", part.names)
                   for model in part.ranked + part.others}  # fmt: skip
        timed = sorted((where, model) for model, where in medians.items() if where is not None)
        points = [(where, 100 * (part.distance(model) - 1)) for where, model in timed]
        for (where, height), (_, model) in zip(points, timed, strict=True):
            color = BLUE if model in PEERS else ORANGE
            full = model in part.ranked
            ax.plot(where, height, "o", color=color, fillstyle="full" if full else "none")
            side = -1 if any(beside(where, height, other) for other in points) else 1
            ax.annotate(LABELS[model], (where, height), xytext=(6 * side, -1), rotation=20,
                        ha="left" if side == 1 else "right", textcoords="offset points",
                        fontsize=7, rotation_mode="anchor")  # fmt: skip
        ax.set(xscale="log", xlabel="processor time of fit, median over tables (s)")
        ax.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        ax.xaxis.set_minor_formatter(NullFormatter())
        ax.set_title(f"{len(part.names)} tables {title}", fontsize=9)
        ax.margins(x=0.18, y=0.12)
        ax.spines[["top", "right"]].set_visible(False)
        ax.grid(color=GREY, linewidth=0.6)
    panels[0].set_ylabel("error above the best of each table (%)")
    write_picture(path, figure)


def parts_of(rows, threads):
    """The tables that recipes may have seen, and those kept apart; none that has no results."""
    parts = {"seen": Part(rows, SEEN, threads), "kept apart": Part(rows, KEPT_APART, threads)}
    return {title: part for title, part in parts.items() if part.names and part.ranked}


def report(rows, timed, threads, judged=True):
    """The whole report in Markdown."""
    times = Times(timed, threads)
    parts = parts_of(rows, threads)
    told = []
    for title, part in parts.items():
        told += [f"### {len(part.names)} tables {title}", "", summary(part, times), ""]
        told += [each_table(part), ""]
        behind = ", ".join(far_behind(part))
        if judged and behind:
            told += [f"chainrule, default is more than 15 % behind the best peer on: {behind}", ""]
    if judged and len(parts) == 2:
        lines = [[goal, reached, "met" if met else "**missed**"]
                 for goal, reached, met in goals(
                     *parts.values(), times, Times(timed, BOTH_CORES))]  # fmt: skip
        told += [table(["goal", "reached", ""], lines), ""] if lines else []
    told += [described([name for part in parts.values() for name in part.names]), ""]
    versions = {LABELS[model]: row["version"] for (_, model, *_), row in rows.items()}
    told.append("Versions: " + ", ".join(f"{label} {its}" for label, its in versions.items()))
    return "\n".join(told), parts, times
