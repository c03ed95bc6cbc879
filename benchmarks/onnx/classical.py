"""Models of scikit-learn, converted: trees, neighbours, kernels, pipelines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from typing import Any

import numpy as np

from benchmarks.onnx.exporting import quiet

_MODELS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "logistic regression": ("linear_model", "LogisticRegression", {}),
    "random forest": ("ensemble", "RandomForestClassifier", {"n_estimators": 5, "max_depth": 4}),
    "gradient boosting": ("ensemble", "GradientBoostingClassifier", {"n_estimators": 5}),
    "histogram boosting": ("ensemble", "HistGradientBoostingClassifier", {"max_iter": 5}),
    "support vectors": ("svm", "SVC", {"probability": False}),
    "neighbours": ("neighbors", "KNeighborsClassifier", {"n_neighbors": 3}),
    "perceptron": ("neural_network", "MLPClassifier", {"hidden_layer_sizes": (16,), "max_iter": 20}),
    "naive Bayes": ("naive_bayes", "GaussianNB", {}),
    "Gaussian process": ("gaussian_process", "GaussianProcessRegressor", {}),
    "clusters": ("cluster", "KMeans", {"n_clusters": 3, "n_init": 1}),
    "boosted stumps": ("ensemble", "AdaBoostClassifier", {"n_estimators": 3}),
    "bagging": ("ensemble", "BaggingClassifier", {"n_estimators": 3}),
    "decision tree": ("tree", "DecisionTreeRegressor", {"max_depth": 4}),
    "isolation forest": ("ensemble", "IsolationForest", {"n_estimators": 5}),
    "ridge": ("linear_model", "Ridge", {}),
}
_STEPS: dict[str, tuple[str, dict[str, Any]]] = {
    "scaled": ("StandardScaler", {}),
    "binarised": ("Binarizer", {"threshold": 0.2}),
    "binned": ("KBinsDiscretizer", {"n_bins": 4, "encode": "onehot-dense", "quantile_method": "averaged_inverted_cdf"}),
    "polynomial": ("PolynomialFeatures", {"degree": 2}),
}


def entries() -> Iterator[tuple[str, Callable[[], bytes]]]:
    """List name and how to make it."""
    for name in _MODELS:
        yield name, partial(convert, name)
    for step in _STEPS:
        yield f"{step} logistic regression", partial(convert, "logistic regression", step)


def convert(name: str, step: str = "") -> bytes:
    """Fit on random numbers and convert."""
    module, kind, options = _MODELS[name]
    model = getattr(import_module(f"sklearn.{module}"), kind)(**options)
    if step:
        scaler, scaling = _STEPS[step]
        before = getattr(import_module("sklearn.preprocessing"), scaler)(**scaling)
        model = import_module("sklearn.pipeline").make_pipeline(before, model)
    rng = np.random.default_rng(0)
    features = rng.standard_normal((60, 5)).astype(np.float32)
    with quiet():
        model.fit(features, (features[:, 0] + features[:, 1] > 0).astype(int))
        converted = import_module("skl2onnx").to_onnx(model, features[:1], target_opset={"": 18, "ai.onnx.ml": 3})
    data: bytes = converted.SerializeToString()
    return data
