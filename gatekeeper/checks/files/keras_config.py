"""Keras configurations: what deserialising one would import, call, read or unmarshal.

After `keras/src/saving/serialization_lib.py` (3.x) and the loaders of tf.keras before it: a mapping with `class_name`
stands for an object; its `module` says where to look for the class, and older loaders imported whatever stood there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from gatekeeper.checks.files.callables import Trust, is_library, trust
from gatekeeper.checks.files.problem import Problem
from gatekeeper.limits import Limits
from gatekeeper.parsing import ParseError, load_json
from gatekeeper.text import printable

_OWN = frozenset({"keras", "keras_hub", "keras_nlp", "keras_cv", "tf_keras"})
_UTILITIES = frozenset({"saving", "utils", "config", "backend", "preprocessing", "datasets", "export", "wrappers"})
"""Parts of Keras that are no parts of models: loading a file by one, fetching, switching the safe mode off."""

_PARTS = frozenset({"FeatureSpace", "Cross", "Feature", "SKLearnClassifier", "SKLearnRegressor", "SKLearnTransformer"})
"""Classes among them that are saved with models."""

_SYMBOL_KEYS = ("function", "symbol")
_SYMBOL_RUNS = frozenset({"io", "py_function", "numpy_function", "raw_ops", "load_op_library", "load_library",
                          "saved_model", "data", "summary", "train", "config", "autograph", "distribute", "xla",
                          "compat", "experimental", "lite", "profiler", "tpu", "queue", "test", "print"})  # fmt: skip
_COMPAT_PLAIN = ("compat.v1.", "compat.v2.")
_LOADERS = {
    "TFSMLayer": "it loads another SavedModel, by a path of its choice",
    "TorchModuleWrapper": "it unpickles a torch module with torch.load",
    "JaxLayer": "it calls functions that it brings along",
    "FlaxLayer": "it calls functions that it brings along",
}
_FILES = frozenset({"vocabulary", "vocabulary_file", "vocab_file", "merges_file", "filepath", "file_path"})
"""Settings of preprocessing layers that are read from a file or an address when they are text (CVE-2025-12058)."""

_NOT_JSON = re.compile(rb"([:,\[][ \n]{0,64})(?:NaN|-?Infinity)(?=[\s,\]}])")

_MARSHALLED = 8
"""Characters of Base64 that the smallest code object has."""


def judge_keras_config(data: bytes, limits: Limits) -> Iterator[Problem]:
    """Judge the configuration of a model, a layer or a training run.

    Args:
        data: JSON.
        limits: Bounds on the parsing.

    Yields:
        Problems by the slugs of `files/model-code`.
    """
    try:
        value = parse_keras_config(data, limits)
    except ParseError as error:
        yield Problem(slug="keras-config", message=f"its configuration can't be read: {error}")
        return
    yield from judge_keras_value(value)


def parse_keras_config(data: bytes, limits: Limits) -> Any:
    """Parse a configuration; Python's own JSON, which Keras writes, has words for numbers that JSON has not.

    Raises:
        ParseError: When it is no JSON otherwise.
    """
    return load_json(_NOT_JSON.sub(rb"\1null", data), depth=limits.json_depth, values=limits.json_values)


def judge_keras_value(root: Any) -> Iterator[Problem]:
    """Judge a parsed configuration; every object in it is looked at, however deep it lies."""
    waiting: list[tuple[str, Any]] = [("", root)]
    while waiting:
        where, value = waiting.pop()
        if isinstance(value, dict):
            yield from _object(value, where)
            waiting += [
                (f"{where}.{key}"[-200:], inner) for key, inner in value.items() if isinstance(inner, dict | list)
            ]
        elif isinstance(value, list):
            waiting += [(where, inner) for inner in value if isinstance(inner, dict | list)]


def _object(value: dict[str, Any], where: str) -> Iterator[Problem]:
    detail = printable(where.lstrip("."), 160)
    name = value.get("class_name")
    config = value.get("config")
    for key in _FILES & value.keys():
        if isinstance(value[key], str) and value[key]:
            message = f"a layer would read {printable(value[key], 120)!r} when it is made"
            yield Problem(slug="keras-reads-file", message=message, detail=f"{detail}.{key}")
    if isinstance(name, str):
        yield from _named(name, value, detail)
        if isinstance(config, dict):
            yield from _function(name, config, detail)


def _named(name: str, value: dict[str, Any], detail: str) -> Iterator[Problem]:
    module, registered = value.get("module"), value.get("registered_name")
    if name == "__lambda__":
        yield Problem(slug="keras-lambda", message="it holds the marshalled code of a function", detail=detail)
    elif name in _LOADERS:
        slug = "keras-foreign" if name in ("JaxLayer", "FlaxLayer") else "keras-loader"
        yield Problem(slug=slug, message=f"{name}: {_LOADERS[name]}", detail=detail)
    elif isinstance(module, str) and module:
        called = value.get("config") if name == "function" and isinstance(value.get("config"), str) else name
        yield from _module(module, str(called), detail)
    elif isinstance(registered, str) and ">" in registered:
        message = f"it needs the class {printable(registered, 120)!r}, which the file does not hold"
        yield Problem(slug="keras-custom", message=message, detail=detail)


def _module(module: str, name: str, detail: str) -> Iterator[Problem]:
    """Judge where a class or function is looked for."""
    parts = module.split(".")
    shown = printable(f"{module}.{name}", 160)
    if parts[0] in _OWN:
        inner = [part for part in parts[1:] if part not in ("src", "api", "_legacy", "legacy", "engine")]
        useful = not inner or inner[0] not in _UTILITIES or name in _PARTS or "optimizers" in inner
        if not useful or trust(f"keras.{name}") > Trust.MODEL:
            slug = "keras-foreign" if name[:1].isupper() else "keras-runs"
            yield Problem(slug=slug, message=f"loading it would call {shown!r}, no part of a model", detail=detail)
        return
    if module == "builtins" and trust(f"builtins.{name}") is Trust.RUNS and name not in _BUILTIN_CALLS:
        return  # how Keras spells its own functions, as `relu`
    level = trust(f"{module}.{name}")
    if level is Trust.RUNS:
        yield Problem(slug="keras-runs", message=f"loading it would import and call {shown!r}", detail=detail)
    elif level is Trust.REACHES or is_library(parts[0]):
        if parts[0] == "tensorflow" and "keras" in parts and level is Trust.MODEL:
            return
        yield Problem(slug="keras-foreign", message=f"loading it would import {shown!r}", detail=detail)
    elif level is Trust.UNKNOWN:
        message = f"it needs {shown!r}, which the file does not hold"
        yield Problem(slug="keras-custom", message=message, detail=detail)


_BUILTIN_CALLS = frozenset(
    {
        "eval", "exec", "compile", "open", "input", "getattr", "setattr", "delattr", "vars", "globals", "locals", "dir",
        "breakpoint", "__import__", "__build_class__", "help", "exit", "quit", "print", "memoryview", "type", "map",
        "filter", "object", "super", "classmethod", "staticmethod", "property", "license", "copyright", "credits",
    }
)  # fmt: skip


def _function(name: str, config: dict[str, Any], detail: str) -> Iterator[Problem]:
    """Judge functions that a layer of the old form names or holds: Lambda layers and TensorFlow's operators."""
    if name == "Lambda":
        held = [config.get(key) for key in ("function", "output_shape", "mask")]
        if any(_is_marshalled(one) for one in held):
            message = "a Lambda layer holds the marshalled code of a function"
            yield Problem(slug="keras-lambda", message=message, detail=detail)
        elif isinstance(config.get("function"), str) and config.get("function_type", "function") == "function":
            module = config.get("module")
            yield from _module(str(module or "__main__"), config["function"], detail)
    elif name in ("TFOpLambda", "SlicingOpLambda", "ClassMethod", "InstanceMethod", "InstanceProperty"):
        for key in _SYMBOL_KEYS:
            symbol = config.get(key)
            if isinstance(symbol, str) and _reaches_out(symbol):
                message = f"the layer would call TensorFlow's {printable(symbol, 120)!r}"
                yield Problem(slug="keras-runs", message=message, detail=detail)


def _is_marshalled(value: Any) -> bool:
    code = value[0] if isinstance(value, list) and value else None
    return isinstance(code, str) and len(code) >= _MARSHALLED


def _reaches_out(symbol: str) -> bool:
    for prefix in _COMPAT_PLAIN:
        symbol = symbol.removeprefix(prefix)
    parts = symbol.split(".")
    return parts[0] in _SYMBOL_RUNS or trust(f"tensorflow.{symbol}") is Trust.RUNS
