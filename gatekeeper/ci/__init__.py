"""Which models a team's files name: one extractor a kind of file, none of which imports or runs what it reads.

for mention in extract("deploy/values.yaml", data):
    print(mention.place, mention.name or mention.unresolved)

`collect` does so for files and folders on this disk. No mention is ever about prose: Markdown is not read.
"""

from __future__ import annotations

from gatekeeper.ci.collecting import Wanted, collect, wanted
from gatekeeper.ci.extracting import EXTRACTORS, extract, takes
from gatekeeper.ci.extractor import Extractor
from gatekeeper.ci.patterns import check
from gatekeeper.mention import Mention, Pattern, Role

__all__ = [
    "EXTRACTORS",
    "Extractor",
    "Mention",
    "Pattern",
    "Role",
    "Wanted",
    "check",
    "collect",
    "extract",
    "takes",
    "wanted",
]
