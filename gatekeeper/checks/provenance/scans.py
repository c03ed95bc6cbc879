"""The Hub's scan reports as raw JSON, read with care: any value in them may be anything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gatekeeper.text import printable

RANK: tuple[str, ...] = ("safe", "unknown", "unscanned", "queued", "error", "caution", "suspicious", "unsafe")
"""What a scanner can say, best first. `unknown` is our word for having got no answer."""

ALARMS = frozenset({"caution", "suspicious", "unsafe"})
"""Words by which a scanner says that something is wrong."""

UNREAD = "unread"
"""Our word for an answer that can't be read: a new word of the Hub's, or no text."""

_IMPORTS_SHOWN = 5
_SCANNERS_READ = 32


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What one scanner, or the Hub as a whole, says about a file."""

    scanner: str
    """Key in the JSON (`avScan`); `status` for the Hub's own summary."""

    word: str
    """One of `RANK` or `UNREAD`."""

    message: str
    """The scanner's own words and what it dislikes, made printable; may be empty."""


def read_word(value: object) -> str:
    """Read a status so that only the exact word `safe` is safe.

    Args:
        value: Whatever stands in the JSON.

    Returns:
        One of the Hub's seven words, or `UNREAD`.
    """
    if not isinstance(value, str):
        return UNREAD
    word = value.strip().lower()
    if word == "safe":
        return "safe" if value == "safe" else UNREAD
    return word if word in RANK and word != "unknown" else UNREAD


def worst(words: list[str]) -> str:
    """Give the worst of several words; an answer that can't be read ranks as an error.

    Args:
        words: Of `RANK` or `UNREAD`; `unknown` when empty.
    """
    ranked = ["error" if word == UNREAD else word for word in words]
    return max(ranked, key=RANK.index, default="unknown")


def read_file_status(report: object) -> list[Verdict]:
    """Read a `securityFileStatus`: the Hub's summary and every scanner, also those that are new to us.

    Returns:
        The summary first; empty when the report is no object.
    """
    if not isinstance(report, Mapping):
        return []
    verdicts = [Verdict(scanner="status", word=read_word(report.get("status")), message="")]
    scanners = [(str(key), value) for key, value in report.items() if key != "status"]
    for key, value in scanners[:_SCANNERS_READ]:
        if isinstance(value, Mapping):
            word = read_word(value.get("status"))
            verdicts.append(Verdict(scanner=printable(key, 40), word=word, message=_words_of(value)))
        elif value is not None and key.lower().endswith("scan"):
            verdicts.append(Verdict(scanner=printable(key, 40), word=UNREAD, message=""))
    if len(scanners) > _SCANNERS_READ:
        verdicts.append(Verdict(scanner="status", word=UNREAD, message="more scanners than can be read"))
    return verdicts


def read_issues(status: Mapping[str, object]) -> tuple[list[tuple[str, str]], bool]:
    """Read `filesWithIssues` of a `securityRepoStatus`.

    Returns:
        Pairs of path and word, and whether the whole list could be read.
    """
    entries = status.get("filesWithIssues", [])
    if not isinstance(entries, list):
        return [], False
    objects = [entry for entry in entries if isinstance(entry, Mapping) and isinstance(entry.get("path"), str)]
    return [(entry["path"], read_word(entry.get("level"))) for entry in objects], len(objects) == len(entries)


def _words_of(report: Mapping[str, object]) -> str:
    message = report.get("message")
    parts = [printable(message)] if isinstance(message, str) and message.strip() else []
    disliked = list(_disliked_imports(report.get("pickleImports")))
    if disliked:
        more = f" and {len(disliked) - _IMPORTS_SHOWN} more" if len(disliked) > _IMPORTS_SHOWN else ""
        parts.append(f"imports {', '.join(disliked[:_IMPORTS_SHOWN])}{more}")
    return "; ".join(parts)


def _disliked_imports(imports: object) -> Iterator[str]:
    for entry in imports if isinstance(imports, list) else ():
        if isinstance(entry, Mapping) and entry.get("safety") != "innocuous":
            parts = [entry.get(key) for key in ("module", "name")]
            yield ".".join(printable(part, 60) for part in parts if isinstance(part, str)) or "something unnamed"
