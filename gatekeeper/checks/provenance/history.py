"""How old the repo is and how many people wrote it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from gatekeeper.artifact import Artifact, PlatformRecord, Scheme
from gatekeeper.checks.check import Check, Context, Outcome, Rule
from gatekeeper.evidence import FactValue, Finding, Gap, Hazard, Severity, Strength
from gatekeeper.text import printable

_CLOCK_SKEW = timedelta(days=1)
"""Clocks and time zones of whoever pushed may be off by this much before a date counts as in the future."""


class History(Check):
    """The repo has existed for a while and more than one person wrote it.

    What it looks at:
        The day on which the Hub says that the repo was created, and the dates and authors of the newest commits.

    Why it matters:
        Repos made to carry one bad model are mostly days old and have one author. Age and company prove nothing, so
        this adds to a picture and moves no decision by itself.

    What it cannot see:
        Who the authors are: names and dates in commits are set by whoever pushes. Commits before the first page. The
        Hub dates every repo from before 2 March 2022 to that day, so older ones look younger than they are.

    How to mend:
        Wait until a new model has been looked at by others, or look at it more closely.
    """

    id = "provenance/history"
    title = "Age and authors of the repo"
    rules = (
        Rule(
            slug="young",
            title="The repo is young",
            severity=Severity.LOW,
            hazard=Hazard.NONE,
            strength=Strength.PLATFORM,
            mend="Wait, or look more closely.",
        ),
        Rule(
            slug="single-author",
            title="One person wrote the newest commits",
            severity=Severity.INFO,
            hazard=Hazard.NONE,
            strength=Strength.SELF_DECLARED,
            mend="Nothing: read it together with the rest.",
        ),
        Rule(
            slug="future-date",
            title="A date lies in the future",
            severity=Severity.LOW,
            hazard=Hazard.NONE,
            strength=Strength.SELF_DECLARED,
            mend="Check the clock of this machine; if it is right, the dates of the repo mean nothing.",
        ),
    )
    facts = ("repo.age_days", "repo.authors")

    def not_applicable(self, artifact: Artifact, context: Context) -> str:
        """Local sources have no history."""
        return "" if artifact.reference.scheme is Scheme.HUB else "a local source has no history on the Hub"

    def run(self, artifact: Artifact, context: Context) -> Outcome:
        """Count days and authors."""
        platform = artifact.platform
        if platform is None:
            return Outcome(gaps=(Gap(reason="the Hub was not asked, so age and authors are not known"),))
        now = _utc(context.now)
        gaps: list[Gap] = []
        facts: dict[str, FactValue] = {}
        findings = list(self._future(platform, now))
        if platform.created_at is None:
            gaps.append(Gap(reason="the Hub did not say when the repo was created"))
        else:
            age = max(0, (now - _utc(platform.created_at)).days)
            facts["repo.age_days"] = age
            if age < context.young_repo_days:
                message = f"The repo is {age} days old; under {context.young_repo_days} counts as young."
                findings.append(self.finding("young", message))
        authors = {author for commit in platform.commits or () for author in commit.authors if author.strip()}
        if not authors:
            gaps.append(Gap(reason="the Hub did not say who made the commits"))
        else:
            facts["repo.authors"] = len(authors)
        if len(authors) == 1:
            message = f"{printable(authors.pop())!r} made all of the newest commits."
            findings.append(self.finding("single-author", message))
        return Outcome(findings=tuple(findings), facts=facts, gaps=tuple(gaps))

    def _future(self, platform: PlatformRecord, now: datetime) -> Iterator[Finding]:
        commits = [_utc(commit.date) for commit in platform.commits or () if commit.date]
        dates = {
            "the repo's creation": platform.created_at,
            "the last change": platform.last_modified,
            "the newest commit": max(commits, default=None),
        }
        for what, date in dates.items():
            if date is not None and _utc(date) > now + _CLOCK_SKEW:
                message = f"The date of {what}, {date.date().isoformat()}, lies in the future."
                yield self.finding("future-date", message)


def _utc(date: datetime) -> datetime:
    """Read a date without a time zone as UTC, which is what the Hub writes."""
    return date if date.tzinfo else date.replace(tzinfo=UTC)
