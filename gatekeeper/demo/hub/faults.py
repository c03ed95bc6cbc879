"""Everything that can go wrong with a Hub, as switches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

ALWAYS = -1
"""For the switches that count: never stop."""


@dataclass(frozen=True, kw_only=True)
class Faults:
    """What the loopback Hub does wrong. The default is nothing.

    The counting switches (`busy`, `failing`, `dropped`) answer that many requests wrongly, then rightly; -1 means
    always. Setting `LoopbackHub.faults` starts the counts anew.
    """

    tamper: Mapping[str, bytes] = field(default_factory=dict)
    """Path → bytes delivered instead; listings, ETags and announced sizes stay those of the true file."""

    truncate: Mapping[str, int] = field(default_factory=dict)
    """Path → bytes after which the connection is closed, although the header promised all of them."""

    truncations: int = ALWAYS
    """How many deliveries `truncate` spoils."""

    missing: frozenset[str] = frozenset()
    """Paths that are listed but can't be downloaded."""

    without_siblings: frozenset[str] = frozenset()
    """Paths that the tree lists and the repo's info does not."""

    extra_entries: tuple[Mapping[str, Any], ...] = ()
    """Raw entries added to the tree, for example with a path that escapes."""

    rename: Mapping[str, str] = field(default_factory=dict)
    """Old id → new id: the old one is redirected."""

    scans: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Path → scanner (`avScan`, `jFrogScan`, …) → status, on top of what the repo says."""

    scan_pending: bool = False
    """Whether the Hub's scans are still queued."""

    busy: int = 0
    """Requests answered with 429."""

    retry_after: int | None = 0
    """Seconds in the `Retry-After` of a 429; None leaves the header out."""

    rate_limit: str = ""
    """The `RateLimit` header of a 429, such as `"api";r=0;t=55`."""

    failing: int = 0
    """Requests answered with 503."""

    dropped: int = 0
    """Requests whose connection is closed without an answer."""

    only: str = ""
    """Regular expression that a request's path must contain for `busy`, `failing` and `dropped` to strike."""

    bytes_per_second: int = 0
    """Pace of file bodies; 0 is as fast as it goes."""

    info_body: bytes | None = None
    """Sent instead of the JSON of a repo's info."""

    tree_body: bytes | None = None
    """Sent instead of the JSON of a tree."""

    commit: str | None = None
    """Told as the repo's commit instead of the true one."""

    etag: str | None = None
    """Told as every file's ETag instead of the true one."""

    ignore_ranges: bool = False
    """Whether ranged requests are answered with the whole file."""

    next_page: str | None = None
    """Told as the address of a listing's next page, for ever."""

    echo_token: bool = False
    """Whether errors quote the caller's token, as a careless proxy might."""
