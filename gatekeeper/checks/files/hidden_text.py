"""`files/hidden-text`: text that is meant for a machine that reads the repo, and not for the person beside it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import islice
from pathlib import PurePosixPath
from typing import BinaryIO, ClassVar

from gatekeeper.artifact import Artifact
from gatekeeper.checks.check import Check, Context, Outcome, Rule
from gatekeeper.checks.files.formats import Format
from gatekeeper.checks.files.header_texts import HEADED, HeaderText, header_texts
from gatekeeper.checks.files.identify import identities
from gatekeeper.checks.files.instructions import (
    Family,
    has_anchor,
    laid_out,
    orders_a_machine,
    plain,
    speaks_to_a_machine,
    steers_a_review,
    what,
)
from gatekeeper.checks.files.judging import Judging
from gatekeeper.checks.files.names import TEXTUAL
from gatekeeper.checks.files.passages import decoded, is_vocabulary, passages, pieces
from gatekeeper.checks.files.problem import Problem
from gatekeeper.checks.files.smuggled_text import escapes, overrides, smuggled
from gatekeeper.checks.files.unseen_regions import seen_text, unseen_regions
from gatekeeper.evidence import Hazard, Severity
from gatekeeper.limits import Limits
from gatekeeper.text import printable

_MOST = 5
"""Marks of one kind that are told for one file."""

_MOST_READ = 2_000
"""Passages of one file that are held against the families, which costs a millisecond each at worst."""

_SHOWN = 160
_READ = "Read it as it is quoted here, and keep assistants away from the file; ask the publisher why it is there."


class HiddenText(Check):
    """Text for the assistant of whoever reviews the model.

    What it looks at:
        Model cards, configurations, licences and other text: comments, hidden elements, alternative texts and
        definitions of links that hold instructions; instructions in plain sight that tell a reviewing machine what to
        find; words that are spelt with letters of other alphabets or broken by characters that show nothing; tag
        characters, variation selectors and zero-width characters that spell something, which is decoded; marks that
        turn text round; sequences that steer a terminal. Of safetensors and GGUF files, the texts in their headers.

    Why it matters:
        People let assistants read repos before they decide, and some assistants act. Text that only the machine sees
        decides for the person, or works against them.

    What it cannot see:
        Instructions in other languages than English, in pictures, in other binary files or in archives; new ways of
        saying it. Quoted instructions are told and move no decision, since cards of guards and data sets quote attacks.

    How to mend:
        Read the file without an assistant; ask the publisher for a card without the passage.
    """

    id = "files/hidden-text"
    title = "No text is meant for machines alone"
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(slug="smuggled-text", title="Characters that show nothing spell something", severity=Severity.HIGH,
             hazard=Hazard.SUSPICIOUS, mend=_READ),
        Rule(slug="hidden-instruction", title="Text that a page does not show instructs a machine",
             severity=Severity.HIGH, hazard=Hazard.SUSPICIOUS, mend=_READ),
        Rule(slug="disguised-instruction", title="An instruction is spelt so that searches miss it",
             severity=Severity.HIGH, hazard=Hazard.SUSPICIOUS, mend=_READ),
        Rule(slug="addressed-instruction", title="Text tells a reviewing machine what to find",
             severity=Severity.MEDIUM, hazard=Hazard.SUSPICIOUS, mend=_READ),
        Rule(slug="direction-override", title="Text is turned round", severity=Severity.MEDIUM,
             hazard=Hazard.SUSPICIOUS, mend="Read it in an editor that shows marks of direction."),
        Rule(slug="terminal-escape", title="Text steers the terminal that shows it", severity=Severity.MEDIUM,
             hazard=Hazard.SUSPICIOUS, mend="Don't print the file; read it in an editor that shows escapes."),
        Rule(slug="quoted-instruction", title="An instruction to a machine is quoted", severity=Severity.INFO,
             hazard=Hazard.NONE, mend="Nothing, when the file speaks about such attacks or shows prompts."),
        Rule(slug="partly-read", title="A text was not looked at whole", severity=Severity.INFO, hazard=Hazard.NONE,
             mend="Read the rest yourself when an assistant is to read it."),
    )  # fmt: skip

    def run(self, artifact: Artifact, context: Context) -> Outcome:
        """Look at every text file."""
        judging = Judging(check=self)
        for identity in identities(artifact, context.limits):
            if identity.file.sha256 is None and identity.format in HEADED:  # ranged reads are dear, and never allowed
                continue
            judging.look(identity.file, partial(judge_text, found=identity.format), context.limits)
        return judging.outcome()


def judge_text(reader: BinaryIO, name: PurePosixPath, size: int, limits: Limits, found: Format) -> Iterator[Problem]:
    """Find text that is meant for machines in one file or archive member.

    Args:
        reader: Its bytes, seekable.
        name: Its name.
        size: Its size in bytes.
        limits: `prose_bytes` bounds what is read.
        found: Its format; only text is looked into, and of that neither vocabularies nor templates, and headers.
    """
    if found in HEADED:
        yield from _in_header(header_texts(reader, size, found, limits))
        return
    if found not in TEXTUAL or found is Format.JINJA or is_vocabulary(name):
        return
    reader.seek(0)
    text = decoded(reader.read(limits.prose_bytes))
    yield from _marks(text, name)
    yield from _instructions(text, name, found, limits)
    if size > limits.prose_bytes:
        message = f"only the first {limits.prose_bytes} bytes were searched for hidden text (limit prose_bytes)"
        yield Problem(slug="partly-read", message=message, offset=limits.prose_bytes)


def _marks(text: str, name: PurePosixPath) -> Iterator[Problem]:
    for start, how, spells in islice(smuggled(text), _MOST):
        told = f" spell {_quote(spells)}" if spells else " stand in a row, more than any text needs"
        yield Problem(slug="smuggled-text", message=f"{how}{told}", offset=_bytes(text, start))
    for start in islice(overrides(text), _MOST):
        line = text[start : start + 400].split("\n", 1)[0]
        message = f"a mark turns text round that has no right-to-left letter: {_quote(line)}"
        yield Problem(slug="direction-override", message=message, offset=_bytes(text, start))
    if "log" in name.name.lower():  # progress bars move the cursor
        return
    for start, sequence in islice(escapes(text), _MOST):
        message = f"it holds the terminal sequence {_quote(sequence)}"
        yield Problem(slug="terminal-escape", message=message, offset=_bytes(text, start))


def _instructions(text: str, name: PurePosixPath, found: Format, limits: Limits) -> Iterator[Problem]:
    read = 0
    regions = tuple(unseen_regions(text)) if found is not Format.JSON else ()
    for region in regions:
        written = plain(region.text)
        if has_anchor(written) and speaks_to_a_machine(families := what(written)):
            message = f"a {region.how} holds text {_wants(families)}: {_quote(region.text)}"
            yield Problem(slug="hidden-instruction", message=message, offset=_bytes(text, region.start))
    for passage in passages(seen_text(text, regions), name, found, limits):
        written = plain(passage.text)
        if not has_anchor(written):
            continue
        read += 1
        if read > _MOST_READ:
            message = "it has more passages that speak of machines and instructions than were looked at"
            yield Problem(slug="partly-read", message=message, offset=_bytes(text, passage.start))
            return
        families = what(written)
        offset = None if found is Format.JSON else _bytes(text, passage.start)
        told = f"it holds text {_wants(families)}: {_quote(passage.text)}"
        if passage.quoted:
            slug = "quoted-instruction" if steers_a_review(families) else ""
        elif speaks_to_a_machine(families) and _is_disguised(passage.text, families):
            slug = "disguised-instruction"
        else:
            slug = "addressed-instruction" if steers_a_review(families) else ""
        if slug:
            yield Problem(slug=slug, message=told, offset=offset)


def _in_header(texts: Iterator[HeaderText]) -> Iterator[Problem]:
    """Judge texts that no page shows; some quote the form of a model's prompts."""
    read = 0
    for key, text in texts:
        where = f"the header's {printable(key, 60)!r}"
        for _, how, spells in islice(smuggled(text), 1):
            told = f" spell {_quote(spells)}" if spells else " stand in a row"
            yield Problem(slug="smuggled-text", message=f"in {where}, {how}{told}")
        for piece in pieces(0, text, quoted=False):
            written = plain(piece.text)
            if not has_anchor(written):
                continue
            read += 1
            if read > _MOST_READ:
                message = "its header has more texts that speak of machines and instructions than were looked at"
                yield Problem(slug="partly-read", message=message)
                return
            if orders_a_machine(families := what(written)):
                message = f"{where} holds text {_wants(families)}: {_quote(piece.text)}"
                yield Problem(slug="hidden-instruction", message=message)
                break


def _is_disguised(text: str, families: frozenset[Family]) -> bool:
    """Whether what makes a passage speak to a machine is only found when a disguise is undone."""
    telling = families & {Family.OVERRIDE, Family.OPENING, Family.ADDRESS}
    return bool(telling) and not text.isascii() and not what(laid_out(text)) & telling


def _wants(families: frozenset[Family]) -> str:
    return ", ".join(family.value for family in Family if family in families)


def _quote(text: str) -> str:
    return repr(printable(" ".join(text.split(" ")), _SHOWN)).replace("\\\\", "\\")


def _bytes(text: str, characters: int) -> int:
    return len(text[:characters].encode("utf-8", "surrogatepass"))
