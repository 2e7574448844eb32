"""What the doctor sees in the data: inputs and targets that make learning hard or impossible."""

import numpy as np

from chainrule.doctor.findings import FEWEST_SAMPLES, Finding, harm, percent
from chainrule.training.causes import LARGE, LARGE_TARGET, column

# A column with |mean| beyond 3 standard deviations, and not within -1 ... 1 anyway, acts as a bias:
# what it tells is a small part of what it adds to z.
OFF_CENTER = 3.0
# A column that spans a hundredth of what the widest does is learned 100² times as slowly. Pictures
# always have a few such pixels at the edge, so it takes one column in 20.
NARROW, NARROW_SHARE = 1 / 100, 1 / 20
# A class with a tenth of the samples of another hardly counts in the mean cost.
IMBALANCE = 10.0


def look_at_inputs(X, score, names):
    """Find what is wrong with inputs X (m, n_1); names: of the columns, or None."""
    if len(X) < FEWEST_SAMPLES:
        return []
    X = X.astype(np.float64)
    spans = X.max(axis=0) - X.min(axis=0)
    return [*_unscaled_inputs(X, spans, score, names), *_constant_inputs(X, spans, names)]


def _unscaled_inputs(X, spans, score, names):
    means, deviations = X.mean(axis=0), X.std(axis=0)
    sizes = np.hypot(means, deviations)  # root mean squares
    off_center = (np.abs(means) > 1) & (np.abs(means) > OFF_CENTER * deviations) & (spans > 0)
    wrong = (sizes > LARGE) | off_center
    differ, figures = _different_scales(spans, names)
    advice = (
        "Network(..., input_scale='standard'), which scales all that the network reads by what it "
        "trains on; then train afresh."
    )
    if not wrong.any():
        text = f"The columns of X have different scales: {differ}."
        finding = Finding("different_scales", harm(score, "warning"), text, advice, figures)
        return [finding] if differ else []
    worst = int(np.where(wrong, sizes, -1).argmax())
    least, largest = float(X[:, worst].min()), float(X[:, worst].max())
    mean, deviation = float(means[worst]), float(deviations[worst])
    n_wrong, n_columns = int(wrong.sum()), X.shape[1]
    text = (
        f"The inputs are not scaled: {n_wrong} of {n_columns} columns "
        f"{'is' if n_wrong == 1 else 'are'} far from mean 0 and standard deviation 1. The worst, "
        f"{column('X', worst, names)}, goes from {least:.4g} to {largest:.4g}, with mean "
        f"{mean:.4g} and standard deviation {deviation:.4g}."
        + (f" And {differ}." if differ else "")
    )
    figures |= {"columns": n_wrong, "of": n_columns, "worst": worst, "least": least}
    figures |= {"largest": largest, "mean": mean, "deviation": deviation}
    return [Finding("unscaled_inputs", harm(score), text, advice, figures)]


def _different_scales(spans, names):
    """Return a sentence and its figures if many columns are narrow beside the widest."""
    varying = np.flatnonzero(spans > 0)
    if not varying.size or (spans[varying] < NARROW * spans.max()).mean() < NARROW_SHARE:
        return "", {}
    wide, thin = int(spans.argmax()), int(varying[spans[varying].argmin()])
    factor = float(spans[wide] / spans[thin])
    sentence = (
        f"{column('X', wide, names)} spans {spans[wide]:.3g} and {column('X', thin, names)} only "
        f"{spans[thin]:.3g}, a factor of {factor:.3g}"
    )
    return sentence, {"factor": factor, "widest": wide, "narrowest": thin}


def _constant_inputs(X, spans, names):
    constant = np.flatnonzero(spans == 0)
    if not constant.size:
        return []
    first = int(constant[0])
    each = "column is" if constant.size == 1 else "columns are"
    return [
        Finding(
            "constant_inputs",
            "note" if constant.size < X.shape[1] else "serious",
            f"{constant.size} of {X.shape[1]} input {each} the same in all {len(X)} samples looked "
            f"at; the first is {column('X', first, names)}, always {X[0, first]:.4g}.",
            "leave them out, X[:, np.ptp(X, axis=0) > 0]: they tell the network nothing.",
            {"columns": tuple(map(int, constant)), "of": X.shape[1]},
        )
    ]


