"""Where answers about files are kept, and the key that seals them; docs/adr/0010-result-cache.md has the reasons."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from gatekeeper.errors import InputError

if TYPE_CHECKING:
    from gatekeeper.sealed_cache import SealedCache

KEY_VARIABLE = "GATEKEEPER_CACHE_KEY"
"""Environment variable with a secret of at least 32 characters, for machines that share a cache."""

_FOLDER = "gatekeeper-answers"


def open_answers(cache_dir: Path | None) -> tuple[AbstractContextManager[SealedCache | None], str]:
    """Open the cache of answers.

    Args:
        cache_dir: As the option has it; None for the user's own cache.

    Returns:
        The cache, or a context of None; and where it lies, or why there is none.

    Raises:
        InputError: When the key in the environment is too short to be one.
    """
    from gatekeeper.sealed_cache import SealedCache

    try:
        folder = _folder(cache_dir)
        return SealedCache(folder, _key(folder)), str(folder)
    except (OSError, ValueError, RuntimeError) as error:  # RuntimeError: a user without a home
        return nullcontext(), str(error)


def _folder(cache_dir: Path | None) -> Path:
    if cache_dir is not None:
        return cache_dir.expanduser().absolute() / _FOLDER
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if Path(base).is_absolute() else Path.home() / ".cache") / _FOLDER


def _key(folder: Path) -> bytes:
    from gatekeeper.sealed_cache import key_from, stored_key

    secret = os.environ.get(KEY_VARIABLE)
    if secret:  # CI gives jobs without a secret an empty one
        try:
            return key_from(secret)
        except ValueError as error:
            raise InputError(
                f"{KEY_VARIABLE} can't be a key: {error}", hint="openssl rand -hex 32 makes one"
            ) from error
    base = os.environ.get("XDG_STATE_HOME", "")
    state = Path(base) if Path(base).is_absolute() else Path.home() / ".local" / "state"
    path = state / "gatekeeper" / "cache.key"
    if path.resolve().is_relative_to(folder.resolve()):
        raise ValueError(f"the key {path} would lie in the cache that it seals")
    return stored_key(path)
