"""OpenSSF Model Signing: the manifest that a publisher signs, read strictly and written as the format's own tool does.

Source: https://github.com/sigstore/model-transparency, docs/model_signing_format.md, and model_signing 1.1.1. A
manifest is an in-toto statement whose predicate lists *resources*, each a name and a digest, and how they were made
(*serialization*): one for each file, or one for each slice of a file. The digest of its single subject is the SHA-256
over all resources' digests in the order of the list, so nothing but the list can be held against files.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from gatekeeper.errors import Refusal, SignatureError
from gatekeeper.limits import DEFAULT_LIMITS
from gatekeeper.signing import strict
from gatekeeper.signing.statement import OMS, Statement, StatementSubject
from gatekeeper.text import plural, printable

SIGNATURE_NAME = "model.sig"
"""Where a signature lies by default, at the top of the model."""

FORMAT_IGNORES = (".git", ".gitattributes", ".github", ".gitignore")
"""What the format leaves out of every model, unless the signer asked otherwise."""

OLD_PREDICATE = "https://model_signing/Digests/v0.1"
"""What model_signing 0.2 wrote: it does not say how files were hashed."""

_SERIALIZATION = frozenset({"method", "hash_type", "allow_symlinks"})
_SERIALIZATION_MORE = frozenset({"shard_size", "ignore_paths"})
_RESOURCE = frozenset({"name", "algorithm", "digest"})
_DIGITS = {"sha256": 64, "blake2b": 128, "blake3": 64}
"""Hash → hexadecimal digits of its digests."""

_HEX = re.compile(r"[0-9a-f]*\Z")
_OFFSET = re.compile(r"(?:0|[1-9][0-9]{0,18})\Z")


@dataclass(frozen=True, kw_only=True, slots=True)
class Slice:
    """Some bytes of a file, and their digest."""

    start: int
    """First byte."""

    end: int
    """Byte after the last one; -1 for the file's end, wherever it is."""

    digest: str
    """Hexadecimal."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """What a signer says about a model's files."""

    name: str
    """The signer's own name for the model: its folder. Proves nothing."""

    hash: str
    """`sha256`, `blake2b` or `blake3`."""

    shard_bytes: int
    """Bytes of each slice but the last one of a file; 0 when files are hashed whole."""

    files: Mapping[str, tuple[Slice, ...]]
    """Path → its slices, in order and without holes."""

    ignored: tuple[str, ...]
    """Paths that the signer left out, with everything below them."""

    follows_links: bool
    """Whether symbolic links were followed."""


def manifest_of(name: str, files: Iterable[tuple[str, str]], *, follows_links: bool) -> Manifest:
    """Make the manifest of a model from digests that are known already.

    Args:
        name: The model's folder.
        files: Path and SHA-256 of each; what the format ignores is left out here.
        follows_links: Whether some file lies behind a symbolic link.
    """
    ignored = (SIGNATURE_NAME, *FORMAT_IGNORES)
    left_out = Ignored(ignored)
    signed = {path: (Slice(start=0, end=-1, digest=digest),) for path, digest in files if not left_out.covering(path)}
    return Manifest(name=name, hash="sha256", shard_bytes=0, files=signed, ignored=ignored, follows_links=follows_links)


def statement_of(manifest: Manifest) -> Statement:
    """Write a manifest of whole files as the statement to be signed."""
    # model_signing compares paths part by part: `a/b` stands before `a.txt`.
    ordered = sorted(manifest.files, key=lambda path: PurePosixPath(path).parts)
    resources = [
        {"name": path, "algorithm": manifest.hash, "digest": manifest.files[path][0].digest} for path in ordered
    ]
    serialization = {
        "method": "files",
        "hash_type": manifest.hash,
        "allow_symlinks": manifest.follows_links,
        "ignore_paths": list(manifest.ignored),
    }
    root = _root_digest(each["digest"] for each in resources)
    return Statement(
        subjects=(StatementSubject(name=manifest.name, digest={"sha256": root}),),
        predicate_type=OMS,
        predicate={"serialization": serialization, "resources": resources},
    )


