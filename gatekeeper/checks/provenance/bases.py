"""Base models as people write them: Hub ids, addresses, paths on somebody's machine."""

from __future__ import annotations

import re
from dataclasses import dataclass

from gatekeeper.artifact import LineageClaim
from gatekeeper.checks.provenance.names import ascii_lower, publisher_of

_COMMIT = re.compile(r"[0-9a-f]{40}")
_ADDRESS = re.compile(r"(?:hf://|(?:https?://)?(?:www\.)?(?:huggingface\.co|hf\.co)/)(?:models/)?", re.IGNORECASE)
_ID = re.compile(r"(?:[A-Za-z0-9][A-Za-z0-9._-]{0,95}/)?[A-Za-z0-9][A-Za-z0-9._-]{0,95}")
# What the Hub's pages and git put behind an id: /tree/<revision>, /blob/<revision>/<path>, .git, a query.
_BEHIND_ID = re.compile(r"/(?:tree|blob|resolve|commit)/([^/?#]+).*|(?:\.git)?/*(?:[?#].*)?", re.DOTALL)
_TRAINER_FOLDER = re.compile(r"(?:^|/)checkpoint-\d+$")


@dataclass(frozen=True, kw_only=True, slots=True)
class Base:
    """One base model, read from a claim."""

    id: str
    """`org/name` or a bare name as written; empty when the claim names no Hub id."""

    revision: str
    """As written beside the id or in it; empty when none was given."""

    claim: LineageClaim

    @property
    def key(self) -> str:
        """What two claims of one base share: the Hub does not tell ids apart by letter case."""
        return ascii_lower(self.id)

    @property
    def publisher(self) -> str:
        """What stands before the first slash, even where the whole is no Hub id; empty without a slash."""
        return publisher_of(self.id or self.claim.base.strip())

    @property
    def pinned(self) -> bool:
        """Whether the base is named with a commit."""
        return bool(self.id) and _COMMIT.fullmatch(self.revision.lower()) is not None


def read_base(claim: LineageClaim) -> Base:
    """Read a claim's text as a Hub id where it is one.

    Accepts `org/name`, `org/name@revision`, `hf://…` and addresses of the Hub's pages. Everything else, a path
    above all, gives a base without an id.
    """
    text = claim.base.strip()
    address = _ADDRESS.match(text)
    rest = text[address.end() :] if address else text
    rest, _, written = rest.partition("@")
    match = _ID.match(rest)
    behind = _BEHIND_ID.fullmatch(rest, match.end()) if match else None
    if match is None or behind is None or (not address and match.end() != len(rest.rstrip("/"))):
        return Base(id="", revision=claim.revision, claim=claim)
    name = match.group().removesuffix(".git")
    if _TRAINER_FOLDER.search(name) or ".." in name:
        return Base(id="", revision=claim.revision, claim=claim)
    return Base(id=name, revision=claim.revision or written or behind.group(1) or "", claim=claim)
