"""Text → `Lock`, strictly: what is not in the form of docs/lock.md is refused, by line or by model."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gatekeeper.artifact import Kind, artifact_digest
from gatekeeper.decision import Action
from gatekeeper.errors import InputError, LimitError, NotFoundError
from gatekeeper.limits import DEFAULT_LIMITS
from gatekeeper.lock import LOCK_VERSION, Lock, LockedBase, LockedFile, LockedModel
from gatekeeper.lockfile.names import is_model_id
from gatekeeper.lockfile.plain import Fields
from gatekeeper.text import printable

_COMMIT = re.compile(r"[0-9a-f]{40}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
# One segment of a repo's id, as the Hub's client accepts it.
_CONFLICT = re.compile(r"^(?:<{7}|={7}|>{7}|\|{7})(?: .*)?$", re.MULTILINE)

_REQUIRED = ("commit", "digest", "kind", "policy", "verdict", "decided", "files")
_OPTIONAL = ("signer", "base", "exclude")
_FIELDS = frozenset({"size", "sha256"})
_TEXT_CHARACTERS = 1000
"""Most characters of a signer's name or of a pattern."""

_PART_BYTES = 255
_LARGEST = 2**63 - 1

_AGAIN = "restore the file from git, or lock the model again"


class _FormError(ValueError):
    """What is wrong with one entry, in words that follow its name."""


def read(path: Path) -> Lock:
    """Read a lock.

    Raises:
        NotFoundError: When there is no such file.
        InputError: When it is no lock, names its files twice over, or an entry's digest is not that of its files.
        LimitError: When it is larger than `limits.lock_bytes`.
    """
    shown = printable(str(path))
    lock = parse(read_text(path), source=shown)
    for model in lock.models:
        if model.digest != artifact_digest((file.path, file.sha256) for file in model.files):
            raise InputError(
                f'{shown}: [models."{model.id}"] digest is not the one of the files that follow it', hint=_AGAIN
            )
    return lock


def read_text(path: Path) -> str:
    """Read the bytes of a lock, bounded, as UTF-8.

    Raises:
        NotFoundError: When there is no such file.
        InputError: When it can't be read or is not UTF-8.
        LimitError: When it is larger than `limits.lock_bytes`.
    """
    shown, limit = printable(str(path)), DEFAULT_LIMITS.lock_bytes
    try:
        with path.open("rb") as stream:
            data = stream.read(limit + 1)
    except FileNotFoundError as error:
        raise NotFoundError(f"there is no lock at {shown}", hint="`gatekeeper lock org/name` writes one") from error
    except OSError as error:
        raise InputError(f"{shown} can't be read: {error.strerror}") from error
    if len(data) > limit:
        raise LimitError(f"{shown} is larger than {limit} bytes (limit lock_bytes)")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(f"{shown}:{line}: not UTF-8", hint=_AGAIN) from error


def parse(text: str, *, source: str = "gatekeeper.lock") -> Lock:
    """Read the text of a lock; digests are not compared with the files that they stand for.

    Args:
        text: TOML.
        source: What errors call it.

    Raises:
        InputError: When it is not in the form of a lock.
    """
    table = load_toml(text, source)
    _check_version(table, source)
    unknown = sorted(table.keys() - {"version", "models"})
    if unknown:
        raise InputError(f"{source}: unknown key {_quoted(unknown[0])}", hint="a lock holds `version` and `models`")
    models = table.get("models", {})
    if not isinstance(models, dict):
        raise InputError(f"{source}: models is no table", hint=_AGAIN)
    return Lock(models=tuple(_named_entry(id, models[id], source) for id in sorted(models)))


def load_toml(text: str, source: str) -> dict[str, Any]:
    """Parse TOML; leftovers of a merge get a message of their own.

    Raises:
        InputError: Naming the line.
    """
    import tomllib

    conflict = _CONFLICT.search(text)
    if conflict:
        line = text.count("\n", 0, conflict.start()) + 1
        raise InputError(
            f"{source}:{line}: a merge left its conflict in the lock",
            hint="take one side of it, then lock the models again that both sides changed",
        )
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:  # ValueError: a number of many digits
        place = re.search(r"\(at line (\d+), column \d+\)$", str(error))
        where, said = (f"{source}:{place[1]}", str(error)[: place.start()]) if place else (source, str(error))
        raise InputError(f"{where}: not TOML: {printable(said.strip())}", hint=_AGAIN) from error


def plain_entries(lock: Lock) -> dict[bytes, Fields]:
    """Give every entry, by its id, as the short way to one does."""
    return {
        model.id.encode(): {
            key.encode(): value.encode()
            for key, value in {
                "commit": model.commit,
                "digest": f"sha256:{model.digest}",
                "kind": str(model.kind),
                "signer": model.signer,
                "base": str(model.base or ""),
                "policy": model.policy,
                "verdict": str(model.verdict),
            }.items()
            if value
        }
        for model in lock.models
    }


def _check_version(table: Mapping[str, Any], source: str) -> None:
    version = table.get("version")
    if version is None:
        raise InputError(f"{source}: `version` is missing", hint=f"a lock begins with `version = {LOCK_VERSION}`")
    if type(version) is not int or version < 1:
        raise InputError(f"{source}: `version` is not a version", hint=f"this gatekeeper reads {LOCK_VERSION}")
    if version != LOCK_VERSION:
        raise InputError(
            f"{source}: the lock has version {version}, this gatekeeper reads {LOCK_VERSION}",
            hint="upgrade: pip install -U gatekeeper-models",
        )


