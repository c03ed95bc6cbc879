"""Words of a bill of materials: text made fit for it, licences as SPDX writes them, times, addresses and references."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from gatekeeper.attest.resource import hub_uri
from gatekeeper.attestation import Attestation, Subject
from gatekeeper.evidence import FactValue
from gatekeeper.text import printable

Object = dict[str, Any]
"""One object of the document."""

MAX_NAME = 4_096
"""Characters of a name: a path of the longest kind, with every character written out."""

MAX_VERSION = 1_024
"""Characters of a version: CycloneDX takes no more."""

MAX_WORDS = 2_000
"""Characters of any other text."""

HUB_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}(/[A-Za-z0-9][A-Za-z0-9._-]{0,95})?")
COMMIT = re.compile(r"[0-9a-f]{40}")
SHA256 = re.compile(r"[0-9a-f]{64}")
_ENDPOINT = re.compile(r"https?://[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]{0,200})?")

# The Hub's ids are lower case. Those of the GNU licences are left out: they do not say whether later versions are
# meant, as SPDX does. Source: https://spdx.org/licenses, https://huggingface.co/docs/hub/repositories-licenses.
_SPDX = (
    "0BSD", "AFL-3.0", "Apache-2.0", "Artistic-2.0", "BSD-2-Clause", "BSD-3-Clause", "BSD-3-Clause-Clear", "BSL-1.0",
    "C-UDA-1.0", "CC-BY-2.0", "CC-BY-2.5", "CC-BY-3.0", "CC-BY-4.0", "CC-BY-NC-2.0", "CC-BY-NC-3.0", "CC-BY-NC-4.0",
    "CC-BY-NC-ND-3.0", "CC-BY-NC-ND-4.0", "CC-BY-NC-SA-2.0", "CC-BY-NC-SA-3.0", "CC-BY-NC-SA-4.0", "CC-BY-ND-4.0",
    "CC-BY-SA-3.0", "CC-BY-SA-4.0", "CC0-1.0", "CDLA-Permissive-1.0", "CDLA-Permissive-2.0", "CDLA-Sharing-1.0",
    "ECL-2.0", "EPL-1.0", "EPL-2.0", "EUPL-1.1", "EUPL-1.2", "ISC", "LPPL-1.3c", "MIT", "MIT-0", "MPL-2.0", "MS-PL",
    "NCSA", "OFL-1.1", "OSL-3.0", "PostgreSQL", "Unlicense", "WTFPL", "Zlib", "etalab-2.0",
)  # fmt: skip
SPDX: Mapping[str, str] = {name.lower(): name for name in _SPDX} | {
    "c-uda": "C-UDA-1.0",
    "odbl": "ODbL-1.0",
    "odc-by": "ODC-By-1.0",
    "pddl": "PDDL-1.0",
}
"""Licence as the Hub writes it → its SPDX id."""


def name_text(text: str) -> str:
    """Make a name fit: printable, bounded, never empty."""
    return printable(text, MAX_NAME) or "(no name)"


def words(text: str) -> str:
    """Make any other text fit."""
    return printable(text, MAX_WORDS)


def properties(pairs: Iterable[tuple[str, str | None]]) -> list[Object]:
    """Write properties in our own name space, sorted; those without a value are left out."""
    told = {(f"gatekeeper:{name}", words(value)) for name, value in pairs if value}
    return [{"name": name, "value": value} for name, value in sorted(told)]


def licences(declared: str) -> list[Object]:
    """Write what the fact `licence.id` says, as SPDX ids where they are some, each marked as declared."""
    found = sorted({name for name in declared.split(", ") if name})
    return [
        {
            "license": {
                **({"id": SPDX[name]} if name in SPDX else {"name": name_text(name)}),
                "acknowledgement": "declared",
            }
        }
        for name in found
    ]


def sha256_hashes(digest: str) -> Object:
    """Give the `hashes` of something; nothing when it was not hashed."""
    return {"hashes": [{"alg": "SHA-256", "content": digest}]} if SHA256.fullmatch(digest) else {}


def time_text(moment: datetime) -> str:
    """Write a time as RFC 3339 has it, in UTC where the calendar allows it."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    try:
        return aware.astimezone(UTC).isoformat().replace("+00:00", "Z")
    except OverflowError:  # at an end of the calendar
        return aware.isoformat()


def facts_of(attestation: Attestation) -> dict[str, FactValue]:
    """Give all that the checks set, and above it what the table was tried on."""
    known: dict[str, FactValue] = {}
    for result in attestation.results:
        known.update(result.facts)
    return known | dict(attestation.decision.facts if attestation.decision else {})


def text_fact(facts: Mapping[str, FactValue], name: str) -> str:
    """Give a fact that is a text; empty when it is missing or something else."""
    value = facts.get(name, "")
    return value if isinstance(value, str) else ""


def package_url(name: str, commit: str) -> str:
    """Name a repo on the Hub at a commit; empty when the two can't be that."""
    if not HUB_NAME.fullmatch(name) or not (commit == "" or COMMIT.fullmatch(commit)):
        return ""
    return hub_uri(name, commit)


def is_on_hub(subject: Subject) -> bool:
    """Whether the subject was named as a repo of the Hub."""
    return subject.reference.startswith("hf://")


def hub_address(subject: Subject, tail: str) -> str:
    """Give the address of a page of the repo at its commit; empty when it would not be one.

    Args:
        subject: What it is about.
        tail: `tree`, or `blob` and a path, to stand around the commit: `blob/{commit}/README.md`.
    """
    whole = is_on_hub(subject) and HUB_NAME.fullmatch(subject.name) and COMMIT.fullmatch(subject.commit)
    if not whole or not _ENDPOINT.fullmatch(subject.endpoint):
        return ""
    return f"{subject.endpoint.rstrip('/')}/{quote(subject.name)}/{tail.format(commit=subject.commit)}"
