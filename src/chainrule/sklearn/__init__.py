"""Estimators with scikit-learn's interface: change one import line.

``from chainrule.sklearn import MLPClassifier, MLPRegressor`` in the place of
``from sklearn.neural_network import MLPClassifier, MLPRegressor`` leaves a program running, faster.
`TabularClassifier` and `TabularRegressor` take tables as they are. It needs scikit-learn,
``pip install 'chainrule[sklearn]'``.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chainrule.sklearn.classifier import MLPClassifier
    from chainrule.sklearn.loading import load
    from chainrule.sklearn.regressor import MLPRegressor
    from chainrule.sklearn.search import SearchCV
    from chainrule.sklearn.tabular_classifier import TabularClassifier
    from chainrule.sklearn.tabular_regressor import TabularRegressor

__all__ = [
    "MLPClassifier", "MLPRegressor", "SearchCV", "TabularClassifier", "TabularRegressor", "load",
]  # fmt: skip


def __getattr__(name):
    """Import scikit-learn with the first name that is asked for."""
    if name not in __all__:
        raise AttributeError(f"module 'chainrule.sklearn' has no attribute {name!r}")
    try:
        import sklearn  # noqa: F401
    except ImportError as error:
        raise ImportError(
            f"chainrule.sklearn.{name} needs scikit-learn: pip install 'chainrule[sklearn]'"
        ) from error
    if name == "SearchCV":
        from chainrule.sklearn.search import SearchCV

        return SearchCV
    from chainrule.sklearn.loading import ESTIMATORS, load

    return (ESTIMATORS | {"load": load})[name]


def __dir__():
    return sorted(__all__)
