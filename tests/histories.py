"""Histories with known figures, without a training."""

from chainrule.results.history import History


def finish_epoch(history, cost, seconds):
    """Do what the core does at the end of an epoch."""
    finished, *columns = history.core_columns[:4]
    for column, figure in zip(columns, (cost, cost / 8, seconds), strict=True):
        column.append(figure)
    finished[0] += 1


def grow(epochs, *, first=0, validation=True, accuracy=True):
    """A history of so many epochs, from number `first` on."""
    measures = ["validation_cost"] * validation + ["validation_accuracy"] * accuracy
    history = History(first, measures)
    for epoch in range(first, first + epochs):
        finish_epoch(history, 1.0 / (epoch + 1), 0.25)
        scores = (2.0 / (epoch + 1), 1 - 0.5 / (epoch + 1))[not validation :]
        history.measure(**dict(zip(measures, scores, strict=False)))
    return history