def class_counts(targets, n_out):
    """Return how often each class occurs, (n_out,), or (2,) for one output; None if not classes."""
    if not targets.are_classes:
        return None
    if targets.labels is not None:
        return np.bincount(targets.labels, minlength=n_out)
    ones = (targets.Y == 1).sum(axis=0)
    return np.array([len(targets.Y) - ones[0], ones[0]]) if n_out == 1 else ones


def look_at_targets(targets, counts, output, score):
    """Find what is wrong with all targets, for an output layer with the `Activation` output."""
    Y = targets.Y
    m = len(targets.labels if Y is None else Y)
    found = []
    if m >= FEWEST_SAMPLES:
        if counts is not None:
            found += _classes(counts, m, targets.called(np.arange(counts.size)).tolist())
        elif np.equal(Y, Y[0]).all():  # their differences may overflow
            found += [_same_targets(f"All {m} targets are the same.", {"samples": m})]
    if Y is not None:
        found += _out_of_range(Y, output)
        if counts is None and output.name == "identity":
            found += _unscaled_targets(Y, score)
    return found


def _same_targets(text, figures):
    advice = "look at how y was made; there is nothing to learn from it."
    return Finding("same_targets", "serious", text, advice, figures)


def _classes(counts, m, names):
    present = np.flatnonzero(counts)
    most, least = (int(present[pick(counts[present])]) for pick in (np.argmax, np.argmin))
    if present.size == 1:
        text = (
            f"All {m} samples are of one class, {names[most]!r}: always the same answer is right."
        )
        return [_same_targets(text, {"samples": m, "class": most})]
    found = []
    absent = np.flatnonzero(counts == 0)
    if absent.size:
        some = ", ".join(repr(names[k]) for k in absent[:5]) + (", ..." if absent.size > 5 else "")
        text = (
            f"Of {counts.size} classes {absent.size} never occur in the {m} targets: {some}. The "
            "network can only learn never to answer so."
        )
        advice = "add samples of these classes, or give the network as many outputs as there are."
        figures = {"classes": tuple(map(int, absent)), "of": int(counts.size)}
        found.append(Finding("missing_classes", "warning", text, advice, figures))
    ratio = float(counts[most] / counts[least])
    if ratio >= IMBALANCE:
        text = (
            f"The classes are unbalanced: class {names[most]!r} has {counts[most]} of {m} samples "
            f"({percent(counts[most] / m)}), class {names[least]!r} only {counts[least]}, "
            f"{ratio:.3g} times fewer."
        )
        advice = (
            "fit(..., class_weight='balanced'), by which each class counts alike; and judge by the "
            "accuracy of each class, not by the whole one."
        )
        figures = {"most": most, "least": least, "counts": tuple(map(int, counts)), "ratio": ratio}
        found.append(Finding("class_imbalance", "warning", text, advice, figures))
    return found


def _out_of_range(Y, output):
    low, high = output.reach
    outside = (low > Y) | (high < Y)
    if not outside.any():
        return []
    least, largest = float(Y.min()), float(Y.max())
    span = f"from {low:g} to {high:g}" if np.isfinite(high) else f"{low:g} or more"
    text = (
        f"{percent(outside.mean())} of the targets ({outside.sum()} of {outside.size}) are beyond "
        f"what the {output.name} output can give, {span}: they go from {least:.4g} to "
        f"{largest:.4g}."
    )
    advice = f"Network(..., task='regression'), or targets brought to {span}."
    figures = {
        "outside": int(outside.sum()),
        "share": float(outside.mean()),
        "least": least,
        "largest": largest,
        "low": low,
        "high": high,
    }
    return [Finding("targets_out_of_range", "serious", text, advice, figures)]


def _unscaled_targets(Y, score):
    Y = Y.astype(np.float64)
    means, deviations = Y.mean(axis=0), Y.std(axis=0)
    worst = int(np.hypot(means, deviations).argmax())
    mean, deviation = float(means[worst]), float(deviations[worst])
    if np.hypot(mean, deviation) <= LARGE_TARGET:
        return []
    text = (
        f"The targets are not scaled: y[:, {worst}] has mean {mean:.4g} and standard deviation "
        f"{deviation:.4g}, so that the first errors, and steps, are as large."
    )
    advice = (
        "Network(..., output_scale='standard'), which learns (y - mean) / spread and answers in "
        "the units of y."
    )
    figures = {"worst": worst, "mean": mean, "deviation": deviation}
    return [Finding("unscaled_targets", harm(score, "warning"), text, advice, figures)]