def _named_entry(id: str, value: Any, source: str) -> LockedModel:
    where = f"{source}: [models.{_quoted(id)}]"
    if not is_model_id(id):
        raise InputError(f"{where}: not the id of a model on the Hub", hint="ids look like org/name")
    try:
        return _entry(id, value)
    except _FormError as error:
        raise InputError(f"{where} {error}", hint=_AGAIN) from None


def _entry(id: str, value: Any) -> LockedModel:
    if not isinstance(value, dict):
        raise _FormError("is no table")
    unknown = sorted(value.keys() - {*_REQUIRED, *_OPTIONAL})
    if unknown:
        raise _FormError(f"has an unknown key {_quoted(unknown[0])}")
    missing = [key for key in _REQUIRED if key not in value]
    if missing:
        raise _FormError(f"lacks `{missing[0]}`")
    return LockedModel(
        id=id,
        commit=_form(value, "commit", _COMMIT, "forty hexadecimal digits"),
        digest=_form(value, "digest", _DIGEST, "sha256: and 64 hexadecimal digits").removeprefix("sha256:"),
        kind=Kind(_word(value, "kind", tuple(Kind))),
        files=_files(value["files"]),
        signer=_text(value["signer"], "signer") if "signer" in value else "",
        base=_base(value["base"]) if "base" in value else None,
        policy=_form(value, "policy", _DIGEST, "sha256: and 64 hexadecimal digits"),
        verdict=Action(_word(value, "verdict", tuple(Action))),
        decided_at=_moment(value["decided"]),
        exclude=_patterns(value["exclude"]) if "exclude" in value else (),
    )


def _form(table: Mapping[str, Any], key: str, form: re.Pattern[str], what: str) -> str:
    value = table[key]
    if not isinstance(value, str) or not form.fullmatch(value):
        raise _FormError(f"`{key}` is not {what}")
    return value


def _word(table: Mapping[str, Any], key: str, words: tuple[str, ...]) -> str:
    value = table[key]
    if not isinstance(value, str) or value not in words:
        raise _FormError(f"`{key}` is none of {', '.join(words)}")
    return value


def _text(value: Any, key: str) -> str:
    if not isinstance(value, str) or not value or len(value) > _TEXT_CHARACTERS:
        raise _FormError(f"`{key}` is no text of 1 to {_TEXT_CHARACTERS} characters")
    if any(unicodedata.category(character) == "Cc" for character in value):
        raise _FormError(f"`{key}` holds control characters")
    return value


def _base(value: Any) -> LockedBase:
    id, at, commit = value.partition("@") if isinstance(value, str) else ("", "", "")
    if not is_model_id(id) or (at and not _COMMIT.fullmatch(commit)):
        raise _FormError("`base` is not org/name or org/name@<40 hexadecimal digits>")
    return LockedBase(id=id, commit=commit)


def _moment(value: Any) -> datetime:
    if not isinstance(value, datetime) or value.utcoffset() is None or value.microsecond:
        raise _FormError("`decided` is not a time in whole seconds with its zone, such as 2026-01-31T10:00:00Z")
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise _FormError("`decided` is not a time in UTC") from None


def _patterns(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        raise _FormError("`exclude` is no list of patterns")
    return tuple(_text(each, "exclude") for each in value)


def _files(value: Any) -> tuple[LockedFile, ...]:
    if not isinstance(value, dict) or not value:
        raise _FormError("`files` is no table with a line for each file")
    if len(value) > DEFAULT_LIMITS.max_files:
        raise _FormError(f"names more than {DEFAULT_LIMITS.max_files} files (limit max_files)")
    return tuple(_file(path, value[path]) for path in sorted(value))


def _file(path: str, value: Any) -> LockedFile:
    shown = _quoted(path)
    reason = _refusal(path)
    if reason:
        raise _FormError(f"file {shown}: {reason}")
    if not isinstance(value, dict) or value.keys() != _FIELDS:
        raise _FormError(f"file {shown} is not {{ size = …, sha256 = … }}")
    size, sha256 = value["size"], value["sha256"]
    if type(size) is not int or not 0 <= size <= _LARGEST:
        raise _FormError(f"file {shown}: `size` is no number of bytes")
    if not isinstance(sha256, str) or not _SHA256.fullmatch(sha256):
        raise _FormError(f"file {shown}: `sha256` is not 64 hexadecimal digits")
    return LockedFile(path=path, size=size, sha256=sha256)


def _refusal(path: str) -> str:
    """Say why a path may not stand in a lock; empty when it may. As for the paths of artifacts."""
    parts = path.split("/")
    if len(path.encode("utf-8")) > DEFAULT_LIMITS.path_bytes or any(len(p.encode()) > _PART_BYTES for p in parts):
        return "the path is too long"
    if path.startswith("/") or re.match("[A-Za-z]:", path):
        return "the path is absolute"
    if "\\" in path or any(unicodedata.category(character) == "Cc" for character in path):
        return "the path holds a backslash or control characters"
    if any(part in ("", ".", "..") for part in parts):
        return "the path has empty, '.' or '..' parts"
    return ""


def _quoted(text: str) -> str:
    return f'"{printable(text, 120)}"'
