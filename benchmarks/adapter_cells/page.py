"""The page of figures: two benchmarks write it, each its own part."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

DOCUMENT = Path(__file__).parents[2] / "docs" / "adapters-measured.md"

_BEGIN, _END = "<!-- by benchmarks.adapters_story -->\n", "<!-- end -->\n"


@dataclass(frozen=True, kw_only=True)
class Part:
    """A part of the page."""

    text: str
    failed: tuple[str, ...] = ()
    """Promises that do not hold; a target of detection that is missed stands in the text alone."""

    rows: tuple[str, ...] = ()
    """Of the first table."""


def story() -> str:
    """Give the part of the story with its marks, as the page has it; empty when it has none."""
    text = DOCUMENT.read_text("utf-8") if DOCUMENT.is_file() else ""
    _, begin, after = text.partition(_BEGIN)
    inside, end, _ = after.partition(_END)
    return f"{begin}{inside}{end}" if end else ""


def write_story(part: str) -> None:
    """Put the part of the story into the page; all else stays."""
    fresh, text = f"{_BEGIN}{part}{_END}", DOCUMENT.read_text("utf-8")
    old = story()
    DOCUMENT.write_text(text.replace(old, fresh) if old else f"{text}\n{fresh}", "utf-8")
