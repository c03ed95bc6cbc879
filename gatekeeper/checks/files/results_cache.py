"""What was found in a file before: the same bytes under the same name, by the same code, get the same answer.

The name of an entry is a digest over everything that the answer depends on, so that nothing ever has to be called
stale. Only answers that depend on nothing else are kept: what ran out of time or memory, or could not be read, is
looked at again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from gatekeeper.checks.files.environment import code_digest, library_versions
from gatekeeper.checks.files.identify import Identity
from gatekeeper.checks.files.verdicts import Claim
from gatekeeper.evidence import Gap
from gatekeeper.limits import Limits
from gatekeeper.sealed_cache import SealedCache

_LIBRARIES = ("hayward", "picklescan", "defusedxml", "jinja2", "py7zr", "backports.zstd", "lz4", "rarfile", "pyyaml")
"""Distributions whose code the answer depends on, as far as they are installed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """What scanning one file came to."""

    claims: tuple[Claim, ...]
    gaps: tuple[Gap, ...]


class ResultsCache:
    """Answers about files, in a sealed cache.

    Args:
        sealed: Where they are kept.
        version: Of the check whose answers they are.
        limits: In force.
    """

    def __init__(self, sealed: SealedCache, version: int, limits: Limits) -> None:
        self._sealed = sealed
        self._given = {
            "version": version,
            "limits": asdict(limits),
            "code": code_digest(),
            "libraries": library_versions(_LIBRARIES),
        }

    def get(self, identity: Identity) -> Kept | None:
        """Give what was found in this file before; None when that is not known."""
        name = self._name(identity)
        value = self._sealed.get(name) if name else None
        try:
            return _read(json.loads(value)) if value is not None else None
        except (ValueError, TypeError, KeyError, RecursionError):
            return None

    def put(self, identity: Identity, kept: Kept) -> None:
        """Keep what was found in this file."""
        name = self._name(identity)
        if name and _is_plain(kept.claims) and _is_plain(kept.gaps):
            self._sealed.put(name, _canonical(asdict(kept)))

    def _name(self, identity: Identity) -> str:
        """Digest everything that the answer depends on; empty when the file was not hashed."""
        file = identity.file
        if file.sha256 is None or identity.error:
            return ""
        subject = {
            "sha256": file.sha256,
            "size": file.size,
            "path": str(file.path),
            "format": identity.format.value,
            "zip": identity.is_zip_too,
            "pickle": identity.is_pickle_too,
        }
        return hashlib.sha256(_canonical({**self._given, "file": subject})).hexdigest()


def _canonical(data: Any) -> bytes:
    return json.dumps(data, sort_keys=True, separators=(",", ":")).encode()


def _is_plain(items: Iterable[Any]) -> bool:
    """Whether JSON gives back exactly what it is given."""
    return all(type(value) in (str, int, bool, type(None)) for item in items for value in asdict(item).values())


def _read(data: Any) -> Kept:
    return Kept(
        claims=tuple(Claim(**claim) for claim in data["claims"]), gaps=tuple(Gap(**gap) for gap in data["gaps"])
    )
