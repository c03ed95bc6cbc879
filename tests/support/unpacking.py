"""Unpacking one file without the scanners behind it."""

from __future__ import annotations

import tempfile
from pathlib import Path

from gatekeeper.checks.files.feed import Output
from gatekeeper.checks.files.identify import identities
from gatekeeper.checks.files.unpack import Unpacker
from gatekeeper.limits import DEFAULT_LIMITS
from tests.support.artifacts import artifact


def outputs(name: str, data: bytes) -> list[Output]:
    """Everything that unpacking gives."""
    subject = artifact({name: data})
    with tempfile.TemporaryDirectory() as folder, Unpacker(Path(folder), DEFAULT_LIMITS) as unpacker:
        return [found for identity in identities(subject) for found in unpacker.feeds(identity)]
