"""Which judge reads which format; those in `WITH_NEIGHBOURS` take the sizes of the files beside theirs as well."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from gatekeeper.checks.files.formats import Format
from gatekeeper.checks.files.problem import Judge
from gatekeeper.checks.files.runtimes.coreml import judge_coreml
from gatekeeper.checks.files.runtimes.ctranslate2 import judge_ctranslate2
from gatekeeper.checks.files.runtimes.fasttext import judge_fasttext
from gatekeeper.checks.files.runtimes.openvino import judge_openvino
from gatekeeper.checks.files.runtimes.pmml import judge_pmml
from gatekeeper.checks.files.runtimes.spacy_parts import judge_spacy_part
from gatekeeper.checks.files.runtimes.tf_checkpoint import judge_checkpoint
from gatekeeper.checks.files.runtimes.tflite import judge_tflite
from gatekeeper.checks.files.runtimes.whisper_ggml import judge_whisper

JUDGES: Mapping[Format, Judge] = MappingProxyType(
    {
        Format.TF_CHECKPOINT: judge_checkpoint,
        Format.CTRANSLATE2: judge_ctranslate2,
        Format.FASTTEXT: judge_fasttext,
        Format.TFLITE: judge_tflite,
        Format.GGML: judge_whisper,
        Format.OPENVINO_XML: judge_openvino,
        Format.PMML: judge_pmml,
        Format.COREML: judge_coreml,
        Format.SPACY: judge_spacy_part,
    }
)
"""Format → judge of one file or archive member; `unjudged` is the slug of what it could not look at."""

WITH_NEIGHBOURS = MappingProxyType(
    {Format.TF_CHECKPOINT: judge_checkpoint, Format.OPENVINO_XML: judge_openvino, Format.COREML: judge_coreml}
)
"""Format → the same judge, which can be given `sizes`."""
