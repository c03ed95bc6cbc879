"""Which judge reads which format; those in `WITH_NEIGHBOURS` take the sizes of the files beside theirs as well."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import BinaryIO

from gatekeeper.checks.files.formats import Format
from gatekeeper.checks.files.problem import Problem
from gatekeeper.checks.files.runtimes.ctranslate2 import judge_ctranslate2
from gatekeeper.checks.files.runtimes.fasttext import judge_fasttext
from gatekeeper.checks.files.runtimes.tf_checkpoint import judge_checkpoint
from gatekeeper.checks.files.runtimes.tflite import judge_tflite
from gatekeeper.checks.files.runtimes.whisper_ggml import judge_whisper
from gatekeeper.limits import Limits

JUDGES: Mapping[Format, Callable[[BinaryIO, PurePosixPath, int, Limits], Iterator[Problem]]] = MappingProxyType(
    {
        Format.TF_CHECKPOINT: judge_checkpoint,
        Format.CTRANSLATE2: judge_ctranslate2,
        Format.FASTTEXT: judge_fasttext,
        Format.TFLITE: judge_tflite,
        Format.GGML: judge_whisper,
    }
)
"""Format → judge of one file or archive member; `unjudged` is the slug of what it could not look at."""

WITH_NEIGHBOURS = MappingProxyType({Format.TF_CHECKPOINT: judge_checkpoint})
"""Format → the same judge, which can be given `sizes`."""
