"""What the doctor sees in the course of training, and in how well the network does after it."""

import math

import numpy as np

from chainrule.doctor.findings import Finding, harm, percent

# Up again by a quarter of what was gained, and by a tenth of where it began, is more than noise.
RISE, RISE_OF_FIRST = 1 / 4, 1 / 10
# Fewer epochs than five say little. Less than 1 % in so many: hundreds to halve the cost.
FEWEST_EPOCHS, FLAT = 5, 1 / 100
# Costs that go up in a quarter of the epochs, by a tenth each time, do so by steps that are too
# long; below a twentieth of the first cost it does not matter.
FEWEST_UPS, UPS, UP, LEVEL = 3, 1 / 4, 1 / 10, 1 / 20
# Costs of a thousand times what answers of σ(0) cost come of steps that were far too long, not of
# any beginning.
BLOWN_UP = 1000
# A steady fall by which it takes so many epochs to halve the cost, by steps that are too short.
FEWEST_TO_HALVE = 20
# A gap between training and validation of less is common, and hardly worth a cure.
GAP = 1 / 10
# The validation cost has turned when it is a fifth above its lowest.
TURN = 1 / 5


def look_at_course(history, score, rate, explained, plain_cost):
    """Find what is wrong with a `History`; a flat cost only if no finding has `explained` it.

    plain_cost: that of always answering σ(0), or None where the data explain a larger one.
    """
    costs, epochs = history.cost, history.epoch
    finite = np.isfinite(costs)
    if history.diverged or not finite.all():
        done = len(costs) if finite.all() else int(finite.argmin())
        epoch = history.first_epoch + done
        text = f"The cost stopped being finite in epoch {epoch}: training has diverged."
        return [_rate_finding("cost_not_finite", "serious", text, rate, 1 / 10, {"epoch": epoch})]
    return (
        _blown_up(costs, epochs, score, rate, plain_cost)
        or _rising(costs, epochs, rate)
        or ([] if score.good else _oscillating(costs, rate))
        or ([] if explained else _flat(costs, score, rate) or _slow(costs, score, rate))
    )


def _rate_finding(kind, severity, text, rate, factor, figures):
    """Advise another learning rate: `factor` times as large."""
    times = "a tenth of" if factor < 1 else "ten times"
    numbers = "" if rate is None else f", {rate * factor:.3g} instead of {rate:.3g}"
    figures = figures | ({} if rate is None else {"learning_rate": rate})
    return Finding(kind, severity, text, f"{times} the learning rate{numbers}.", figures)


def _blown_up(costs, epochs, score, rate, plain_cost):
    highest = int(costs.argmax())
    most = float(costs[highest])
    if plain_cost is None or most <= BLOWN_UP * plain_cost:
        return []
    text = (
        f"The cost blew up: {most:.3g} in epoch {epochs[highest]}, where answers that do not look "
        f"at the inputs cost {plain_cost:.3g}. The steps are far too long."
    )
    figures = {"highest": most, "epoch": int(epochs[highest]), "plain": plain_cost}
    return [_rate_finding("cost_blown_up", harm(score), text, rate, 1 / 10, figures)]


def _rising(costs, epochs, rate):
    if len(costs) < 3:
        return []
    lowest = int(costs.argmin())
    first, low, last = float(costs[0]), float(costs[lowest]), float(costs[-1])
    rise = float(costs[-2:].min()) - low  # two epochs, for one alone may be chance
    if rise <= RISE * (first - low) or rise <= RISE_OF_FIRST * abs(first):
        return []
    text = (
        f"The cost rises: from {low:.3g} in epoch {epochs[lowest]} to {last:.3g} in epoch "
        f"{epochs[-1]}. The steps are too long, and lead up the other side of the valley."
    )
    figures = {"first": first, "lowest": low, "last": last, "epoch": int(epochs[lowest])}
    return [_rate_finding("cost_rising", "serious", text, rate, 1 / 10, figures)]


