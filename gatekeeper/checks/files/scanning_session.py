"""One run of the scanners over an artifact: what is known already, what is copied, scanned, judged and kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from gatekeeper.checks.files.feed import Feed, MemberProblem, Refusal, RefusalKind
from gatekeeper.checks.files.formats import CODE_CAPABLE
from gatekeeper.checks.files.identify import Identity
from gatekeeper.checks.files.limited_child import Scanning, Verdict
from gatekeeper.checks.files.results_cache import Kept, ResultsCache
from gatekeeper.checks.files.unpack import Unpacker
from gatekeeper.checks.files.verdicts import Claim, claims
from gatekeeper.errors import ContentChangedError, SourceError
from gatekeeper.evidence import Gap
from gatekeeper.text import printable

_WAITING = 256
_WAITING_BYTES = 64 << 20
"""Copies that wait to be scanned, and their bytes; more would keep too much on disk at once."""

_SLUGS = {
    RefusalKind.BOMB: "decompression-bomb",
    RefusalKind.BROKEN: "broken-archive",
    RefusalKind.COLLISION: "archive-collision",
    RefusalKind.ESCAPE: "archive-escape",
    RefusalKind.LINK: "archive-link",
    RefusalKind.NESTED: "nested-archives",
    RefusalKind.SPECIAL: "archive-special",
}


@dataclass(kw_only=True, slots=True)
class Found:
    """What is known of one file so far."""

    identity: Identity
    claims: list[Claim] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    worth_keeping: bool = False
    """Whether finding it out cost anything."""

    lasting: bool = True
    """Whether the same bytes would get the same answer again."""


@dataclass(kw_only=True, slots=True)
class Session:
    """Copies wait until there are enough for a child, which is started for the first of them only."""

    unpacker: Unpacker
    scanning: Scanning
    results: ResultsCache | None = None
    _found: list[Found] = field(default_factory=list)
    _waiting: list[tuple[Feed, Found]] = field(default_factory=list)
    _bytes: int = 0

    def add(self, identity: Identity) -> None:
        """Take one file: say what is known of it, or copy what it holds for the scanners."""
        found = Found(identity=identity)
        self._found.append(found)
        path = str(identity.file.path)
        if identity.file.sha256 is None and identity.format in CODE_CAPABLE:
            found.gaps.append(Gap(reason="not downloaded, so it was not scanned", path=path))
            return
        kept = self.results.get(identity) if self.results else None
        if kept is not None:
            found.claims, found.gaps = list(kept.claims), list(kept.gaps)
            return
        try:
            self._copy(identity, found)
        except (SourceError, ContentChangedError, OSError) as error:
            found.lasting = False
            found.gaps.append(Gap(reason=f"can't be read: {printable(str(error))}", path=path))

    def finish(self) -> Iterator[Found]:
        """Have the rest scanned, keep what lasts, and give what was found in each file, in the order of `add`."""
        self._flush()
        for found in self._found:
            if self.results and found.lasting and found.worth_keeping:
                self.results.put(found.identity, Kept(claims=tuple(found.claims), gaps=tuple(found.gaps)))
            yield found

    def _copy(self, identity: Identity, found: Found) -> None:
        for item in self.unpacker.feeds(identity):
            found.worth_keeping = True
            if isinstance(item, Refusal):
                _refuse(item, found)
                continue
            if isinstance(item, MemberProblem):
                _say(item, found)
                continue
            self.scanning.start()
            self._waiting.append((item, found))
            self._bytes += item.copy.stat().st_size
            if len(self._waiting) >= _WAITING or self._bytes >= _WAITING_BYTES:
                self._flush()

    def _flush(self) -> None:
        """Have the waiting copies scanned and remove them."""
        owners = {feed.copy: found for feed, found in self._waiting}
        for verdict in self.scanning.scan([feed for feed, _ in self._waiting]):
            _judge(verdict, owners[verdict.feed.copy])
        for copy in owners:
            copy.unlink(missing_ok=True)
            with suppress(OSError):  # a folder that others are in stays
                copy.parent.rmdir()
        self._waiting.clear()
        self._bytes = 0


def _refuse(refusal: Refusal, found: Found) -> None:
    found.lasting = found.lasting and refusal.lasting
    slug = _SLUGS.get(refusal.kind)
    if slug is None:
        found.gaps.append(Gap(reason=refusal.reason, path=refusal.path))
        return
    shown = printable(refusal.path, 160)
    found.claims.append(Claim(slug=slug, message=f"{shown!r}: {refusal.reason}", path=refusal.path))


def _say(member: MemberProblem, found: Found) -> None:
    problem = member.problem
    message = f"{printable(member.path, 160)!r}: {problem.message}"
    found.claims.append(
        Claim(slug=problem.slug, message=message, path=member.path, offset=problem.offset, detail=problem.detail)
    )


def _judge(verdict: Verdict, found: Found) -> None:
    # A scanner that gave up may have done so for want of memory, whatever it says.
    if verdict.error or any(report.gaps for report in verdict.reports):
        found.lasting = False
    if verdict.error:
        found.gaps.append(Gap(reason=verdict.error, path=verdict.feed.path))
    for item in claims(verdict.feed, verdict.reports):
        if isinstance(item, Claim):
            found.claims.append(item)
        else:
            found.gaps.append(item)
