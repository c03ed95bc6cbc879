"""What is said of files inside archives: one explicit list of the judges that members are given to.

A judge is a pure function over bytes, the same that a check runs over the artifact's own files. Its problems become
findings of `files/scanners` under the rules that stand beside it here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import BinaryIO

from gatekeeper.checks.check import Rule
from gatekeeper.checks.files import (
    model_code_judges,
    model_code_rules,
    python_code_rules,
    remote_code_rules,
    template_rules,
)
from gatekeeper.checks.files.asks.judge import judge_config
from gatekeeper.checks.files.formats import Format
from gatekeeper.checks.files.names import TEXTUAL
from gatekeeper.checks.files.problem import UNJUDGED, Judge, Problem, UnsupportedError
from gatekeeper.checks.files.python_judge import judge_python
from gatekeeper.checks.files.runtimes import judges as runtime_judges
from gatekeeper.checks.files.runtimes import rules as runtime_rules
from gatekeeper.checks.files.structure_judges import JUDGES
from gatekeeper.checks.files.template_judge import judge_templates
from gatekeeper.evidence import Hazard, Severity
from gatekeeper.limits import Limits

_BROKEN = Rule(
    slug="broken-member",
    title="Something in an archive is not built as its format promises",
    severity=Severity.HIGH,
    hazard=Hazard.SUSPICIOUS,
    mend="Ask the publisher to write the archive anew with the formats' own libraries.",
)
_PROGRAM = Rule(
    slug="archive-program",
    title="A program lies in an archive",
    severity=Severity.HIGH,
    hazard=Hazard.SUSPICIOUS,
    mend="A model needs no programs: refuse the file, or ask the publisher why it is there.",
)

_MOST_REASONS = 5
"""Reasons that are told why parts of one member were not judged."""

_ABOUT_REPOS = frozenset({"missing-code", "unpinned-part", "build-file", "python-file"})
_CONFIG_RULES = tuple(rule for rule in remote_code_rules.RULES if rule.slug not in _ABOUT_REPOS)
"""What is said of one configuration, without those rules that compare it with the files of a repo."""

_TEMPLATE_RULES = tuple(rule for rule in template_rules.RULES if rule.slug not in ("differs", "other-form"))
"""What is said of one template, without those rules that compare several."""

_RUNTIME_RULES = tuple(rule for rule in runtime_rules.RULES if rule.slug != "missing-part")
"""What is said of one model, without what compares it with the files beside it."""

_PYTHON_RULES = tuple(rule for rule in python_code_rules.RULES if not rule.slug.endswith("script"))
"""What is said of code that a loader runs: who unpacks an archive of a model means to."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MemberJudge:
    """A judge and the members that it judges."""

    judge: Judge
    formats: frozenset[Format]
    rules: tuple[Rule, ...]
    """Those that its problems' slugs belong to; when there is but one, all of them belong to that."""


def judge_program(reader: BinaryIO, name: PurePosixPath, size: int, limits: Limits) -> Iterator[Problem]:
    """Say that a member is a program: its format is all that there is to see."""
    yield Problem(slug=_PROGRAM.slug, message="it is compiled code", offset=0)


def _templates(kind: Format) -> Judge:
    """Give the judge of chat templates in members of one format."""
    return lambda reader, name, size, limits: judge_templates(reader, name, size, kind, limits)


def judge_member_config(reader: BinaryIO, name: PurePosixPath, size: int, limits: Limits) -> Iterator[Problem]:
    """Judge a configuration that lies in an archive; which code lies beside it is not looked up.

    Args:
        reader: The member, seekable.
        name: Its name in the archive.
        size: Its size in bytes.
        limits: Bounds on the parsing.
    """
    for problem in judge_config(reader, name, size, limits):
        yield replace(problem, slug="local-code") if problem.slug == "missing-code" else problem


MEMBER_JUDGES: tuple[MemberJudge, ...] = (
    *(MemberJudge(judge=judge, formats=frozenset({kind}), rules=(_BROKEN,)) for kind, judge in JUDGES.items()),
    *(
        MemberJudge(judge=judge, formats=frozenset({kind}), rules=model_code_rules.RULES)
        for kind, judge in model_code_judges.JUDGES.items()
    ),
    *(
        MemberJudge(judge=judge, formats=frozenset({kind}), rules=_RUNTIME_RULES)
        for kind, judge in runtime_judges.JUDGES.items()
    ),
    *(
        MemberJudge(judge=_templates(kind), formats=frozenset({kind}), rules=_TEMPLATE_RULES)
        for kind in (Format.GGUF, Format.JSON, Format.JINJA)
    ),
    MemberJudge(judge=judge_member_config, formats=TEXTUAL - {Format.PYTHON}, rules=_CONFIG_RULES),
    MemberJudge(judge=judge_python, formats=frozenset({Format.PYTHON}), rules=_PYTHON_RULES),
    MemberJudge(judge=judge_program, formats=frozenset({Format.EXECUTABLE}), rules=(_PROGRAM,)),
)
"""In the order in which their findings show."""


def judge_member(found: Format, reader: BinaryIO, name: PurePosixPath, size: int, limits: Limits) -> Iterator[Problem]:
    """Give what every judge says of one member; one that can't judge it silences no other.

    Args:
        found: What it is.
        reader: Its bytes, seekable.
        name: Its name in the archive.
        size: Its size in bytes.
        limits: Bounds on the work.

    Raises:
        UnsupportedError: After all else was said, when some of it could not be judged.
    """
    unjudged: dict[str, None] = {}
    for entry in MEMBER_JUDGES:
        if found not in entry.formats:
            continue
        reader.seek(0)
        only = entry.rules[0].slug if len(entry.rules) == 1 else ""
        try:
            for problem in entry.judge(reader, name, size, limits):
                if problem.slug == UNJUDGED:
                    unjudged[problem.message] = None
                else:
                    yield replace(problem, slug=only) if only else problem
        except UnsupportedError as error:
            unjudged[str(error)] = None
    if unjudged:
        raise UnsupportedError("; ".join(list(unjudged)[:_MOST_REASONS]))


def member_rules() -> tuple[Rule, ...]:
    """Give the rules of all judges, each once."""
    return tuple({rule.slug: rule for entry in MEMBER_JUDGES for rule in entry.rules}.values())
