"""One finding of the doctor: what was seen, how bad it is, and what to try next."""

from dataclasses import dataclass
from typing import Any

SEVERITIES = ("serious", "warning", "note")  # most serious first

# Below so many samples it says little that a column is constant, a class missing or a unit off.
FEWEST_SAMPLES = 4
# A network's skill is 0 for always giving the one best answer and 1 for being right throughout.
GOOD = 0.8  # it has learned its task: what was seen did not keep it from that
GUESSING = 0.1  # hardly better than that one answer


@dataclass(frozen=True)
class Finding:
    """What `diagnose` found, in words and in figures.

    Attributes
    ----------
    kind : str
        Its name, such as "dead_units".
    severity : str
        "serious" (this keeps a network from learning), "warning" or "note".
    text : str
        What was seen, with its figures.
    advice : str
        What to try next.
    figures : dict
        The figures of the text.
    """

    kind: str
    severity: str
    text: str
    advice: str
    figures: dict[str, Any]

    def __str__(self):
        return f"{self.text} Try: {self.advice}"


@dataclass(frozen=True)
class Score:
    """How well a network does: its accuracy, or for other targets the explained variance R².

    Attributes
    ----------
    value : float
        Share of right answers, or 1 - Σ(y-a)²/Σ(y-ȳ)²; NaN if neither has a meaning.
    guess : float
        The same for always giving the one best answer: the commonest class, or ȳ.
    of_classes : bool
        Whether it is an accuracy.
    samples : int
        How many there were.
    """

    value: float
    guess: float
    of_classes: bool
    samples: int

    @property
    def skill(self) -> float:
        """(value - guess) / (1 - guess); NaN where guessing is always right."""
        return (self.value - self.guess) / (1 - self.guess) if self.guess < 1 else float("nan")

    @property
    def good(self) -> bool:
        """Whether the network has learned its task."""
        return self.skill > GOOD

    @property
    def guessing(self) -> bool:
        """Whether it does hardly better than the one best answer."""
        return self.skill < GUESSING


def harm(score: Score, otherwise: str = "serious") -> str:
    """Return a severity: a note where the network has learned all the same."""
    return "note" if score.good else otherwise


def percent(share: float) -> str:
    """Write a share (0 to 1) in percent; one that is neither 0 nor 1 does not look so."""
    text = f"{100 * share:.0f}%"
    if (text == "0%" and share > 0) or (text == "100%" and share < 1):
        return f"{100 * share:.3g}%" if share < 0.5 else f"{100 * share:.4g}%"
    return text


def listed(parts: list[str]) -> str:
    """Join as in a sentence: a, b and c."""
    return " and ".join([*([", ".join(parts[:-1])] if parts[1:] else []), parts[-1]])
