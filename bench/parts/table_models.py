"""The estimators for tables that are compared: each with its defaults, and prepared as it wants.

A model is a class made of the task, the number of threads and a seed. `fit` and `predict` get
frames as they come: text in columns of `str`, dates, holes. Values are predicted as such, classes
by their probabilities, in the order of `classes`. What a library cannot take is made for it here
as its users would: dates become numbers, text becomes categories.
"""

from importlib.metadata import version

import numpy as np

from parts.public_tables import CLASSES, is_text


class Columns:
    """Frames with dates as numbers, and text as pandas categories (those of the training rows).

    `filled` puts the medians into the holes of numbers.
    """

    def __init__(self, filled=False):
        self.filled = filled

    def fit(self, X):
        self.first = {name: X[name].min() for name in X if X[name].dtype.kind == "M"}
        self.categories = {name: X[name].dropna().unique() for name in X if is_text(X[name].dtype)}
        self.medians = self.numbered(X).median(numeric_only=True).fillna(0)
        return self

    def numbered(self, X):
        """Dates as days since the first, month, weekday and hour."""
        X = X.copy()
        for name, first in self.first.items():
            date = X.pop(name)
            X[f"{name} days"] = (date - first).dt.total_seconds() / 86400
            for part in ("month", "day_of_week", "hour"):
                X[f"{name} {part}"] = getattr(date.dt, part)
        return X

    def __call__(self, X):
        import pandas

        X = self.numbered(X)
        for name, known in self.categories.items():
            seen = X[name].where(X[name].isin(known))
            X[name] = pandas.Categorical(seen, categories=known)
        return X.fillna(self.medians) if self.filled else X


class Model:
    """A library's pair of estimators; a subclass says how they are made."""

    package = filled = None

    def __init__(self, task, threads, seed):
        self.classification = task == CLASSES
        self.threads, self.seed = threads, seed
        self.estimator = self.make()

    @classmethod
    def version(cls):
        return version(cls.package)

    def fit(self, X, y):
        self.columns = Columns(self.filled).fit(X)
        if self.classification:
            self.classes, y = np.unique(y, return_inverse=True)
        self.learn(self.columns(X), y)

    def learn(self, X, y):
        self.estimator.fit(X, y)

    def predict(self, X):
        X = self.columns(X)
        return self.estimator.predict_proba(X) if self.classification else self.estimator.predict(X)


class HistGradientBoosting(Model):
    package = "scikit-learn"

    def make(self):
        from sklearn import ensemble

        kind = "Classifier" if self.classification else "Regressor"
        return getattr(ensemble, f"HistGradientBoosting{kind}")(
            categorical_features="from_dtype", random_state=self.seed
        )


class LightGBM(Model):
    package = "lightgbm"

    def make(self):
        import lightgbm

        kind = lightgbm.LGBMClassifier if self.classification else lightgbm.LGBMRegressor
        return kind(n_jobs=self.threads, random_state=self.seed, verbose=-1)


class XGBoost(Model):
    package = "xgboost"

    def make(self):
        import xgboost

        kind = xgboost.XGBClassifier if self.classification else xgboost.XGBRegressor
        return kind(enable_categorical=True, n_jobs=self.threads, random_state=self.seed)


class CatBoost(Model):
    """It takes text as it is, but no holes in it."""

    package = "catboost"

    def make(self):
        import catboost

        kind = catboost.CatBoostClassifier if self.classification else catboost.CatBoostRegressor
        return kind(
            thread_count=self.threads,
            random_seed=self.seed,
            verbose=False,
            allow_writing_files=False,
        )

    def words(self, X):
        names = list(self.columns.categories)
        X[names] = X[names].astype(object).fillna("")
        return X, names

    def learn(self, X, y):
        X, names = self.words(X)
        self.estimator.fit(X, y, cat_features=names)

    def predict(self, X):
        X, _ = self.words(self.columns(X))
        return self.estimator.predict_proba(X) if self.classification else self.estimator.predict(X)


class ScikitMLP(Model):
    """In the usual pipeline: medians, standardised numbers and values, one-hot text."""

    package = "scikit-learn"

    def make(self):
        from sklearn.compose import TransformedTargetRegressor, make_column_transformer
        from sklearn.compose import make_column_selector as of_type
        from sklearn.impute import SimpleImputer
        from sklearn.neural_network import MLPClassifier, MLPRegressor
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import OneHotEncoder, StandardScaler

        filled = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
        prepared = make_column_transformer(
            (filled, of_type(dtype_include="number")),
            (OneHotEncoder(handle_unknown="ignore"), of_type(dtype_include="category")),
        )
        if self.classification:
            return make_pipeline(prepared, MLPClassifier(random_state=self.seed))
        values = TransformedTargetRegressor(
            MLPRegressor(random_state=self.seed), transformer=StandardScaler()
        )
        return make_pipeline(prepared, values)


class Pytabkit(Model):
    """It takes no holes in numbers."""

    package, filled = "pytabkit", True

    def make(self):
        import pytabkit
        import torch

        torch.set_num_threads(self.threads)
        kind = "Classifier" if self.classification else "Regressor"
        return getattr(pytabkit, f"{self.named}_{kind}")(
            device="cpu", n_threads=self.threads, random_state=self.seed
        )


class RealMLP(Pytabkit):
    named = "RealMLP_TD_S"


class TabM(Pytabkit):
    named = "TabM_D"


class Ours(Model):
    """They take frames as they are."""

    package = "chainrule"

    def make(self):
        from chainrule import sklearn

        kind = sklearn.TabularClassifier if self.classification else sklearn.TabularRegressor
        return kind(preset=self.preset, random_state=self.seed, **self.of_threads(kind))

    def of_threads(self, kind):
        return {"threads": self.threads} if "threads" in kind().get_params() else {}

    def fit(self, X, y):
        self.estimator.fit(X, y)
        self.classes = getattr(self.estimator, "classes_", None)

    def predict(self, X):
        return self.estimator.predict_proba(X) if self.classification else self.estimator.predict(X)


PRESETS = ("fast", "default", "best", "realmlp")
PEERS = {
    "hgb": HistGradientBoosting, "lightgbm": LightGBM, "xgboost": XGBoost, "mlp": ScikitMLP,
    "catboost": CatBoost, "realmlp": RealMLP, "tabm": TabM,
}  # fmt: skip
MODELS = PEERS | {f"ours-{each}": type("Ours", (Ours,), {"preset": each}) for each in PRESETS}
LABELS = {
    "hgb": "HistGradientBoosting", "lightgbm": "LightGBM", "xgboost": "XGBoost",
    "mlp": "scikit-learn's MLP", "catboost": "CatBoost", "realmlp": "RealMLP-TD-S",
    "tabm": "TabM-D", **{f"ours-{each}": f"chainrule, {each}" for each in PRESETS},
}  # fmt: skip
