"""The front door: which files are configurations, and everything in one that asks for code."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import PurePosixPath
from typing import BinaryIO

from gatekeeper.checks.files.asks import (
    diffusers,
    hydra,
    installing,
    mlflow,
    peft,
    sentence_transformers,
    serving,
    spacy,
    transformers,
    yaml_files,
)
from gatekeeper.checks.files.asks.ask import Ask, Config
from gatekeeper.checks.files.asks.yaml_tree import read_yaml
from gatekeeper.checks.files.problem import Problem
from gatekeeper.limits import Limits
from gatekeeper.parsing import ParseError, load_json
from gatekeeper.text import printable

CONFIGS = frozenset(
    {
        "config.json",
        "tokenizer_config.json",
        "processor_config.json",
        "preprocessor_config.json",
        "video_preprocessor_config.json",
        "image_processor_config.json",
        "feature_extractor_config.json",
        "generation_config.json",
        "adapter_config.json",
        "model_index.json",
        "modules.json",
        "config_sentence_transformers.json",
        "sentence_bert_config.json",
        "special_tokens_map.json",
        "chat_template.json",
        "modular_model_index.json",
        "model_config.json",
    }
)
"""Configuration files that loaders read by name."""

_CONFIG_ENDS = ("config.json", "model_index.json")
"""Ends of the names that libraries give to configurations of parts."""

_YAML = frozenset({".yaml", ".yml"})
_YAML_CONFIGS = frozenset(
    {"MLmodel", "hyperparams.yaml", "model_config.yaml", "config.yaml", "config.yml", "cog.yaml", "bentofile.yaml"}
)
_LISTS = frozenset({"modules.json"})
_DEMANDING = re.compile(rb"!!python|!(?:new|apply|name|module):|_target_|tag:yaml\.org,2002:python")
_MOST_ASKS = 50
"""Requests of one file that are said: a hostile one can hold a million."""

_JSON_JUDGES = (transformers.asks, sentence_transformers.asks, hydra.asks, mlflow.asks, serving.interfaces)
_YAML_JUDGES = (hydra.asks, mlflow.asks, serving.asks)
_NAMED_JUDGES = {
    "adapter_config.json": peft.asks,
    "model_index.json": diffusers.asks,
    "modular_model_index.json": diffusers.asks,
}


def is_config(path: PurePosixPath) -> bool:
    """Whether some loader, server or installer would take a file for its configuration."""
    name = path.name
    return (
        name in CONFIGS
        or name.endswith(_CONFIG_ENDS)
        or path.suffix in _YAML
        or name in ("MLmodel", "config.cfg")
        or installing.is_list(path)
    )


def most_bytes(path: PurePosixPath, limits: Limits) -> int:
    """Bytes of a configuration that are read."""
    return limits.json_bytes if path.suffix == ".json" else limits.yaml_bytes


def asks_in(data: bytes, path: PurePosixPath, limits: Limits, has: Callable[[str], bool]) -> list[Ask]:
    """Find everything in one configuration that asks for code.

    Args:
        data: The file.
        path: Where it lies; loaders go by the name.
        limits: Bounds on the parsing.
        has: Whether the repo has a file at a path.

    Raises:
        ParseError: When a configuration that a loader reads by name can't be read strictly.
    """
    return list(islice(_asks(data, path, limits, has), _MOST_ASKS))


def judge_config(
    reader: BinaryIO, name: PurePosixPath, size: int, limits: Limits, has: Callable[[str], bool] = lambda _path: False
) -> Iterator[Problem]:
    """Judge one configuration, in a repo or in an archive.

    Args:
        reader: The file, seekable.
        name: Its path.
        size: Its size in bytes.
        limits: Bounds on the parsing.
        has: Whether what it lies in has a file at a path.

    Yields:
        Problems by the slugs of `files/remote-code`.
    """
    if not is_config(name):
        return
    if size > most_bytes(name, limits):
        message = f"{size} bytes are more than is read of a configuration"
        yield Problem(slug="unreadable-config", message=message)
        return
    reader.seek(0)
    try:
        for ask in asks_in(reader.read(size), name, limits, has):
            yield Problem(slug=ask.slug, message=ask.message, detail=ask.detail)
    except ParseError as error:
        yield Problem(slug="unreadable-config", message=str(error))


def _asks(data: bytes, path: PurePosixPath, limits: Limits, has: Callable[[str], bool]) -> Iterator[Ask]:
    if installing.is_list(path):
        yield from installing.asks(data, path)
    if path.suffix in _YAML or path.name == "MLmodel":
        yield from _in_yaml(data, path, limits, has)
    elif path.suffix == ".json":
        yield from _in_json(data, path, limits, has)
    elif path.name == "config.cfg":
        yield from spacy.asks(data)


def _in_json(data: bytes, path: PurePosixPath, limits: Limits, has: Callable[[str], bool]) -> Iterator[Ask]:
    try:
        value = load_json(data, depth=limits.json_depth, values=limits.json_values)
    except ParseError:
        if path.name in CONFIGS or b"auto_map" in data or b"_target_" in data:
            raise
        return  # somebody's own data, which no library reads by this name
    if not isinstance(value, dict) and path.name in CONFIGS - _LISTS:
        raise ParseError(f"an object was expected, not {type(value).__name__}")
    config = Config(path=path, value=value, has=has, most_parts=limits.config_parts)
    for judge in _JSON_JUDGES:
        yield from judge(config)
    if path.name in _NAMED_JUDGES:
        yield from _NAMED_JUDGES[path.name](config)


def _in_yaml(data: bytes, path: PurePosixPath, limits: Limits, has: Callable[[str], bool]) -> Iterator[Ask]:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):  # as PyYAML reads it
        data = data.decode("utf-16", "replace").encode()
    try:
        tree = read_yaml(data, limits)
    except ParseError as error:
        if path.name in _YAML_CONFIGS or _DEMANDING.search(data):
            raise
        yield Ask(slug="unreadable-data", message=printable(str(error), 200))
        return
    yield from yaml_files.asks(tree, limits)
    for number, document in enumerate(tree.documents):
        shadowed = tuple(tree.shadowed) if number == 0 else ()
        config = Config(path=path, value=document, has=has, most_parts=limits.config_parts, shadowed=shadowed)
        for judge in _YAML_JUDGES:
            yield from judge(config)
