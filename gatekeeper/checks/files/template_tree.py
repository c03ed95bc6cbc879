"""Jinja text as a syntax tree: parsed under limits and never rendered."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from gatekeeper.limits import DEFAULT_LIMITS, Limits
from gatekeeper.text import printable

if TYPE_CHECKING:
    from jinja2 import Environment, nodes


class TemplateError(ValueError):
    """The template can't be read; the message says why, in printable words."""


def parse(template: str, limits: Limits = DEFAULT_LIMITS) -> nodes.Template:
    """Parse a chat template as transformers does, with the statements that its environment knows.

    Args:
        template: Jinja text.
        limits: `template_characters` and `template_nodes` bound the work.

    Raises:
        TemplateError: When it is no Jinja text, or too long, too large or too deep.
    """
    from jinja2 import TemplateSyntaxError, nodes
    from jinja2.parser import Parser

    if len(template) > limits.template_characters:
        raise TemplateError(f"{len(template)} characters are more than template_characters allows")
    try:
        # `Environment.parse` runs a line that it makes up, to word the traceback of a broken template; this does not.
        tree = Parser(_environment(), template).parse()
    except TemplateSyntaxError as error:
        message = printable(f"line {error.lineno}: {error.message}", 200)
        raise TemplateError(f"transformers and vLLM can't compile it ({message})") from error
    except (RecursionError, MemoryError, ValueError, OverflowError) as error:
        raise TemplateError(f"it can't be parsed ({type(error).__name__})") from error
    try:
        count = sum(1 for _ in tree.find_all(nodes.Node))
    except RecursionError as error:
        raise TemplateError("it is nested too deeply") from error
    if count > limits.template_nodes:
        raise TemplateError(f"{count} parts are more than template_nodes allows")
    return tree


@cache
def _environment() -> Environment:
    """Give an environment with loop controls, `do` and transformers' `generation` block (utils/chat_template_utils)."""
    from jinja2 import Environment, nodes
    from jinja2.ext import Extension

    class Generation(Extension):
        """Marks what the assistant said and changes nothing else."""

        tags = {"generation"}  # noqa: RUF012 - jinja2 declares it so

        def parse(self, parser: Any) -> nodes.Node:
            line = next(parser.stream).lineno
            body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
            return nodes.Scope(body, lineno=line)

    # Only parsed, and never rendered, so there is nothing to be escaped.
    return Environment(  # noqa: S701
        extensions=["jinja2.ext.loopcontrols", "jinja2.ext.do", Generation], trim_blocks=True, lstrip_blocks=True
    )
