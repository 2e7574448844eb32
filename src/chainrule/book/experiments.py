"""The experiments of Nielsen's book with fully connected networks, as data.

An entry says what is trained and on what, what is measured (`chainrule.book._measures`), and the
book's own figures. ``python -m chainrule.book`` runs them.
"""

from collections.abc import Callable
from dataclasses import dataclass

from chainrule.book import _measures as measures


@dataclass(frozen=True)
class Setting:
    """A network and how it is trained, in the book's words.

    Parameters
    ----------
    hidden : tuple of int
        Neurons in each hidden layer, between 784 inputs and 10 outputs.
    cost, init, output : str
        As for `chainrule.Network`; the book's "default" weights are ``scaled``.
    epochs : int
    eta : float
        The learning rate η; mini-batches are of 10.
    lmbda : float
        λ: the cost gains (λ/2n) Σw², n being the number of training digits.
    images : int
        Training takes the first so many of the 50,000.
    on : str
        The set of the figures: training, validation or test.
    """

    hidden: tuple[int, ...]
    cost: str
    init: str
    epochs: int
    eta: float
    lmbda: float = 0.0
    images: int = 50_000
    on: str = "test"
    output: str = "sigmoid"

    def __str__(self):
        output = f" {self.output}" if self.output != "sigmoid" else ""
        parts = [f"{'-'.join(map(str, (784, *self.hidden, 10)))}{output} {self.cost} {self.init}"]
        if self.images < 50_000:
            parts.append(f"first {self.images:,} digits")
        if self.epochs:
            parts.append(f"{self.epochs} epoch{'s' if self.epochs > 1 else ''}")
            parts.append(f"η {self.eta:g}, λ {self.lmbda:g}, {self.on}")
        return ", ".join(parts)


@dataclass(frozen=True)
class Experiment:
    """An experiment of the book and its figures.

    Parameters
    ----------
    id, title : str
    settings : tuple of Setting
    measure : callable (settings, digits, seed) -> list of float
        Runs it once; a number for each of the figures.
    figures : dict of str to str
        What each number is, and the book's own, as the book prints it.
    form : str
        The format of our numbers.
    remark : str
        What a reader has to know to compare the two.
    runs_per_seed : int
        Runs for each seed that is asked for: more than one where a run is cheap.
    """

    id: str
    title: str
    settings: tuple[Setting, ...]
    measure: Callable
    figures: dict[str, str]
    form: str = ".2f"
    remark: str = ""
    runs_per_seed: int = 1


BEST, LAST = "best epoch, %", "last epoch, %"
BEST_OF_THREE = "the book took the best of three runs"
REPLAYS = "the book's is a seeded run, which replays: see below"


def _chapter_1(hidden, eta):
    return (Setting((hidden,), "quadratic", "large", 30, eta),)


def _chapter_3(hidden, epochs=30, eta=0.5, init="large", **options):
    return Setting((hidden,), "cross_entropy", init, epochs, eta, **options)


def _chapter_5(layers):
    return Setting((30,) * layers, "cross_entropy", "scaled", 30, 0.1, 5.0, on="validation")


def _untrained(layers):
    return Setting((30,) * layers, "cross_entropy", "scaled", 0, 0.1, images=1000)


