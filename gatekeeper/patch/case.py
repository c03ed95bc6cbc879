"""Failure case: what somebody saw a model answer, and how it stands in a file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from gatekeeper.codec import ANY_OFFSET, Dialect, encode
from gatekeeper.patch.words import words
from gatekeeper.remedy import CaseRecord, Words
from gatekeeper.tensors.language import Prompt

CASE_VERSION = "1.0"
"""Version of the file."""

CASE = Dialect(moment=ANY_OFFSET, has_defaults=True)
"""People write these by hand: what has a default may be left out, and a misspelt key is refused."""


class Role(StrEnum):
    """Who speaks in a conversation."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Role
    content: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Decoding:
    """How the answer was sampled, as far as it is known; kept as a record, since diagnosis decodes greedily."""

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    max_new_tokens: int | None = None
    seed: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseDocument:
    """One observed failure of a language model, as it stands in a file."""

    prompt: str | tuple[Message, ...]
    """The request, or the whole conversation, which ends in it: an optional system message, then user and assistant
    in turns, the last of them the user."""

    response: str
    """What the model answered, and should not have."""

    schema_version: str = CASE_VERSION
    system: str = ""
    """System prompt, where `prompt` is one text."""

    corrected: str = ""
    """What would have been right; empty for a refusal."""

    decoding: Decoding = field(default_factory=Decoding)
    seen_at: datetime | None = None
    seen_where: str = ""
    """Product, endpoint or run in which it was seen."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FailureCase:
    """A prompt and the answer that should not have been given."""

    prompt: Prompt
    response: str
    corrected: str = ""
    """What would have been right; empty for a refusal."""

    decoding: Decoding = field(default_factory=Decoding)
    seen_at: datetime | None = None
    seen_where: str = ""

    @property
    def document(self) -> CaseDocument:
        """The same as it stands in a file, the prompt as a conversation."""
        system = [Message(role=Role.SYSTEM, content=self.prompt.system)] if self.prompt.system else []
        earlier = [Message(role=Role(role), content=content) for role, content in self.prompt.before]
        last = Message(role=Role.USER, content=self.prompt.text)
        return CaseDocument(
            prompt=(*system, *earlier, last),
            response=self.response,
            corrected=self.corrected,
            decoding=self.decoding,
            seen_at=self.seen_at,
            seen_where=self.seen_where,
        )

    @property
    def sha256(self) -> str:
        """Digest, hexadecimal, of its canonical JSON: every key, sorted, without white space, in UTF-8."""
        document = encode(self.document, CASE)
        canonical = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()

    def record(self, *, show: bool) -> CaseRecord:
        """Give what may be kept of it.

        Args:
            show: Whether its texts are kept in clear, not by their digests alone.
        """
        return CaseRecord(
            sha256=self.sha256,
            prompt=kept((word.text for word in words(self.prompt.text)), show=show),
            response=kept((word.text for word in words(self.response)), show=show),
            seen_at=self.seen_at.isoformat() if self.seen_at else "",
            seen_where=self.seen_where,
        )


def kept(texts: Iterable[str], *, show: bool) -> Words:
    """Keep words as they may be shown: their number and their digest, the text itself only when asked for."""
    found = list(texts)
    joined = " ".join(found)
    digest = hashlib.sha256(joined.encode("utf-8", "surrogatepass")).hexdigest()
    return Words(count=len(found), sha256=digest, text=joined if show else "")