def _oscillating(costs, rate):
    late = costs[len(costs) // 2 :]
    ups = np.diff(late)
    ups = ups[ups > 0]
    level = float(late.mean())
    few = ups.size < max(FEWEST_UPS, UPS * (len(late) - 1))
    if few or level <= LEVEL * costs[0] or ups.mean() <= UP * level:
        return []
    jump = float(ups.mean())
    text = (
        f"The cost goes up and down: in {ups.size} of the last {len(late) - 1} epochs it rose, by "
        f"{jump:.2g} on average, {percent(jump / level)} of its mean {level:.3g}."
    )
    figures = {"rises": int(ups.size), "of": len(late) - 1, "rise": jump, "level": level}
    return [_rate_finding("cost_oscillating", "warning", text, rate, 1 / 10, figures)]


def _flat(costs, score, rate):
    if len(costs) < FEWEST_EPOCHS or score.good:
        return []
    first, last = float(costs[0]), float(costs[-1])
    if first - last >= FLAT * abs(first):
        return []
    text = (
        f"The cost hardly falls: from {first:.4g} to {last:.4g} in {len(costs)} epochs. Either the "
        "steps are too short, or the network has nothing more to learn from these data."
    )
    severity = "serious" if score.guessing else "warning"
    figures = {"first": first, "last": last, "epochs": len(costs)}
    return [_rate_finding("cost_flat", severity, text, rate, 10, figures)]


def _slow(costs, score, rate):
    """Find a cost that falls as slowly at the end as at the beginning, and tells nothing yet."""
    if len(costs) < 3 or not score.guessing:
        return []
    first, middle, last = (float(costs[k]) for k in (0, len(costs) // 2, -1))
    is_steady = first - middle > 0 and middle - last > (first - middle) / 2
    if not is_steady or last <= 0:
        return []
    to_halve = (len(costs) - 1) * math.log(2) / math.log(first / last)
    if to_halve < FEWEST_TO_HALVE:
        return []
    text = (
        f"The cost falls steadily, but slowly: from {first:.4g} to {last:.4g} in {len(costs)} "
        f"epochs. At this pace it takes {to_halve:.0f} to halve it: the steps are too short."
    )
    figures = {"first": first, "last": last, "epochs": len(costs), "to_halve": to_halve}
    return [_rate_finding("cost_slow", "serious", text, rate, 10, figures)]


def look_at_scores(score, validation, net, explained):
    """Compare scores on training and validation data, and with guessing."""
    if validation is not None:
        found = _gap(score, validation)
        if found:
            return found
    if explained or net.epochs_trained < FEWEST_EPOCHS or not score.guessing:
        return []
    best = percent if score.of_classes else "{:.2g}".format
    what = "accuracy" if score.of_classes else "R²"
    text = (
        f"The network has learned next to nothing in {net.epochs_trained} epochs: its {what} on "
        f"the training samples is {best(score.value)}, and one answer for all would reach "
        f"{best(score.guess)}."
    )
    advice = (
        "more epochs, more hidden units, another learning rate; and whether the inputs tell "
        "anything about the targets at all."
    )
    figures = {"score": score.value, "guess": score.guess, "epochs": net.epochs_trained}
    return [Finding("underfitting", "serious", text, advice, figures)]


OVERFITTING_ADVICE = (
    "more training samples, l2 (such as 1e-4 ... 1e-2), fewer hidden units, or an earlier end."
)


def _gap(score, validation):
    gap = score.value - validation.value
    margin = 0.0
    if score.of_classes:  # two standard errors of an accuracy (Agresti and Coull, 1998)
        n = validation.samples + 4
        p = (validation.value * validation.samples + 2) / n
        margin = 2 * np.sqrt(p * (1 - p) / n)
    if not gap - margin > GAP:
        return []
    if score.of_classes:
        text = f"it answers {percent(score.value)} of the training samples right, but only "
        text += f"{percent(validation.value)} of the validation samples."
    else:
        text = f"R² is {score.value:.2g} on the training samples, but only {validation.value:.2g} "
        text += "on the validation samples."
    figures = {"training": score.value, "validation": validation.value, "gap": gap}
    text = f"The network has learned its samples by heart: {text}"
    severity = "warning" if validation.good else "serious"
    return [Finding("overfitting", severity, text, OVERFITTING_ADVICE, figures)]


def look_for_turn(history):
    """Find a validation cost that went up again while the training cost fell."""
    seen = np.isfinite(history.validation_cost)
    validation, costs = history.validation_cost[seen], history.cost[: seen.size][seen]
    epochs = history.epoch[: seen.size][seen]
    if len(validation) < FEWEST_EPOCHS:
        return []
    lowest = int(validation.argmin())
    low, last = float(validation[lowest]), float(validation[-1])
    rise = float(validation[-2:].min()) - low
    if rise <= TURN * low or rise <= TURN * (validation[0] - low) or costs[-1] >= costs[lowest]:
        return []
    text = (
        f"The validation cost was lowest in epoch {epochs[lowest]}, {low:.3g}, and has risen to "
        f"{last:.3g} since, while the training cost fell on: what is learned now holds for the "
        "training samples alone."
    )
    figures = {"epoch": int(epochs[lowest]), "lowest": low, "last": last}
    return [Finding("overfitting", "warning", text, OVERFITTING_ADVICE, figures)]
