"""What an answer depends on beside the bytes that it is about: our own code, the libraries, the machine."""

from __future__ import annotations

import hashlib
import platform
import sys
from functools import cache
from importlib import metadata
from pathlib import Path

_DATA = frozenset({".py", ".json", ".toml", ".txt", ".yaml"})


@cache
def code_digest() -> str:
    """Digest this program's own code and data: an answer given by other code is no answer."""
    root = Path(__file__).resolve().parents[2]
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*")):
        if path.suffix in _DATA and path.is_file():
            digest.update(f"{path.relative_to(root)}\0".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


@cache
def library_versions(names: tuple[str, ...]) -> dict[str, str]:
    """Give the versions of distributions, of Python and of the machine; empty for a distribution that is not there."""
    versions = {"python": sys.version, "machine": platform.machine(), "system": sys.platform}
    for name in names:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = ""
    return versions
