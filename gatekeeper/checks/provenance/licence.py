"""Under which licence the artifact may be used."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from gatekeeper.artifact import Artifact, IrregularityKind
from gatekeeper.checks.check import Check, Context, Outcome, Rule
from gatekeeper.evidence import Finding, Gap, Hazard, Severity, Strength
from gatekeeper.text import printable

_TAG = "license:"
_OPERATOR = re.compile(r"\s+(?:and|or|with)\s+|[()]", re.IGNORECASE)
_VERSION_CHOICE = re.compile(r"-(?:only|or-later)$|\+$")
_FILE = re.compile(r"(?:licen[cs]e|copying)(?:[-._][\w-]+)?(?:\.(?:txt|md|rst|html?))?", re.IGNORECASE)
_SHOWN = 200


class Licence(Check):
    """The artifact declares a licence that the deployer allows.

    What it looks at:
        The licence in the card (license, and license_name where that says `other`), in the Hub's tags, and whether
        there is a licence file. Names are compared in small letters, with hyphens, and GPL-3.0-only as GPL-3.0.
        Where several are named, each of them counts.

    Why it matters:
        Weights without a licence may not be used at all, and some licences forbid what a deployer does.

    What it cannot see:
        Whether the publisher may grant the licence, what the base model's licence asks for, and what the text of a
        licence file says.

    How to mend:
        Ask the publisher to declare a licence, or put the one that you have cleared on the allowed list.
    """

    id = "provenance/licence"
    title = "Licence"
    rules = (
        Rule(
            slug="refused",
            title="The deployer refuses the licence",
            severity=Severity.HIGH,
            hazard=Hazard.SUSPICIOUS,
            strength=Strength.SELF_DECLARED,
            mend="Choose a model under another licence, or have the use cleared and waive this.",
        ),
        Rule(
            slug="missing",
            title="No licence is declared",
            severity=Severity.LOW,
            hazard=Hazard.NONE,
            strength=Strength.SELF_DECLARED,
            mend="Ask the publisher for a licence: without one nothing is granted.",
        ),
        Rule(
            slug="file-only",
            title="A licence file, and a card that is silent",
            severity=Severity.INFO,
            hazard=Hazard.NONE,
            strength=Strength.SELF_DECLARED,
            mend="Read the licence file.",
        ),
        Rule(
            slug="unlisted",
            title="The licence is on none of the deployer's lists",
            severity=Severity.LOW,
            hazard=Hazard.NONE,
            strength=Strength.SELF_DECLARED,
            mend="Have the licence cleared, then put it on the allowed or on the refused list.",
        ),
        Rule(
            slug="contradiction",
            title="Card and tags name different licences",
            severity=Severity.LOW,
            hazard=Hazard.NONE,
            strength=Strength.SELF_DECLARED,
            mend="Look at the card of this commit and of the newest one: tags follow the newest.",
        ),
        Rule(
            slug="malformed",
            title="The licence is not a text",
            severity=Severity.LOW,
            hazard=Hazard.NONE,
            strength=Strength.SELF_DECLARED,
            mend="Ask the publisher to mend the card.",
        ),
    )
    facts = ("licence.id", "licence.status")

    def run(self, artifact: Artifact, context: Context) -> Outcome:
        """Gather what is declared, then look it up in the deployer's lists."""
        card = _ids(_texts(artifact.card.get("license")))
        tags = _ids(tag[len(_TAG) :] for tag in _tags(artifact) if tag.lower().startswith(_TAG))
        names = _ids(_texts(artifact.card.get("license_name")))
        declared = card | tags
        if "other" in declared and names:
            declared = (declared - {"other"}) | names
        status = _status(declared, context)
        findings = [*self._lookup(artifact, declared, status, context), *self._form(artifact, card, tags)]
        facts = {"licence.id": printable(", ".join(sorted(declared)), _SHOWN), "licence.status": status}
        return Outcome(findings=tuple(findings), facts=facts, gaps=_gaps(artifact))

    def _lookup(self, artifact: Artifact, declared: set[str], status: str, context: Context) -> Iterator[Finding]:
        shown = printable(", ".join(sorted(declared)), _SHOWN)
        if status == "refused":
            refused = sorted(name for name in declared if _among(name, context.refused_licences))
            yield self.finding("refused", f"{printable(', '.join(refused), _SHOWN)!r} is on the refused list.")
        elif status == "unlisted":
            yield self.finding("unlisted", f"{shown!r} is neither allowed nor refused{_link(artifact)}.")
        elif status == "missing":
            file = next((str(f.path) for f in artifact.files if _FILE.fullmatch(str(f.path))), None)
            if file is None:
                yield self.finding("missing", "Neither the card nor the tags name a licence.")
            else:
                message = f"{printable(file)} is there, but neither the card nor the tags name a licence."
                yield self.finding("file-only", message, path=file)

    def _form(self, artifact: Artifact, card: set[str], tags: set[str]) -> Iterator[Finding]:
        if card and tags and card != tags:
            ours, theirs = printable(", ".join(sorted(card)), 80), printable(", ".join(sorted(tags)), 80)
            yield self.finding("contradiction", f"The card names {ours!r}, the tags name {theirs!r}.")
        for key in ("license", "license_name", "license_link"):
            value = artifact.card.get(key)
            entries = value if isinstance(value, list) else [value]
            if any(entry is not None and not isinstance(entry, str) for entry in entries):
                yield self.finding("malformed", f"`{key}` in the card is not a text.", detail=key)


def _tags(artifact: Artifact) -> tuple[str, ...]:
    return artifact.platform.tags if artifact.platform else ()


def _texts(value: object) -> list[str]:
    """Give the texts in a card's value, which should be a text or a list of such and may be anything."""
    entries = value if isinstance(value, list) else [value]
    return [entry for entry in entries if isinstance(entry, str)]


def _ids(texts: Iterable[str]) -> set[str]:
    """Split expressions and write each licence as the Hub writes its ids."""
    parts = (part for text in texts for part in _OPERATOR.split(text))
    return {name for part in parts if (name := "-".join(part.lower().replace("_", " ").split()))}


def _among(name: str, names: frozenset[str]) -> bool:
    return _VERSION_CHOICE.sub("", name) in {_VERSION_CHOICE.sub("", entry.lower()) for entry in names}


def _status(declared: set[str], context: Context) -> str:
    if not declared:
        return "missing"
    if any(_among(name, context.refused_licences) for name in declared):
        return "refused"
    allowed = all(_among(name, context.allowed_licences) for name in declared)
    return "allowed" if allowed else "unlisted"


def _link(artifact: Artifact) -> str:
    links = _texts(artifact.card.get("license_link"))
    return f"; its text is said to be at {printable(links[0])!r}" if links else ""


def _gaps(artifact: Artifact) -> tuple[Gap, ...]:
    return tuple(
        Gap(reason="the card can't be parsed", path=irregularity.path)
        for irregularity in artifact.irregularities
        if irregularity.kind is IrregularityKind.CARD_UNREADABLE and irregularity.path.lower().endswith(".md")
    )
