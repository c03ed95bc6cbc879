"""What scikit-learn, numpy, joblib, pandas, scipy, xgboost, lightgbm, catboost and skops save."""

# ruff: noqa: E501 - tables of cases read best with a case a line

# mypy: ignore-errors
# The libraries need not be installed where types are checked.

from __future__ import annotations

import pickle
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.support.corpus.case import Case, Write, saved


def _rows() -> tuple[Any, Any]:
    import numpy as np

    table = np.random.default_rng(7).random((40, 3))
    return table, (table[:, 0] > 0.5).astype(int)


def _fit(module: str, name: str, *given: Any, **options: Any) -> Callable[[], Any]:
    def make() -> Any:
        from importlib import import_module

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return getattr(import_module(module), name)(*given, **options).fit(*_rows())

    return make


def _pipeline() -> Any:
    from sklearn.compose import ColumnTransformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

    columns = ColumnTransformer([("n", StandardScaler(), [0, 1]), ("c", OneHotEncoder(handle_unknown="ignore"), [2])])
    return make_pipeline(columns, FunctionTransformer(), LogisticRegression()).fit(*_rows())


def _search() -> Any:
    from sklearn.model_selection import RandomizedSearchCV
    from sklearn.svm import SVC

    return RandomizedSearchCV(SVC(), {"C": [0.1, 1.0, 3.0]}, n_iter=2, cv=2).fit(*_rows())


def _words() -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.naive_bayes import MultinomialNB
    from sklearn.pipeline import make_pipeline

    return make_pipeline(TfidfVectorizer(ngram_range=(1, 2)), MultinomialNB()).fit(
        ["a cat", "os system", "eval"], [0, 1, 1]
    )


ESTIMATORS: dict[str, Callable[[], Any]] = {
    "logistic": _fit("sklearn.linear_model", "LogisticRegression"),
    "elastic-net": _fit("sklearn.linear_model", "ElasticNetCV", cv=2),
    "bayesian-ridge": _fit("sklearn.linear_model", "BayesianRidge"),
    "huber": _fit("sklearn.linear_model", "HuberRegressor"),
    "perceptron": _fit("sklearn.linear_model", "Perceptron"),
    "forest": _fit("sklearn.ensemble", "RandomForestRegressor", 3),
    "histogram-boosting": _fit("sklearn.ensemble", "HistGradientBoostingRegressor", max_iter=3),
    "bagging": _fit("sklearn.ensemble", "BaggingClassifier", n_estimators=2),
    "one-class": _fit("sklearn.svm", "OneClassSVM"),
    "linear-svc": _fit("sklearn.svm", "LinearSVC"),
    "neighbours": _fit("sklearn.neighbors", "KNeighborsRegressor", algorithm="ball_tree"),
    "local-outlier": _fit("sklearn.neighbors", "LocalOutlierFactor", n_neighbors=4),
    "kd-tree": _fit("sklearn.neighbors", "RadiusNeighborsClassifier", radius=3.0, algorithm="kd_tree"),
    "mini-batch-means": _fit("sklearn.cluster", "MiniBatchKMeans", 2, n_init=1),
    "birch": _fit("sklearn.cluster", "Birch"),
    "agglomerative": _fit("sklearn.cluster", "AgglomerativeClustering", 2),
    "discriminant": _fit("sklearn.discriminant_analysis", "LinearDiscriminantAnalysis"),
    "gaussian-process": _fit("sklearn.gaussian_process", "GaussianProcessClassifier"),
    "perceptron-layers": _fit("sklearn.neural_network", "MLPRegressor", hidden_layer_sizes=(4,), max_iter=5),
    "isotonic": lambda: __import__("sklearn.isotonic").isotonic.IsotonicRegression().fit([1, 2, 3], [1, 3, 2]),
    "pls": _fit("sklearn.cross_decomposition", "PLSRegression", 1),
    "fast-ica": _fit("sklearn.decomposition", "FastICA", 2),
    "latent-dirichlet": _fit("sklearn.decomposition", "LatentDirichletAllocation", 2, max_iter=2),
    "power-transform": _fit("sklearn.preprocessing", "PowerTransformer"),
    "spline": _fit("sklearn.preprocessing", "SplineTransformer"),
    "imputer": _fit("sklearn.impute", "KNNImputer"),
    "target-encoder": _fit("sklearn.preprocessing", "TargetEncoder", cv=2),
    "multi-output": lambda: _multi(),
    "pipeline": _pipeline,
    "search": _search,
    "words": _words,
}


def _multi() -> Any:
    import numpy as np
    from sklearn.linear_model import Ridge
    from sklearn.multioutput import MultiOutputRegressor

    table, answer = _rows()
    return MultiOutputRegressor(Ridge()).fit(table, np.stack([answer, answer], axis=1))


_FORMS: tuple[tuple[str, Any], ...] = (
    ("model.pkl", 5), ("model.joblib", 0), ("model.joblib", ("zlib", 3)), ("model.pkl", 2),
    ("model.joblib", ("gzip", 3)), ("model.pkl.gz", ("gzip", 3)), ("model.joblib", ("bz2", 3)), ("model.joblib", ("xz", 3)),
    ("model.joblib", ("lzma", 3)), ("model.pkl", 4),
)  # fmt: skip


def _dumped(make: Callable[[], Any], name: str, form: Any) -> Write:
    def write(folder: Path) -> None:
        import joblib

        if name == "model.pkl":
            (folder / name).write_bytes(pickle.dumps(make(), form))
        else:
            joblib.dump(make(), folder / name, compress=form)

    return write


