"""`load`: an estimator that was saved."""

from collections.abc import Mapping
from os import PathLike
from typing import Any

from chainrule.sklearn.classifier import MLPClassifier
from chainrule.sklearn.model_file import read_estimator
from chainrule.sklearn.regressor import MLPRegressor
from chainrule.sklearn.tabular_classifier import TabularClassifier
from chainrule.sklearn.tabular_regressor import TabularRegressor

ESTIMATORS: dict[str, type] = {
    kind.__name__: kind
    for kind in (MLPClassifier, MLPRegressor, TabularClassifier, TabularRegressor)
}


def load(path: str | PathLike[str], *, own: Mapping[str, object] | None = None) -> Any:
    """Read an estimator that its `save` wrote.

    Parameters
    ----------
    path : str or path object
    own : dict of str to object, optional
        The activations and costs that are objects of your own, by name, as `chainrule.load` takes
        them.

    Returns
    -------
    estimator : MLPClassifier, MLPRegressor, TabularClassifier or TabularRegressor
        It predicts, and the first two go on (`partial_fit`, a warm start), to the same bits as the
        one saved.

    Raises
    ------
    OSError
        If there is no such file or it cannot be read.
    TypeError
        If `path` is no file name, or `own` no dict.
    ValueError
        If it has no estimator (a network alone, say), is cut short or is damaged, or if `own`
        does not fit. Nothing in a file is ever run.

    Examples
    --------
    >>> import os
    >>> import tempfile
    >>> from sklearn.datasets import load_iris
    >>> from chainrule.sklearn import TabularClassifier, load
    >>> X, y = load_iris(return_X_y=True)
    >>> model = TabularClassifier(n_members=2, random_state=0).fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "iris.npz")
    ...     model.save(path)
    ...     bool((load(path).predict(X) == model.predict(X)).all())
    True
    """
    return read_estimator(path, ESTIMATORS, own)
