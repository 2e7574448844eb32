"""How good answers are, added up piece by piece: of any number of rows it keeps a few numbers."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.tables.categories import Category
from chainrule.tables.columns import NUMBERS, TEXT, TRUTH, Values

MOST_CLASSES = 12  # of a table that is shown whole
CONFUSED = 10  # of the pairs that are shown else
MOST_COUNTED = 1000  # classes whose pairs are counted
WIDEST = 16  # letters of a class in the table


class ClassScore:
    """Accuracy, log loss and confusions.

    Parameters
    ----------
    classes : ndarray (k,)
        Sorted.

    Attributes
    ----------
    holds : str
        What a column of them must hold.
    rows : int
        With a target.
    right : int
        Of these with the right answer.
    counts : ndarray (k,) of int
        Rows of each class.
    confusion : ndarray (k, k) of int, or None
        Of each true class (row) how often each was the answer; None of very many classes.
    unknown : int
        Rows of a class that was not learned; each counts as wrong.
    """

    def __init__(self, classes: NDArray[Any]):
        listed = [str(each) for each in classes.tolist()]
        if classes.dtype.kind in "biuf":
            self.holds = TRUTH if classes.dtype.kind == "b" else NUMBERS
            self._known = Category([each + 0 for each in classes.tolist()], False)
        else:
            self.holds = TEXT
            self._known = Category(classes.tolist(), False)
        self.called = listed
        self.rows = self.right = self.unknown = 0
        k = len(classes)
        self.counts = np.zeros(k, np.int64)
        self.confusion = np.zeros((k, k), np.int64) if k <= MOST_COUNTED else None
        self._loss = 0.0
        self._losses = 0

    def add(self, truth: NDArray[Any], answers: NDArray[Any], p: NDArray[Any] | None) -> None:
        """Count some rows.

        Parameters
        ----------
        truth, answers : ndarray (m,)
            Classes; none is missing.
        p : ndarray (m, k), or None
            Their probabilities.
        """
        true, said = self._places(truth), self._places(answers)
        known = true >= 0
        self.rows += len(true)
        self.unknown += int((~known).sum())
        self.right += int((true == said).sum())
        self.counts += np.bincount(true[known], minlength=len(self.counts))
        if self.confusion is not None:
            np.add.at(self.confusion, (true[known], said[known]), 1)
        if p is not None:
            eps = np.finfo(
                p.dtype
            ).eps  # an answer that is sure, and wrong, costs no more than that
            right = p[known, true[known]].clip(eps, 1 - eps).astype(np.float64)
            self._loss -= float(np.log(right).sum())
            self._losses += len(right)

    def _places(self, labels: NDArray[Any]) -> NDArray[Any]:
        array = labels.astype(object if self.holds == TEXT else np.float64)
        return self._known.places(Values(TEXT if self.holds == TEXT else NUMBERS, array))

    @property
    def accuracy(self) -> float:
        """The share of right answers."""
        return self.right / self.rows

    @property
    def log_loss(self) -> float:
        """The mean of -ln p of the true class; NaN where there are no probabilities."""
        return self._loss / self._losses if self._losses else float("nan")

    def guess(self) -> tuple[str, float]:
        """Return the most frequent class, and how often it is right."""
        most = int(self.counts.argmax())
        return self.called[most], float(self.counts[most]) / self.rows

    def lines(self) -> list[str]:
        """Return what is to be told."""
        name, share = self.guess()
        told = [
            f"accuracy  {self.accuracy:.2%}  ({self.right:,} of {self.rows:,} rows are right)",
            f"guessing  {share:.2%}  (to say {name!r} each time)",
        ]
        if self._losses:
            told.append(f"log loss  {self.log_loss:.4f}")
        if self.unknown:
            told.append(f"rows of a class that was not learned, so wrong: {self.unknown:,}")
        return told if self.confusion is None else [*told, "", *self._confusions(self.confusion)]

    def _confusions(self, confusion: NDArray[np.int64]) -> list[str]:
        if len(self.called) > MOST_CLASSES:
            wrong = confusion.copy()
            np.fill_diagonal(wrong, 0)
            most = np.argsort(-wrong, axis=None, kind="stable")[:CONFUSED]
            pairs = [np.unravel_index(k, wrong.shape) for k in most if wrong.flat[k]]
            return ["most often taken for another:"] + [
                f"  {self.called[i]} for {self.called[j]}: {wrong[i, j]:,} times" for i, j in pairs
            ]
        names = [name if len(name) <= WIDEST else f"{name[: WIDEST - 1]}…" for name in self.called]
        return aligned([["true \\ answer", *names]] + [
            [name, *(f"{count:,}" for count in row)]
            for name, row in zip(names, confusion.tolist(), strict=True)
        ])  # fmt: skip


class ValueScore:
    """RMSE, MAE and R²."""

    holds = NUMBERS
    unknown = 0

    def __init__(self) -> None:
        self.rows = 0
        self._squares = self._sizes = 0.0
        self._mean = self._spread = 0.0  # of the targets, and Σ (y - mean)²

    def add(self, truth: NDArray[Any], answers: NDArray[Any], p: None = None) -> None:
        """Count some rows, true values and answers (m,); none is missing."""
        y, said = truth.astype(np.float64), answers.astype(np.float64)
        if not len(y):
            return
        wrong = y - said
        self._squares += float(wrong @ wrong)
        self._sizes += float(np.abs(wrong).sum())
        # Two sets as one (Chan, Golub and LeVeque, 1979).
        m, n = self.rows, len(y)
        mean, apart = float(y.mean()), y - y.mean()
        between = mean - self._mean
        self.rows = m + n
        self._spread += float(apart @ apart) + between**2 * m * n / self.rows
        self._mean += between * n / self.rows

    @property
    def rmse(self) -> float:
        """√(Σ (y - a)² / m), in units of the target."""
        return float(np.sqrt(self._squares / self.rows))

    @property
    def mae(self) -> float:
        """Σ |y - a| / m, in units of the target."""
        return self._sizes / self.rows

    @property
    def r2(self) -> float:
        """1 - Σ (y - a)² / Σ (y - ȳ)²; NaN where all y are the same."""
        return 1 - self._squares / self._spread if self._spread else float("nan")

    def lines(self) -> list[str]:
        """Return what is to be told."""
        guessed = float(np.sqrt(self._spread / self.rows))
        return [
            f"RMSE      {self.rmse:.6g}  (root of the mean squared error, of {self.rows:,} rows)",
            f"guessing  {guessed:.6g}  (to say the mean, {self._mean:.6g}, each time)",
            f"MAE       {self.mae:.6g}  (mean of the errors' size)",
            f"R²        {self.r2:.4f}  (1 is perfect, 0 as good as guessing)",
        ]


def score_of(classes: NDArray[Any] | None) -> ClassScore | ValueScore:
    """Return the score of a model that answers with these classes, or with values."""
    return ValueScore() if classes is None else ClassScore(classes)


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return lines of columns, the first one to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    first, others = widths[0], widths[1:]
    return [
        "  ".join([row[0].ljust(first), *map(str.rjust, row[1:], others)]).rstrip() for row in rows
    ]
