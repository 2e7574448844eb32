"""`TabularClassifier`: the class of each row of a table."""

from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin, _fit_context
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets

from chainrule.sklearn.tabular import Tabular, constraints
from chainrule.tables.recipe import CLASSES
from chainrule.tables.targets import classes_of


class TabularClassifier(ClassifierMixin, Tabular):
    """Classes of the rows of a table as it is: numbers, words, truth values, dates, holes.

    No preparation is needed. Several small networks are trained side by side on what
    `chainrule.tables` makes of the columns, each to the epoch that is best on rows it holds out;
    the mean of their probabilities is the answer.

    Parameters
    ----------
    preset : str or Recipe, default "default"
        "fast", "default" or "best": by what recipe, the longer the better; or "realmlp", that of
        RealMLP-TD-S (arXiv 2407.04491): one network of three layers of 256.
    n_members : int, optional
        How many networks.
    metric : "error" or "log_loss", optional
        Of the rows held out, by which the best epoch is chosen.
    categorical_features : "auto", or array-like of str, int or bool, default "auto"
        Columns of numbers that are categories, by name or place, or a mask. Text, truth values and
        categorical types always are.
    class_weight : dict of label to float, or "balanced", optional
        How much the rows of each class count.
    validation_fraction : float, optional
        The share of the rows that each network holds out.
    refit : bool, default False
        Train once more, on all rows, for as many epochs as were best on average.
    calibrate : bool, default True
        Fit one temperature to the probabilities of rows held out (Guo et al., 2017). Without it
        they are not as sure as they could be, by the smoothing of the labels in training.
    time_limit : float, optional
        About how many seconds `fit` may take. It is the one parameter by which results may differ
        from run to run: how far training comes depends on the machine.
    random_state : int or RandomState, optional
        Decides rows and parameters: the same number, the same model to the last bit, with any
        number of threads.
    threads : int, optional
        As many as there are cores if not given.
    progress : bool, default False
        Show on stderr how far training is.

    Attributes
    ----------
    classes_ : ndarray (k,)
        The classes, sorted.
    predictor_ : chainrule.tables.predictor.Predictor
        What predicts, without scikit-learn, and of it
    preparation_, ensemble_ : Preparation, chainrule.Ensemble
        what makes numbers of a row, and the networks.
    history_ : list of chainrule.History
        Of each network.
    n_features_in_, feature_names_in_
        As scikit-learn's.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule.sklearn import TabularClassifier
    >>> rows = [[5.0, "red"], [4.0, "blue"], [None, "red"], [1.0, "blue"]] * 10
    >>> table = TabularClassifier(random_state=0).fit(rows, ["yes", "no", "yes", "no"] * 10)
    >>> str(table.predict([[3.0, "red"]])[0])
    'yes'
    """

    _parameter_constraints = constraints(CLASSES) | {
        "class_weight": [dict, StrOptions({"balanced"}), None],
        "calibrate": ["boolean"],
    }

    def __init__(
        self,
        preset="default",
        *,
        n_members=None,
        metric=None,
        categorical_features="auto",
        class_weight=None,
        validation_fraction=None,
        refit=False,
        calibrate=True,
        time_limit=None,
        random_state=None,
        threads=None,
        progress=False,
    ):
        self.preset = preset
        self.n_members = n_members
        self.metric = metric
        self.categorical_features = categorical_features
        self.class_weight = class_weight
        self.validation_fraction = validation_fraction
        self.refit = refit
        self.calibrate = calibrate
        self.time_limit = time_limit
        self.random_state = random_state
        self.threads = threads
        self.progress = progress

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        """Fit to rows X and their labels y.

        Parameters
        ----------
        X : frame or array (m, n_features)
            Of pandas, polars or pyarrow, or an array, or a list of rows: numbers, text, truth
            values, categories and dates, each of which may be missing.
        y : labels (m,)
        sample_weight : array (m,), optional

        Returns
        -------
        TabularClassifier
            Itself.

        Raises
        ------
        ValueError, TypeError
            For data that do not fit, by column and row, before anything is trained.
        """
        return self._fit(X, y, sample_weight)

    def _read(self, y, weights):
        targets = classes_of(y)
        check_classification_targets(y)  # numbers that are no classes
        if self.class_weight is not None:
            by_class = compute_sample_weight(self.class_weight, y)
            weights = by_class if weights is None else weights * by_class
        self.classes_ = targets.classes
        return targets, weights, {"calibrate": self.calibrate}

    def predict_proba(self, X):
        """Return the probability of each class, (m, k)."""
        return self._ask("predict_proba", X)

    def predict_log_proba(self, X):
        """Return its logarithm."""
        return np.log(self.predict_proba(X))

    def __sklearn_tags__(self) -> Any:
        """Of several labels a row there is none."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = False
        return tags
