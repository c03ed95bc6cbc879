"""How a source is to be opened."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path

from gatekeeper.limits import DEFAULT_LIMITS, Limits


def _say_nothing(_paths: Collection[str]) -> None: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceOptions:
    """Settings of the sources stage. Folders and files read `jobs`, `exclude`, `limits` and `announce` alone."""

    cache_dir: Path | None = None
    """The Hub client's cache; None means where the client has it (`HF_HUB_CACHE`, `HF_HOME`)."""

    endpoint: str | None = None
    """Base address of the Hub; None means `HF_ENDPOINT`, else the public Hub."""

    token: str | None = field(default=None, repr=False)
    """Access token; None means the one that the client finds (`HF_TOKEN`, a login)."""

    offline: bool = False
    """Use the cache alone. `HF_HUB_OFFLINE` asks for the same."""

    metadata_only: bool = False
    """Download no weights: read them, where a check needs to, by ranged requests."""

    jobs: int = 8
    """Files downloaded or hashed at the same time, at least 1."""

    exclude: tuple[str, ...] = ()
    """Patterns of files to leave out (see `gatekeeper.sources.exclusion`); they are neither downloaded nor judged."""

    limits: Limits = DEFAULT_LIMITS

    announce: Callable[[Collection[str]], None] = field(default=_say_nothing, repr=False, compare=False)
    """Told the paths of an artifact's files before any is downloaded or hashed, so that others can make ready."""
