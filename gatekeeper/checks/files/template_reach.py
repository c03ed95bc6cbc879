"""What a chat template reaches for: names by which Jinja text gets at Python's insides, read off its syntax tree.

The text is parsed and never rendered. Loaders that render in a sandbox stop most of this; the ones that don't run
whatever it leads to, and no honest template needs any of it.
"""

from __future__ import annotations

import builtins
import re
import types
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import nodes

_INSIDES = frozenset(
    {
        *("mro", "gi_frame", "gi_code", "cr_frame", "cr_code", "ag_frame", "ag_code", "tb_frame", "tb_next"),
        *("f_globals", "f_locals", "f_builtins", "f_back", "func_globals", "func_code", "im_func", "im_self"),
    }
)
"""Attributes without underscores that lead from values to frames, classes and globals (jinja2's sandbox lists them)."""

_DUNDERS = frozenset(
    name
    for value in (object, type, dict, BaseException, builtins, *(kind for kind in vars(types).values()))
    for name in dir(value)
    if name.startswith("__") and name.endswith("__")
)
"""Names between double underscores that Python's own values have; `__media__` and the like are markers in a prompt."""

_PATH = re.compile(r"\w+(\.\w+)*")
"""What filters such as `map` and `attr` take for a way through attributes."""

_FORMAT_FIELD = re.compile(r"\{[^{}]*[.\[]_")
"""A field of `str.format` that begins an attribute or key with an underscore."""

_BLOCK = re.compile(r"\{%-?\s*(?:end)?generation\s*-?%\}")
"""transformers' own block, which marks what the assistant said and changes nothing else."""

_MOST_CHARACTERS = 1 << 18
"""The longest template on the Hub has a quarter of this; parsing takes ten microseconds a character."""


class TemplateError(ValueError):
    """The template can't be parsed; the message says why."""


def reaches(template: str) -> list[str]:
    """Say what a template reaches for; empty when it is nothing.

    Args:
        template: Jinja text.

    Raises:
        TemplateError: When it is no Jinja text, or too long or too deep to be read.
    """
    from jinja2 import Environment, TemplateSyntaxError

    if len(template) > _MOST_CHARACTERS:
        raise TemplateError(f"{len(template)} characters are too many")
    # Only parsed, and never rendered, so there is nothing to be escaped.
    environment = Environment(extensions=["jinja2.ext.loopcontrols", "jinja2.ext.do"])  # noqa: S701
    try:
        tree = environment.parse(_BLOCK.sub("", template))
        return list(dict.fromkeys(_walk(tree)))
    except TemplateSyntaxError as error:
        raise TemplateError(f"line {error.lineno}: {error.message}") from error
    except (RecursionError, MemoryError, ValueError, OverflowError) as error:
        raise TemplateError(f"{type(error).__name__}") from error


def _walk(tree: nodes.Node) -> Iterator[str]:
    from jinja2 import nodes

    waiting: list[nodes.Node] = [tree]
    while waiting:
        node = waiting.pop()
        waiting.extend(node.iter_child_nodes())
        if isinstance(node, nodes.Getattr) and (_inside(node.attr) or node.attr.startswith("_")):
            yield f"the attribute {node.attr!r}"
        elif isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const) and _inside(node.arg.value):
            yield f"the item {node.arg.value!r}"
        elif isinstance(node, nodes.Const) and _spells(node.value):
            yield f"the text {str(node.value)[:80]!r}"
        elif isinstance(node, nodes.Include | nodes.Import | nodes.FromImport | nodes.Extends):
            yield f"another file ({type(node).__name__.lower()})"
        elif isinstance(node, nodes.Name) and node.name in _DUNDERS:
            yield f"the name {node.name!r}"


def _inside(name: Any) -> bool:
    return isinstance(name, str) and (name in _INSIDES or name in _DUNDERS)


def _spells(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    if _FORMAT_FIELD.search(value):
        return True
    return bool(_PATH.fullmatch(value)) and any(part in _DUNDERS for part in value.split("."))
