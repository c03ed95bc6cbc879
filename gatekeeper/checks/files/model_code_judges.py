"""Which judge looks for code in which model format; `unjudged` is the slug of what a judge could not look at."""

from __future__ import annotations

from collections.abc import Mapping

from gatekeeper.checks.files.exported_program import judge_exported_program
from gatekeeper.checks.files.formats import Format
from gatekeeper.checks.files.hdf5_content import judge_hdf5_content
from gatekeeper.checks.files.keras_files import judge_keras_json, judge_keras_metadata, judge_keras_zip
from gatekeeper.checks.files.problem import Judge
from gatekeeper.checks.files.skops_schema import judge_skops
from gatekeeper.checks.files.tensorflow_graph import judge_frozen_graph, judge_meta_graph, judge_saved_model
from gatekeeper.checks.files.torchscript_code import judge_torchscript

JUDGES: Mapping[Format, Judge] = {
    Format.KERAS_ZIP: judge_keras_zip,
    Format.HDF5: judge_hdf5_content,
    Format.JSON: judge_keras_json,
    Format.KERAS_METADATA: judge_keras_metadata,
    Format.SAVED_MODEL: judge_saved_model,
    Format.FROZEN_GRAPH: judge_frozen_graph,
    Format.TF_CHECKPOINT: judge_meta_graph,
    Format.TORCHSCRIPT: judge_torchscript,
    Format.PT2: judge_exported_program,
    Format.SKOPS: judge_skops,
}
"""One judge for each format."""
