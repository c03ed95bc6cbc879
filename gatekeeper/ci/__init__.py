"""Which models a team's files name: one extractor a kind of file, none of which imports or runs what it reads.

for mention in collect([Path("src")]):
    print(mention.place, mention.name or mention.unresolved)
"""

from __future__ import annotations

from gatekeeper.ci.collecting import EXTRACTORS, Wanted, collect, wanted
from gatekeeper.ci.extractor import Extractor
from gatekeeper.mention import Mention, Role

__all__ = ["EXTRACTORS", "Extractor", "Mention", "Role", "Wanted", "collect", "wanted"]
