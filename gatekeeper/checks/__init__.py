"""Artifact → evidence: one check a file, and `ALL`, the registry in the order that reports show."""

from __future__ import annotations

from gatekeeper.checks import adapter, files, onnx, provenance
from gatekeeper.checks.check import Check, Context, Outcome, Rule, inspect
from gatekeeper.checks.files import graph_files, promises_code, scanner_server

ALL: tuple[Check, ...] = (*provenance.ALL, *onnx.ALL, *adapter.ALL, *files.ALL)
"""Every check; the last one asks whether the files changed while the others looked, and must stay last."""

__all__ = ["ALL", "Check", "Context", "Outcome", "Rule", "graph_files", "inspect", "promises_code", "scanner_server"]
