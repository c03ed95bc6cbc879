"""Which models a team's files name, and which of them a change adds, changes or removes.

One extractor a kind of file, none of which imports or runs what it reads; git is asked as a child process in which
nothing of the repository runs.

    for mention in extract("deploy/values.yaml", data):
        print(mention.place, mention.name or mention.unresolved)
    for bump in bumps(Path(), "origin/main").bumps:
        print(bump.kind, bump.name, bump.revision)

`collect` extracts from files and folders on this disk. No mention is ever about prose: Markdown is not read.
"""

from __future__ import annotations

from gatekeeper.ci.checkout import Checkout, changed_paths, checkout, file_at
from gatekeeper.ci.collecting import Wanted, collect, wanted
from gatekeeper.ci.event import Event, Since, read_event, since
from gatekeeper.ci.extracting import EXTRACTORS, extract, takes
from gatekeeper.ci.extractor import Extractor
from gatekeeper.ci.finding import bumps, staged_bumps
from gatekeeper.ci.github import upsert_comment
from gatekeeper.ci.patterns import check
from gatekeeper.mention import Mention, Pattern, Role

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
