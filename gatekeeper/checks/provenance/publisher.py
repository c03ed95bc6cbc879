"""Who publishes the artifact, and whether the deployer trusts them."""

from __future__ import annotations

from gatekeeper.artifact import Artifact, Kind, Scheme
from gatekeeper.checks.check import Check, Context, Outcome, Rule
from gatekeeper.checks.provenance.lookalikes import find_lookalike
from gatekeeper.checks.provenance.names import listed, publishers_of
from gatekeeper.evidence import FactValue, Finding, Hazard, Severity, Strength
from gatekeeper.text import printable

_VERIFIED = {None: "unknown", True: "yes", False: "no"}


class Publisher(Check):
    """The deployer trusts whoever publishes the artifact.

    What it looks at:
        The organisation or user in the id that the Hub answered with, and in the id that was asked for, against the
        deployer's lists of trusted and denied publishers. A name that is not trusted is compared with each trusted
        one: look-alike characters, separators, word order, added words, doubled letters, slips of the keyboard.

    Why it matters:
        Whoever publishes a model decides what it does. A name that reads like a known one is how a foreign model
        gets into a pull request.

    What it cannot see:
        Whether the account is still in its owner's hands, or who pushed the commit. Trusted names of fewer than five
        letters are compared for look-alike characters and added words alone, as too many honest names are one letter
        away. Organisations of one company with near names (facebook and FacebookAI) are called look-alikes until
        both are trusted.

    How to mend:
        Check who it is, away from the Hub, and add the publisher to the trusted or to the denied list.
    """

    id = "provenance/publisher"
    title = "Publisher"
    rules = (
        Rule(
            slug="denied",
            title="The publisher is denied",
            severity=Severity.CRITICAL,
            hazard=Hazard.DENIED,
            mend="Choose a model of another publisher.",
        ),
        Rule(
            slug="lookalike",
            title="The publisher's name imitates a trusted one",
            severity=Severity.HIGH,
            hazard=Hazard.SUSPICIOUS,
            mend="Compare the id letter by letter with the publisher's own site; trust the name if it is honest.",
        ),
        Rule(
            slug="unlisted",
            title="Nobody vouches for the publisher",
            severity=Severity.MEDIUM,
            hazard=Hazard.UNVERIFIED,
            strength=Strength.PLATFORM,
            mend="Check who publishes it, then add the publisher to the policy's trusted or denied list.",
        ),
    )
    facts = (
        "publisher.name",
        "publisher.trusted",
        "publisher.denied",
        "publisher.lookalike",
        "publisher.verified",
    )

    def not_applicable(self, artifact: Artifact, context: Context) -> str:
        """Local models have no publisher; local adapters have none either, and that is the point."""
        if artifact.reference.scheme is Scheme.HUB or artifact.kind is Kind.ADAPTER:
            return ""
        return "a local source has no publisher"

    def run(self, artifact: Artifact, context: Context) -> Outcome:
        """Look the publisher up in the deployer's lists, then for imitations of trusted names."""
        names = publishers_of(artifact)
        name = names[0] if names else ""
        denied = [other for other in names if listed(other, context.denied_publishers)]
        trusted = listed(name, context.trusted_publishers) and not denied
        findings = [self.finding("denied", f"The deployer denies {printable(other)!r}.") for other in denied]
        imitated = ""
        for other in names:
            likeness = find_lookalike(other, context.trusted_publishers)
            if likeness:
                imitated = imitated or likeness.publisher
                message = f"{printable(other)!r} imitates {printable(likeness.publisher)!r}: {likeness.how}."
                findings.append(self.finding("lookalike", message, confidence=likeness.confidence))
        if not trusted and not denied:
            findings.append(self._unlisted(artifact, name))
        verified = artifact.platform.publisher_verified if artifact.platform else None
        facts: dict[str, FactValue] = {
            "publisher.name": name,
            "publisher.trusted": trusted,
            "publisher.denied": bool(denied),
            "publisher.lookalike": imitated,
            "publisher.verified": _VERIFIED[verified],
        }
        return Outcome(findings=tuple(findings), facts=facts)

    def _unlisted(self, artifact: Artifact, name: str) -> Finding:
        """Adapters come in thousands from accounts that nobody knows, so they get a hazard of their own."""
        adapter = artifact.kind is Kind.ADAPTER
        what = "the adapter" if adapter else "the model"
        message = (
            f"{printable(name)!r}, who publishes {what}, is on none of the deployer's lists."
            if name
            else f"Nobody is named as the publisher of {what}."
        )
        return self.finding("unlisted", message, hazard=Hazard.UNPROVEN if adapter else None)