def parse_manifest(statement: Statement) -> Manifest:
    """Read the manifest out of a statement.

    Fields of the predicate beside the two that version 1.0 knows are passed over, as the format asks.

    Raises:
        SignatureError: When it is another predicate, malformed, or contradicts itself.
    """
    if statement.predicate_type != OMS:
        raise other_type(statement.predicate_type)
    for field in ("serialization", "resources"):
        if field not in statement.predicate:
            raise strict.malformed(f"the manifest lacks {field!r}")
    how = _serialization(statement.predicate["serialization"])
    items = [_resource(each, how) for each in _bounded(statement.predicate["resources"])]
    _hold_root(statement, items)
    files: dict[str, list[Slice]] = {}
    for path, part in items:
        files.setdefault(path, []).append(part)
    return Manifest(
        name=statement.subjects[0].name,
        hash=how["hash_type"],
        shard_bytes=how["shard_size"],
        files={path: _in_order(path, slices, how["shard_size"]) for path, slices in files.items()},
        ignored=tuple(how["ignore_paths"]),
        follows_links=how["allow_symlinks"],
    )


class Ignored:
    """The paths that a signer left out, asked file by file."""

    def __init__(self, paths: Iterable[str]) -> None:
        """Read the list as model_signing does: a path covers itself and all below it, letter case counts."""
        # An absolute path, or one that goes upwards, covers nothing inside the model.
        self._covers = {PurePosixPath(path).parts: path for path in paths}

    def covering(self, path: str) -> str | None:
        """Give the entry that covers a path, as written; None when none does."""
        parts = PurePosixPath(path).parts
        # The empty path, also written as `.`, covers everything.
        starts = (parts[:length] for length in range(len(parts) + 1))
        return next((self._covers[start] for start in starts if start in self._covers), None)


def other_type(kind: str) -> SignatureError:
    """Make the error for a statement with another predicate."""
    old = kind == OLD_PREDICATE
    written = ", as model_signing 0.2 wrote it," if old else ""
    return SignatureError(
        f"it is a statement of type {printable(kind, 80)!r}{written} and {OMS!r} was expected",
        refusal=Refusal.OTHER_TYPE,
        hint="ask the publisher to sign with model_signing 1.0 or newer" if old else "",
    )


def _serialization(value: object) -> dict[str, Any]:
    value = dict(strict.fields(value, "the manifest's serialization", _SERIALIZATION, _SERIALIZATION_MORE))
    method, hash_type = value["method"], value["hash_type"]
    if method not in ("files", "shards"):
        raise _unknown("way to serialise", method)
    if not isinstance(hash_type, str) or hash_type not in _DIGITS:
        raise _unknown("hash", hash_type)
    if not isinstance(value["allow_symlinks"], bool):
        raise strict.malformed("the manifest's allow_symlinks is neither true nor false")
    ignored = strict.items(value.get("ignore_paths", []), "the manifest's ignore_paths")
    paths = [strict.text(each, "an ignored path", DEFAULT_LIMITS.path_bytes) for each in ignored]
    return {**value, "shard_size": _shard_size(value, sliced=method == "shards"), "ignore_paths": paths}


def _shard_size(value: Mapping[str, Any], *, sliced: bool) -> int:
    if ("shard_size" in value) != sliced:
        raise strict.malformed("the manifest gives a shard_size where there are no shards, or none where there are")
    size = value.get("shard_size", 0)
    # Some writers have 1000000000.0: it passes through a protobuf Struct, whose numbers are doubles.
    if isinstance(size, bool) or not isinstance(size, int | float) or size != int(size) or (sliced and size < 1):
        raise strict.malformed("the manifest's shard_size is no positive whole number")
    return int(size)


