"""The HTML view: one file that asks for nothing, runs nothing and reads without either.

Every string goes through `printable` before Jinja escapes it: that is the environment's `finalize`, so a template
can't forget it. The page's own style is named in its Content-Security-Policy by digest; a style or script that
hostile text might smuggle in would not be that one, and nothing may be loaded.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gatekeeper.attestation import Attestation
from gatekeeper.report import adapters, controls, drawing, incident, view
from gatekeeper.text import plural, printable

if TYPE_CHECKING:
    from jinja2 import Environment

MAX_TEXT = 2_000
"""Characters of one string on the page."""

MAX_SHOWN = 12
"""Items of a list that stand open; the others are folded."""

MAX_FINDINGS = 200
"""Findings listed for one room."""

MAX_FILES = 500
"""Files listed."""

MAX_LISTED = 100
"""Items of any other list: omissions, gaps, commits, irregularities, waivers, facts."""

TEMPLATES = Path(__file__).with_name("templates")
"""Folder of the templates and styles."""


def to_html(attestation: Attestation) -> str:
    """Render the page.

    Lists longer than the limits above are cut, and the page says by how much and that the JSON has them all.

    Returns:
        A whole HTML document in UTF-8.
    """
    # Lone surrogates never get here: `printable` writes them out.
    template = environment().get_template("report.html.j2")
    return template.render(attestation=attestation, decision=attestation.decision, subject=attestation.subject)


@dataclass(frozen=True, kw_only=True, slots=True)
class IndexEntry:
    """One attestation on an overview page."""

    title: str
    story: str
    """What a person should see in it, one sentence."""

    attestation: Attestation
    link: str
    """Relative address of its page; our own, never from a model repo."""


def to_index(title: str, entries: Sequence[IndexEntry]) -> str:
    """Render a page that leads to several reports.

    Returns:
        A whole HTML document in UTF-8.
    """
    return environment().get_template("index.html.j2").render(title=title, entries=entries)


@cache
def environment() -> Environment:
    """Make the environment of every page: escaping on, undefined names refused, strings finalised."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    # In front of a filter or a macro's argument strings are still raw; what is put on the page is always finalised.
    def finalize(value: Any) -> Any:
        return printable(value, MAX_TEXT) if isinstance(value, str) and not isinstance(value, Markup) else value

    style = (TEMPLATES / "report.css").read_text("utf-8")
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "size": view.size_text,
        "time": view.time_text,
        "short": view.short,
        "fact": view.fact_text,
        "plural": plural,
        "cut": printable,
    }
    environment.globals |= {
        "view": view,
        "adapters": adapters,
        "incident": incident,
        "lay_out": drawing.lay_out,
        "controls": controls,
        "style": Markup(style),  # noqa: S704 - our own file
        "style_digest": base64.b64encode(hashlib.sha256(style.encode()).digest()).decode("ascii"),
        "max_shown": MAX_SHOWN,
        "max_findings": MAX_FINDINGS,
        "max_files": MAX_FILES,
        "max_listed": MAX_LISTED,
    }
    return environment
