"""Which models a team's files name, and which of them a change adds, changes or removes.

One extractor a kind of file, none of which imports or runs what it reads; git is asked as a child process in which
nothing of the repository runs.

    for mention in extract("deploy/values.yaml", data):
        print(mention.place, mention.name or mention.unresolved)
    for bump in bumps(Path(), "origin/main").bumps:
        print(bump.kind, bump.name, bump.revision)

`collect` extracts from files and folders on this disk. No mention is ever about prose: Markdown is not read.
Names are loaded when they are first asked for, as most changes need few of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatekeeper.lazy import lazy
from gatekeeper.mention import Mention, Pattern, Role

if TYPE_CHECKING:
    from gatekeeper.ci.checkouts import Checkout, changed_paths, checkout, file_at
    from gatekeeper.ci.collecting import Wanted, collect, wanted
    from gatekeeper.ci.event import Event, Since, read_event, since
    from gatekeeper.ci.extracting import extract, takes
    from gatekeeper.ci.extractor import Extractor
    from gatekeeper.ci.finding import bumps, staged_bumps
    from gatekeeper.ci.github import upsert_comment
    from gatekeeper.ci.kinds import EXTRACTORS
    from gatekeeper.ci.patterns import check

__all__ = [
    "EXTRACTORS",
    "Checkout",
    "Event",
    "Extractor",
    "Mention",
    "Pattern",
    "Role",
    "Since",
    "Wanted",
    "bumps",
    "changed_paths",
    "check",
    "checkout",
    "collect",
    "extract",
    "file_at",
    "read_event",
    "since",
    "staged_bumps",
    "takes",
    "upsert_comment",
    "wanted",
]

_HOMES = {
    "EXTRACTORS": "kinds",
    "Checkout": "checkouts",
    "Event": "event",
    "Extractor": "extractor",
    "Since": "event",
    "Wanted": "collecting",
    "bumps": "finding",
    "changed_paths": "checkouts",
    "check": "patterns",
    "checkout": "checkouts",
    "collect": "collecting",
    "extract": "extracting",
    "file_at": "checkouts",
    "read_event": "event",
    "since": "event",
    "staged_bumps": "finding",
    "takes": "extracting",
    "upsert_comment": "github",
    "wanted": "collecting",
}

__getattr__ = lazy(__name__, _HOMES)
