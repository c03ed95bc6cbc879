"""Attestation → signed statements, and back: what somebody else can check later.

`approval_statement` says a person's sign-off as a statement, `read_approval` and `read_approvals` give it back. Each
name is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gatekeeper.attest.approval import APPROVAL_ENDING, approval_statement, read_approval, read_approvals

_HOMES = {
    "APPROVAL_ENDING": "approval",
    "approval_statement": "approval",
    "read_approval": "approval",
    "read_approvals": "approval",
}

__all__ = [
    "APPROVAL_ENDING",
    "approval_statement",
    "read_approval",
    "read_approvals",
]


def __getattr__(name: str) -> Any:
    """Load a public name from its module when it is first asked for (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
