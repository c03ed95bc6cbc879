"""What is to be said of one chat template: every rule over one syntax tree."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import PurePosixPath
from typing import BinaryIO

from gatekeeper.checks.files.formats import Format
from gatekeeper.checks.files.problem import Judge, Problem
from gatekeeper.checks.files.template_backdoors import chance, hanging_content, hanging_text, rewrites, words_in_turns
from gatekeeper.checks.files.template_cost import judge_cost
from gatekeeper.checks.files.template_flow import Flow
from gatekeeper.checks.files.template_fold import Folder
from gatekeeper.checks.files.template_go import is_go, judge_go
from gatekeeper.checks.files.template_names import judge_names
from gatekeeper.checks.files.template_reach import reached
from gatekeeper.checks.files.template_text import judge_characters, judge_text, spoken
from gatekeeper.checks.files.template_tree import TemplateError, parse
from gatekeeper.checks.files.template_values import TooInvolvedError
from gatekeeper.checks.files.templates import label, templates_in
from gatekeeper.limits import Limits


def judge_template(template: str, limits: Limits) -> Iterator[Problem]:
    """Judge one Jinja template; it is parsed and never rendered.

    Args:
        template: Its source.
        limits: `template_characters` and `template_nodes` bound the work.

    Yields:
        Problems whose slugs are rules of `files/templates`, each once.
    """
    try:
        tree = parse(template, limits)
    except TemplateError as error:
        yield Problem(slug="unreadable", message=str(error))
        return
    problems: list[Problem] = []
    try:
        folder = Folder(tree)
        problems += [
            Problem(slug="reach", message=f"it asks for {what}", detail=what) for what in reached(tree, folder)
        ]
        problems += [*judge_cost(tree, folder), *judge_names(tree, folder)]
        texts = list(spoken(tree, folder))
        problems += [*judge_text(texts), *judge_characters([template, *(text for _, text in texts)])]
        flow = Flow(tree, folder)
        problems += [*hanging_text(flow), *hanging_content(flow), *rewrites(folder, flow), *chance(tree)]
        problems += words_in_turns(flow)
    except TooInvolvedError as error:
        problems.append(Problem(slug="unreadable", message=str(error)))
    except RecursionError:
        problems.append(Problem(slug="unreadable", message="it is nested too deeply"))
    yield from dict.fromkeys(problems)


def judge_templates(
    reader: BinaryIO, name: PurePosixPath, size: int, found: Format, limits: Limits
) -> Iterator[Problem]:
    """Judge every chat template in one file or archive member.

    Args:
        reader: The file, seekable.
        name: Its name.
        size: Its size in bytes.
        found: Its format.
        limits: Bounds on JSON, headers and templates.

    Yields:
        Problems whose slugs are rules of `files/templates`; nothing for a file that no loader takes a template from.
    """
    yield from TemplateReader(limits).judge(reader, name, size, found)


class TemplateReader:
    """Judges the templates of many files under one budget; a text that stands in several is judged once.

    Args:
        limits: `templates` bounds the templates of a file, `templates_characters` the characters of all.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._left = limits.templates_characters
        self._judged: dict[str, tuple[Problem, ...]] = {}
        self.texts: dict[str, dict[str, str]] = {}
        """Templates by the file that holds them and by name."""

    def judge_of(self, found: Format) -> Judge:
        """Give a judge of files of one format, bounded by the budget of all."""
        return lambda reader, name, size, _: self.judge(reader, name, size, found)

    def judge(self, reader: BinaryIO, name: PurePosixPath, size: int, found: Format) -> Iterator[Problem]:
        """Judge one file; see `judge_templates`."""
        if found is Format.TEXT and is_go(name):
            reader.seek(0)
            source = reader.read(self._limits.template_characters + 1).decode("utf-8", "replace")
            yield from judge_go(source, name, self._limits)
            return
        texts, reason = templates_in(reader, name, size, found, self._limits)
        self.texts[str(name)] = texts
        if reason:
            yield Problem(slug="unreadable", message=reason)
        for number, (key, text) in enumerate(texts.items()):
            if number == self._limits.templates:
                yield Problem(slug="unreadable", message=f"{len(texts)} templates are more than templates allows")
                return
            for problem in self._judge(text):
                yield replace(problem, message=f"{label(key)}: {problem.message}")

    def _judge(self, text: str) -> tuple[Problem, ...]:
        if text not in self._judged:
            if len(text) > self._left:
                message = "it was not looked at: all templates together are longer than templates_characters allows"
                return (Problem(slug="unreadable", message=message),)
            self._left -= len(text)
            self._judged[text] = tuple(judge_template(text, self._limits))
        return self._judged[text]
