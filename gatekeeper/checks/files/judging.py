"""How the checks have judges look at one file after the other, and how problems become findings.

Whatever goes wrong with one file hides no other file, and no problem already found in it. However many problems of one
kind a file has, no other kind is crowded out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from gatekeeper.artifact import ArtifactFile
from gatekeeper.checks.check import Check, Outcome
from gatekeeper.checks.files.problem import UNJUDGED, Judge, Problem, StructureError, UnsupportedError
from gatekeeper.errors import ContentChangedError, LimitError, SourceError
from gatekeeper.evidence import FactValue, Finding, Gap
from gatekeeper.limits import Limits
from gatekeeper.text import printable

MOST_OF_A_KIND = 5
"""Findings of one rule for one file; the rest is counted."""


@dataclass(kw_only=True, slots=True)
class Judging:
    """Gathers the findings and gaps of one run of a check."""

    check: Check
    findings: list[Finding] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)

    def look(self, file: ArtifactFile, judge: Judge, limits: Limits) -> None:
        """Have a judge read one file; what can't be read or judged becomes a gap.

        Args:
            file: Which.
            judge: Says its problems.
            limits: Bounds on the work.
        """
        path = str(file.path)
        found = _Tally()
        try:
            with file.content.open() as reader:
                for problem in judge(reader, file.path, file.size, limits):
                    if problem.slug == UNJUDGED:
                        self.gap(path, problem.message)
                    else:
                        found.add(problem)
        except StructureError as error:
            found.add(error.problem)
        except UnsupportedError as error:
            self.gap(path, str(error))
        except (SourceError, ContentChangedError, LimitError, OSError) as error:
            self.gap(path, f"can't be read: {printable(str(error))}")
        self._tell(path, found)

    def say(self, path: str, problems: Iterable[Problem]) -> None:
        """Take problems that were found in a file by other means than reading it alone."""
        found = _Tally()
        for problem in problems:
            found.add(problem)
        self._tell(path, found)

    def gap(self, path: str, reason: str) -> None:
        """Take note of what was not looked at.

        Args:
            path: File in the artifact.
            reason: One sentence, printable.
        """
        self.gaps.append(Gap(reason=reason, path=path))

    def outcome(self, facts: Mapping[str, FactValue] | None = None) -> Outcome:
        """Give all of it, each gap once."""
        return Outcome(findings=tuple(self.findings), facts=facts or {}, gaps=tuple(dict.fromkeys(self.gaps)))

    def _tell(self, path: str, found: _Tally) -> None:
        for slug, kept in found.kept.items():
            for number, problem in enumerate(kept, start=1):
                more = found.counts[slug] - len(kept) if number == len(kept) else 0
                message = f"{problem.message} (and {more} more like it)" if more else problem.message
                detail = printable(problem.detail)
                self.findings.append(self.check.finding(slug, message, path=path, offset=problem.offset, detail=detail))


@dataclass(slots=True)
class _Tally:
    """Problems of one file by rule: the first few, and how many there are."""

    kept: dict[str, list[Problem]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def add(self, problem: Problem) -> None:
        self.counts[problem.slug] = self.counts.get(problem.slug, 0) + 1
        if self.counts[problem.slug] <= MOST_OF_A_KIND:
            self.kept.setdefault(problem.slug, []).append(problem)
