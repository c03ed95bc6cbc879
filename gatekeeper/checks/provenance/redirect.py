"""Whether the Hub answered for the id that was asked for."""

from __future__ import annotations

from gatekeeper.artifact import Artifact, Scheme
from gatekeeper.checks.check import Check, Context, Outcome, Rule
from gatekeeper.checks.provenance.names import ascii_lower
from gatekeeper.evidence import Gap, Hazard, Severity, Strength
from gatekeeper.text import printable


class Redirect(Check):
    """The Hub answered for the id that was asked for.

    What it looks at:
        The id in the reference and the id in the Hub's answer.

    Why it matters:
        The Hub follows renamed repos without a word. The old name can be registered again by anybody, and the next
        download then brings their files. Or the new owner is not the one that was chosen.

    What it cannot see:
        Whether an id that answers under its own name was registered again by somebody else in the meantime.

    How to mend:
        Find out whether publisher and model moved, then write the new id, with its commit, in the reference.
    """

    id = "provenance/redirect"
    title = "Redirected id"
    rules = (
        Rule(
            slug="renamed",
            title="The Hub answered with another id",
            severity=Severity.HIGH,
            hazard=Hazard.SUSPICIOUS,
            strength=Strength.PLATFORM,
            mend="Find out whether the model moved, then name the new id; the old one can be registered by anybody.",
        ),
        Rule(
            slug="short-id",
            title="The id names no publisher",
            severity=Severity.MEDIUM,
            hazard=Hazard.UNVERIFIED,
            strength=Strength.PLATFORM,
            mend="Write the id in full, with its publisher.",
        ),
        Rule(
            slug="letter-case",
            title="The id differs by letter case",
            severity=Severity.LOW,
            hazard=Hazard.NONE,
            strength=Strength.PLATFORM,
            mend="Write the id as the Hub does: caches and locks tell the two apart.",
        ),
    )
    facts = ("source.redirected",)

    def not_applicable(self, artifact: Artifact, context: Context) -> str:
        """Local sources have no id."""
        return "" if artifact.reference.scheme is Scheme.HUB else "a local source has no id on the Hub"

    def run(self, artifact: Artifact, context: Context) -> Outcome:
        """Compare the id asked for with the one answered."""
        platform = artifact.platform
        if platform is None:
            return Outcome(gaps=(Gap(reason="the Hub was not asked, so a redirect would not be seen"),))
        asked, answered = platform.requested_id, platform.returned_id
        slug = _difference(asked, answered)
        if not slug:
            return Outcome(facts={"source.redirected": False})
        message = f"{printable(asked)} was asked for, the Hub answered with {printable(answered)}."
        return Outcome(findings=(self.finding(slug, message),), facts={"source.redirected": slug == "renamed"})


def _difference(asked: str, answered: str) -> str:
    """Give the slug of the rule that tells two ids apart; empty when they are one."""
    if asked == answered:
        return ""
    asked, answered = ascii_lower(asked), ascii_lower(answered)
    if asked == answered:
        return "letter-case"
    # The Hub gave away names without a publisher in its first years and fills the publisher in today; nobody can
    # register such a name, so this is not the hole that a rename leaves.
    return "short-id" if "/" not in asked and answered.partition("/")[2] == asked else "renamed"
