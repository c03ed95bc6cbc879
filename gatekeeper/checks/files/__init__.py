"""What the files are, whether they are sound, and what loading them would do.

Shared by the checks: `identify` (what a file is), `feed` and `unpack` (what the scanners are given), `scanner` and
`limited_child` (how they are run), and one strict reader a format.
"""

from __future__ import annotations

from gatekeeper.checks.check import Check
from gatekeeper.checks.files.coverage import Coverage
from gatekeeper.checks.files.environment import code_digest, library_versions
from gatekeeper.checks.files.executables import Executables
from gatekeeper.checks.files.formats_check import Formats
from gatekeeper.checks.files.hidden_text import HiddenText
from gatekeeper.checks.files.leaked_secrets import Secrets
from gatekeeper.checks.files.limited_child import scanner_server
from gatekeeper.checks.files.load_path import LoadPath
from gatekeeper.checks.files.model_code import ModelCode
from gatekeeper.checks.files.names import promises_code
from gatekeeper.checks.files.onnx_files import graph_files
from gatekeeper.checks.files.paths import Paths
from gatekeeper.checks.files.protobuf_stream import Field as WireField
from gatekeeper.checks.files.protobuf_stream import ProtobufStream as WireWalk
from gatekeeper.checks.files.python_code import PythonCode
from gatekeeper.checks.files.remote_code import RemoteCode
from gatekeeper.checks.files.runtime_models import RuntimeModels
from gatekeeper.checks.files.safetensors_header import read_header as read_safetensors
from gatekeeper.checks.files.scanners import Scanners
from gatekeeper.checks.files.structure import Structure
from gatekeeper.checks.files.templates_check import Templates
from gatekeeper.checks.files.unchanged import Unchanged
from gatekeeper.checks.files.unfollowed import other_graphs

ALL: tuple[Check, ...] = (
    Paths(),
    Formats(),
    Structure(),
    Scanners(),
    Templates(),
    ModelCode(),
    RuntimeModels(),
    RemoteCode(),
    PythonCode(),
    Executables(),
    Secrets(),
    HiddenText(),
    LoadPath(),
    Coverage(),
    Unchanged(),
)
"""The checks of this room, in the order of reports; `files/unchanged` must come last."""

__all__ = [
    "ALL",
    "WireField",
    "WireWalk",
    "code_digest",
    "graph_files",
    "library_versions",
    "other_graphs",
    "promises_code",
    "read_safetensors",
    "scanner_server",
]