def _bounded(value: object) -> list[Any]:
    resources = strict.items(value, "the manifest's resources")
    if len(resources) > DEFAULT_LIMITS.signed_resources:
        raise SignatureError(
            f"the manifest has more than {plural(DEFAULT_LIMITS.signed_resources, 'resource')} (signed_resources)",
            refusal=Refusal.TOO_LARGE,
        )
    return resources


def _resource(value: object, how: Mapping[str, Any]) -> tuple[str, Slice]:
    value = strict.fields(value, "a resource of the manifest", _RESOURCE)
    name = strict.text(value["name"], "a resource's name", DEFAULT_LIMITS.path_bytes + 40)
    expected = how["hash_type"] + (f"-sharded-{how['shard_size']}" if how["shard_size"] else "")
    if value["algorithm"] != expected:
        raise _unknown(f"algorithm for {printable(name, 80)} ({expected} was expected):", value["algorithm"])
    digest = strict.text(value["digest"], "a resource's digest")
    if len(digest) != _DIGITS[how["hash_type"]] or not _HEX.match(digest):
        raise strict.malformed(f"the digest of {printable(name, 80)} is none of {how['hash_type']}, in lower case")
    path, start, end = _sliced(name) if how["shard_size"] else (name, 0, -1)
    if path == ".":
        raise SignatureError(
            "it signs a single file, and a folder was expected",
            refusal=Refusal.OTHER_TYPE,
            hint="ask the publisher to sign the folder",
        )
    parts = PurePosixPath(path).parts
    if not path or path != "/".join(parts) or ".." in parts:
        raise strict.malformed(f"{printable(path, 80)!r} is no path inside a model")
    return path, Slice(start=start, end=end, digest=digest)


def _sliced(name: str) -> tuple[str, int, int]:
    parts = name.rsplit(":", 2)
    if len(parts) != 3 or not all(_OFFSET.match(each) for each in parts[1:]):
        raise strict.malformed(f"the resource {printable(name, 80)!r} is not named path:start:end")
    return parts[0], int(parts[1]), int(parts[2])


def _in_order(path: str, slices: list[Slice], size: int) -> tuple[Slice, ...]:
    """Give a file's slices from its first byte to its last one.

    Raises:
        SignatureError: When there is a hole, an overlap, or a slice of another size than was given.
    """
    if not size:
        if len(slices) > 1:
            raise strict.malformed(f"the manifest lists {printable(path, 80)} twice")
        return tuple(slices)
    ordered = sorted(slices, key=lambda each: each.start)
    for number, each in enumerate(ordered):
        length = each.end - each.start
        is_last = number == len(ordered) - 1
        if each.start != number * size or not 0 < length <= size or (length < size and not is_last):
            raise strict.malformed(f"the slices of {printable(path, 80)} leave a hole or overlap")
    return tuple(ordered)


def _hold_root(statement: Statement, items: Iterable[tuple[str, Slice]]) -> None:
    if len(statement.subjects) != 1:
        raise strict.malformed(f"the manifest has {len(statement.subjects)} subjects instead of one")
    said = statement.subjects[0].digest
    if set(said) != {"sha256"}:
        raise strict.malformed("the manifest's subject has another digest than one of sha256")
    found = _root_digest(part.digest for _, part in items)
    if said["sha256"] != found:
        raise strict.malformed(
            f"the manifest contradicts itself: its subject has sha256 {said['sha256'][:12]}…, "
            f"and its resources come to {found[:12]}…"
        )


def _root_digest(digests: Iterable[str]) -> str:
    total = hashlib.sha256()
    for digest in digests:
        total.update(bytes.fromhex(digest))
    return total.hexdigest()


def _unknown(what: str, value: object) -> SignatureError:
    return SignatureError(
        f"the manifest names an unknown {what} {printable(str(value), 40)!r}", refusal=Refusal.UNKNOWN_ALGORITHM
    )
