"""Which models a team's files name, and which of them a change adds, changes or removes.

One extractor a kind of file, none of which imports or runs what it reads; git is asked as a child process in which
nothing of the repository runs.

    for mention in collect([Path("src")]):
        print(mention.place, mention.name or mention.unresolved)
    for bump in bumps(Path(), "origin/main").bumps:
        print(bump.kind, bump.name, bump.revision)
"""

from __future__ import annotations

from gatekeeper.ci.checkout import Checkout, changed_paths, checkout, file_at
from gatekeeper.ci.collecting import EXTRACTORS, Wanted, collect, wanted
from gatekeeper.ci.event import Event, Since, read_event, since
from gatekeeper.ci.extracting import extract, takes
from gatekeeper.ci.extractor import Extractor
from gatekeeper.ci.finding import bumps, staged_bumps
from gatekeeper.ci.github import upsert_comment
from gatekeeper.mention import Mention, Role

__all__ = [
    "EXTRACTORS",
    "Checkout",
    "Event",
    "Extractor",
    "Mention",
    "Role",
    "Since",
    "Wanted",
    "bumps",
    "changed_paths",
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
