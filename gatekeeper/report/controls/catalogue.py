"""The catalogue: kinds of evidence, frameworks, their controls, and what is evidence relevant to each.

All of it is read from `controls.yaml`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("controls.yaml")

OUTPUTS = (
    "attestation",
    "decision",
    "digests",
    "tool-versions",
    "waivers",
    "approvals",
    "lock",
    "signed-verdict",
    "bom",
)
"""Documents and sections that can be evidence. Whether a verdict was signed or a bill of materials written stands in no
attestation: a caller says so."""

_GROUP = "+"


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """One kind of evidence: a question that some checks ask."""

    id: str
    """One word."""

    title: str
    """The question, to be read after "evidence of"."""

    checks: tuple[str, ...]
    """Those that answer it; each check is of one kind."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Mapping:
    """What is evidence relevant to a control, and why."""

    because: str
    """One sentence."""

    checks: tuple[str, ...]
    """Ids, or `<room>/*` for all checks of a room."""

    hazards: tuple[str, ...]
    """Hazards of findings."""

    rows: tuple[str, ...]
    """Slugs of rows of the decision table, or `law:<slug>`."""

    outputs: tuple[str, ...]
    """Out of `OUTPUTS`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Control:
    """One control, risk, technique or element of a framework."""

    id: str
    title: str
    """Short, the framework's own or a shortening of it."""

    secondary: bool
    """Whether id or title was read elsewhere than in the framework itself."""

    mappings: tuple[Mapping, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Framework:
    """One framework in one edition."""

    id: str
    """Slug, with the edition where two are listed."""

    name: str
    edition: str
    """Always shown with the name: ids change between editions."""

    source: str
    """Where the ids come from."""

    retrieved: str
    """Day on which they were read there."""

    controls: tuple[Control, ...]


@cache
def catalogue() -> tuple[Framework, ...]:
    """Read the catalogue: our own file, part of the package.

    Returns:
        Frameworks and controls in the order of the file, with groups of sources written out.
    """
    raw = _raw()
    return tuple(_framework(each, raw["groups"]) for each in raw["frameworks"])


@cache
def kinds() -> tuple[Kind, ...]:
    """Read the kinds of evidence, in the order of the file."""
    return tuple(Kind(id=raw["id"], title=raw["title"], checks=tuple(raw["checks"])) for raw in _raw()["kinds"])


@cache
def _raw() -> dict[str, Any]:
    import yaml

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    raw: dict[str, Any] = yaml.load(FILE.read_bytes(), Loader=loader)  # noqa: S506 - a safe loader, under either name
    return raw


def _framework(raw: dict[str, Any], groups: dict[str, dict[str, list[str]]]) -> Framework:
    secondary = raw.get("secondary", False)
    return Framework(
        id=raw["id"],
        name=raw["name"],
        edition=raw["edition"],
        source=raw["source"],
        retrieved=raw["retrieved"],
        controls=tuple(
            Control(
                id=each["id"],
                title=each["title"],
                secondary=each.get("secondary", secondary),
                mappings=tuple(_mapping(one, groups) for one in each["mappings"]),
            )
            for each in raw["controls"]
        ),
    )


def _mapping(raw: dict[str, Any], groups: dict[str, dict[str, list[str]]]) -> Mapping:
    return Mapping(
        because=raw["because"],
        checks=_written_out(raw.get("checks", ()), groups["checks"]),
        hazards=tuple(raw.get("hazards", ())),
        rows=_written_out(raw.get("rows", ()), groups["rows"]),
        outputs=tuple(raw.get("outputs", ())),
    )


def _written_out(names: Iterable[str], groups: dict[str, list[str]]) -> tuple[str, ...]:
    """Put the members of groups in the place of their names.

    Raises:
        KeyError: When there is no such group.
    """
    each = (groups[name[1:]] if name.startswith(_GROUP) else [name] for name in names)
    return tuple(dict.fromkeys(member for members in each for member in members))