_RECORDS = (
    Experiment(
        "1A",
        "The first network",
        _chapter_1(30, 3.0),
        measures.best_and_first_epochs,
        {
            BEST: "95.42",
            "after epoch 0, %": "91.3",
            "after epoch 1, %": "92.9",
            "after epoch 2, %": "93.5",
        },
        remark=BEST_OF_THREE,
    ),
    Experiment(
        "1B",
        "100 hidden neurons",
        _chapter_1(100, 3.0),
        measures.best_epoch,
        {BEST: "96.59"},
        remark=f"{BEST_OF_THREE}; in many an output neuron never learns: see below",
    ),
    Experiment(
        "1C",
        "A learning rate too small",
        _chapter_1(100, 0.001),
        measures.first_and_last_epoch,
        {"first epoch, %": "11.4", LAST: "21.4"},
    ),
    Experiment(
        "1D",
        "A learning rate too large",
        _chapter_1(30, 100.0),
        measures.last_epoch,
        {LAST: "10"},
        remark="the book: stuck near 10 %",
    ),
    Experiment(
        "3A",
        "The cross-entropy cost",
        (_chapter_3(30),),
        measures.best_epoch,
        {BEST: "95.49"},
    ),
    Experiment(
        "3B",
        "The cross-entropy cost, 100 hidden neurons",
        (_chapter_3(100),),
        measures.best_epoch,
        {BEST: "96.82"},
    ),
    Experiment(
        "3C",
        "Overfitting 1,000 digits",
        (_chapter_3(30, epochs=400, images=1000),),
        measures.best_epoch_and_training,
        {BEST: "82.27", "training digits in the end, %": "100"},
        remark=REPLAYS,
    ),
    Experiment(
        "3D",
        "All digits, not regularized",
        (_chapter_3(30),),
        measures.best_epoch,
        {BEST: "95.33"},
    ),
    Experiment(
        "3E",
        "1,000 digits, regularized",
        (_chapter_3(30, epochs=400, images=1000, lmbda=0.1),),
        measures.best_epoch,
        {BEST: "87.1"},
        remark=REPLAYS,
    ),
    Experiment(
        "3F",
        "All digits, regularized",
        (_chapter_3(30, lmbda=5.0),),
        measures.best_epoch,
        {BEST: "96.49"},
    ),
    Experiment(
        "3G",
        "Regularized, 100 hidden neurons",
        (_chapter_3(100, lmbda=5.0, on="validation"),),
        measures.best_epoch,
        {BEST: "97.92"},
        remark="the book's is a lucky run: see below",
    ),
    Experiment(
        "3H",
        "Regularized, 100 hidden neurons, tuned",
        (_chapter_3(100, epochs=60, eta=0.1, lmbda=5.0, on="validation"),),
        measures.best_epoch,
        {BEST: "98.04"},
        remark="what scaled weights reach: see below",
    ),
    Experiment(
        "3J",
        "Smaller initial weights",
        tuple(
            _chapter_3(30, eta=0.1, init=init, lmbda=5.0, on="validation")
            for init in ("scaled", "large")
        ),
        measures.first_and_last_epoch,
        {
            "scaled, first epoch, %": "92.70",
            "scaled, last epoch, %": "96.50",
            "large, first epoch, %": "86.43",
            "large, last epoch, %": "96.37",
        },
        remark='the book: "almost 93", "under 87", both end a little over 96; from its curves',
    ),
    Experiment(
        "3L",
        "Three learning rates: smooth, saturating, oscillating",
        tuple(
            _chapter_3(30, eta=eta, init="scaled", lmbda=5.0, on="training")
            for eta in (0.025, 0.25, 2.5)
        ),
        measures.rises_of_the_cost,
        {
            "η 0.025, epochs in which the cost rises": "0",
            "η 0.25, epochs in which the cost rises": "12",
            "η 2.5, epochs in which the cost rises": "14",
            "η 0.025, largest rise": "0",
            "η 0.25, largest rise": "0.014",
            "η 2.5, largest rise": "0.36",
        },
        form=".2g",
        remark="the book draws curves: its figures are read off them, and two replay: see below",
    ),
    *(
        Experiment(
            f"5{'ABCD'[layers - 1]}",
            f"{layers} hidden layer{'s' if layers > 1 else ''}",
            (_chapter_5(layers),),
            measures.last_epoch,
            {LAST: book},
        )
        for layers, book in enumerate(("96.48", "96.90", "96.57", "96.53"), start=1)
    ),
    Experiment(
        "5E",
        "The vanishing gradient: ‖δ^l‖ before training",
        tuple(_untrained(layers) for layers in (2, 3, 4)),
        measures.gradient_norms,
        {
            "two hidden layers, l = 2": "0.07",
            "l = 3": "0.31",
            "three hidden layers, l = 2": "0.012",
            "three, l = 3": "0.060",
            "three, l = 4": "0.283",
            "four hidden layers, l = 2": "0.003",
            "four, l = 3": "0.017",
            "four, l = 4": "0.070",
            "four, l = 5": "0.285",
        },
        form=".2g",
        runs_per_seed=10,
    ),
    Experiment(
        "6A",
        "A softmax layer and the log-likelihood cost",
        (Setting((100,), "log_likelihood", "scaled", 60, 0.1, output="softmax"),),
        measures.at_best_validation,
        {"test at best validation, %": "97.80"},
        remark=f"{BEST_OF_THREE}, by weights and an order of its own: see below",
    ),
    Experiment(
        "2T",
        "Mini-batches as matrices",
        (Setting((30,), "quadratic", "large", 1, 3.0, images=1000, on="training"),),
        measures.loop_over_matrix,
        {"time of the loop over samples / by matrices": "2"},
        form=".2g",
        remark='the book: "about a factor of two", on its author\'s laptop: see below',
    ),
)

EXPERIMENTS = {record.id: record for record in _RECORDS}
