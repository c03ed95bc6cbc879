"""What is to be said of one chat template: every rule over one syntax tree."""

from __future__ import annotations

from collections.abc import Iterator

from gatekeeper.checks.files.problem import Problem
from gatekeeper.checks.files.template_backdoors import hanging_content, hanging_text, rewrites, words_in_turns, chance
from gatekeeper.checks.files.template_cost import judge_cost
from gatekeeper.checks.files.template_flow import Flow, TooInvolvedError
from gatekeeper.checks.files.template_fold import Folder
from gatekeeper.checks.files.template_names import judge_names
from gatekeeper.checks.files.template_reach import reaches
from gatekeeper.checks.files.template_text import judge_characters, judge_text
from gatekeeper.checks.files.template_tree import TemplateError, parse
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
    try:
        folder = Folder(tree)
        problems = [Problem(slug="reach", message=f"it asks for {what}", detail=what) for what in reaches(tree, folder)]
        problems += [*judge_cost(tree, folder), *judge_names(tree)]
        problems += [*judge_text(tree), *judge_characters(template, tree)]
        flow = Flow(tree, folder)
        problems += [*hanging_text(flow), *hanging_content(flow), *rewrites(folder, flow), *chance(tree)]
        problems += words_in_turns(flow)
    except TooInvolvedError as error:
        problems.append(Problem(slug="unreadable", message=str(error)))
    except RecursionError:
        problems.append(Problem(slug="unreadable", message="it is nested too deeply"))
    yield from dict.fromkeys(problems)
