"""Weights and graphs that lie in the repository itself, and the pointers that Git LFS leaves in their place."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator

from gatekeeper.limits import Limits
from gatekeeper.mention import Mention

# The specification of Git LFS: keys in alphabetical order after `version`, one line each.
_POINTER = re.compile(
    rb"version https?://(?:git-lfs\.github\.com|hawser\.github\.com)/spec/v1\n(?:ext-[^\n]{1,300}\n){0,8}"
    rb"oid sha256:([0-9a-f]{64})\nsize \d{1,20}\n?"
)
_POINTER_BYTES = 1024


def read_weights(data: bytes, path: str, limits: Limits) -> Iterator[Mention]:
    """Give the file itself, with the digest of its content, or what its pointer says of that."""
    yield Mention(line=0, name=path, revision=content(data, limits), local=True, call="file of the repository")


def content(data: bytes, limits: Limits) -> str:
    """Give `sha256:…` of what a file holds; empty when there are more bytes than `limits.source_bytes`."""
    pointer = _POINTER.fullmatch(data) if len(data) <= _POINTER_BYTES else None
    if pointer:
        return f"sha256:{pointer[1].decode('ascii')}"
    return f"sha256:{hashlib.sha256(data).hexdigest()}" if len(data) <= limits.source_bytes else ""
