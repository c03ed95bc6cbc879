"""Attestation → which controls of which frameworks it is evidence relevant to, and why.

The mapping is data (`controls.yaml`, its shape in `controls-1.0.json`), versioned apart from the code. Nothing here
says that a control is met: evidence is what an auditor looks at before saying so.
"""

from __future__ import annotations

from gatekeeper.report.controls.catalogue import OUTPUTS, Control, Framework, Kind, Mapping, catalogue, kinds
from gatekeeper.report.controls.evidence import (
    CAVEAT,
    HEADING,
    ControlEvidence,
    Cover,
    KindEvidence,
    Relevance,
    controls_for,
    covers,
    held_kinds,
)

__all__ = [
    "CAVEAT",
    "HEADING",
    "OUTPUTS",
    "Control",
    "ControlEvidence",
    "Cover",
    "Framework",
    "Kind",
    "KindEvidence",
    "Mapping",
    "Relevance",
    "catalogue",
    "controls_for",
    "covers",
    "held_kinds",
    "kinds",
]
