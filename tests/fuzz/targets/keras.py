"""Keras configurations, by themselves, in `.keras` archives and in the metadata of SavedModels."""

from __future__ import annotations

import json
from pathlib import PurePosixPath
from typing import BinaryIO

from gatekeeper.checks.files.formats import Format
from gatekeeper.checks.files.keras_config import judge_keras_config
from gatekeeper.checks.files.keras_files import judge_keras_metadata, judge_keras_zip
from gatekeeper.limits import Limits
from tests.fuzz import laws, seeds
from tests.fuzz.judging import MODEL_CODE, Answer, Judge, chosen, judged
from tests.support.samples import DENSE, LAMBDA


def _config(reader: BinaryIO, _name: PurePosixPath, size: int, limits: Limits) -> Answer:
    return tuple(judge_keras_config(reader.read(size), limits))


_JUDGES: tuple[Judge, ...] = (_config, judge_keras_zip, judge_keras_metadata)
_LAYERS = [json.dumps({"class_name": "Model", "config": {"layers": layers}}).encode() for layers in ([LAMBDA], [DENSE])]

SEEDS = seeds.chosen_by_first_byte(
    seeds.both(seeds.of(Format.KERAS_ZIP, Format.KERAS_METADATA), seeds.named("config.json"), lambda: _LAYERS),
    len(_JUDGES),
)
TOKENS = (
    b'"class_name"', b'"module"', b'"registered_name"', b'"config"', b'"layers"', b'"function"', b'"code"', b'"Lambda"',
    b'"__lambda__"', b'"keras.layers"', b'"os"', b'"symbol"', b'"TFOpLambda"', b'"vocabulary"', b'"/etc/passwd"',
    b"NaN",
    b"[", b"]", b"{", b"}", b'{"a":', b"config.json", b"model.weights.h5", b"PK\x01\x02", b"null",
)  # fmt: skip


def answer(data: bytes) -> Answer:
    number, data = chosen(data, len(_JUDGES))
    return judged(_JUDGES[number], "m", data, MODEL_CODE)


def one_input(data: bytes) -> None:
    laws.same_twice(answer, data)
    text = data[1:].decode("utf-8", "replace")
    wrapped = json.dumps({"class_name": "Model", "config": {"x": text, "layers": [LAMBDA]}, "y": [text]}).encode()
    if not any(problem.slug == "keras-lambda" for problem in answer(b"\0" + wrapped)):
        raise laws.LawError("the code in a layer is not seen for the text around it")