SKLEARN: dict[str, Write] = {
    name: _dumped(make, *_FORMS[at % len(_FORMS)]) for at, (name, make) in enumerate(ESTIMATORS.items())
}


def _arrays(folder: Path) -> None:
    import numpy as np

    np.save(folder / "a.npy", np.ones((2, 3)))
    np.save(folder / "text.npy", np.array(["import os", "b"]))
    np.savez(folder / "b.npz", a=np.zeros(3), b=np.array([True]))
    np.savez_compressed(folder / "zeros.npz", big=np.zeros((1024, 2048)))
    np.save(folder / "fields.npy", np.zeros(3, dtype=[("x", "f4"), ("y", "U5"), ("z", "i2", (2,))]))
    np.save(folder / "fortran.npy", np.asfortranarray(np.ones((2, 3), ">f8")))


def _objects(folder: Path) -> None:
    import numpy as np

    np.save(folder / "labels.npy", np.array(["cat", None, 3], dtype=object))
    np.savez(folder / "ragged.npz", rows=np.array([np.zeros(2), np.ones(3)], dtype=object))


def _pickled(value: Callable[[], Any], name: str = "data.pkl", protocol: int = 5) -> Write:
    return lambda folder: (folder / name).write_bytes(pickle.dumps(value(), protocol)) and None


def _generators() -> Any:
    import numpy as np

    return {"old": np.random.RandomState(1), "new": np.random.default_rng(1), "scalar": np.float32(1.5),
            "date": np.datetime64("2026-01-01"), "masked": np.ma.masked_array([1, 2], [0, 1]),
            "matrix": np.ones((2, 2)), "dtype": np.dtype("f4")}  # fmt: skip


NUMPY: dict[str, Write] = {
    "arrays": _arrays,
    "objects": _objects,
    "generators": _pickled(_generators),
    "sparse": lambda folder: __import__("scipy.sparse").sparse.save_npz(
        folder / "s.npz", __import__("scipy.sparse").sparse.eye(9, format="csr")
    ),
}


def _frame() -> Any:
    import pandas as pd

    return pd.DataFrame({"a": [1, 2], "b": ["x", "y"], "c": pd.Categorical(["u", "v"]),
                         "d": pd.to_datetime(["2026-01-01", "2026-01-02"])})  # fmt: skip


def _index() -> Any:
    import pandas as pd

    return {"s": pd.Series([1.0, 2.0], index=["a", "b"]), "m": pd.MultiIndex.from_tuples([(1, "a"), (2, "b")]),
            "r": pd.RangeIndex(3), "t": pd.Timestamp("2026-01-01"), "i": pd.interval_range(0, 2)}  # fmt: skip


PANDAS: dict[str, Write] = {
    "frame": _pickled(_frame),
    "frame-by-pandas": lambda folder: _frame().to_pickle(folder / "frame.pkl"),
    "frame-compressed": lambda folder: _frame().to_pickle(folder / "frame.pkl.gz"),
    "index": _pickled(_index),
    "parquet": lambda folder: _frame().to_parquet(folder / "data.parquet"),
    "csv": lambda folder: _frame().to_csv(folder / "data.csv"),
}


def _boosted(library: str, name: str, **options: Any) -> Callable[[], Any]:
    return _fit(library, name, **options)


def _xgb(name: str) -> Write:
    return lambda folder: _boosted("xgboost", "XGBClassifier", n_estimators=3)().save_model(folder / name)


XGBOOST: dict[str, Write] = {
    "json": _xgb("model.json"),
    "binary": _xgb("model.ubj"),
    "pickled": _pickled(_boosted("xgboost", "XGBRegressor", n_estimators=3), "model.pkl"),
}
LIGHTGBM: dict[str, Write] = {
    "text": lambda folder: (
        _boosted("lightgbm", "LGBMClassifier", n_estimators=3, verbose=-1)().booster_.save_model(folder / "model.txt")
        and None
    ),
    "pickled": _pickled(_boosted("lightgbm", "LGBMRegressor", n_estimators=3, verbose=-1), "model.pkl"),
}
CATBOOST: dict[str, Write] = {
    "binary": lambda folder: _boosted(
        "catboost", "CatBoostClassifier", iterations=2, verbose=False, allow_writing_files=False)().save_model(
        str(folder / "model.cbm")),
}  # fmt: skip


def _skops(make: Callable[[], Any]) -> Write:
    def write(folder: Path) -> None:
        import skops.io

        skops.io.dump(make(), folder / "model.skops")

    return write


SKOPS: dict[str, Write] = {name: _skops(ESTIMATORS[name]) for name in ("logistic", "pipeline", "forest", "search")}

CASES: tuple[tuple[Case, ...], ...] = (
    saved("scikit-learn", SKLEARN, loader="joblib.load, pickle.load", needs=("sklearn", "joblib", "numpy")),
    saved("numpy", NUMPY, loader="numpy.load", needs=("numpy", "scipy")),
    saved("pandas", PANDAS, loader="pandas.read_pickle", needs=("pandas", "numpy", "pyarrow"), held_out=True),
    saved("xgboost", XGBOOST, loader="xgboost", needs=("xgboost", "sklearn"), held_out=True),
    saved("lightgbm", LIGHTGBM, loader="lightgbm", needs=("lightgbm", "sklearn"), held_out=True),
    saved("catboost", CATBOOST, loader="catboost", needs=("catboost", "sklearn"), held_out=True),
    saved("skops-models", SKOPS, loader="skops.io.load", needs=("skops", "sklearn")),
)
