"""A setting or argument with its value → mentions; the same for every kind of file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from gatekeeper.ci.keys import Claim, Trust, claim_of, is_true, normalised, revision_of
from gatekeeper.ci.names import Kind, Reading, read
from gatekeeper.ci.variables import Variables
from gatekeeper.mention import Mention, Role
from gatekeeper.text import printable


@dataclass(frozen=True, slots=True)
class Setting:
    """One key with its value, as a file has it."""

    key: str
    value: str
    line: int
    """One-based."""


ADDRESS = Claim(Role.MODEL, Trust.ADDRESS)


def tell(
    setting: Setting, claim: Claim, variables: Variables, *, revision: str = "", remote_code: bool = False
) -> Iterator[Mention]:
    """Give what one value names.

    Args:
        setting: The value, with what names it.
        claim: What that promises.
        variables: Of the file.
        revision: As written beside it; empty when none is.
        remote_code: Whether code from the repo may run.
    """
    expansion = variables.expand(setting.value, setting.line)
    if expansion.why and claim.trust > Trust.ADDRESS and claim.role is not Role.TOKENIZER:
        yield Mention(line=setting.line, role=claim.role, call=setting.key, unresolved=expansion.why)
    loads = claim.trust is Trust.LOADER
    for each in expansion.texts:
        reading = read(each.text, bare=loads, legacy=claim.trust is Trust.PROMISED, lax=loads)
        empty = Mention(line=each.line or setting.line, role=claim.role, call=setting.key)
        if not _counts(reading, claim):
            continue
        if reading.kind is Kind.FOLDER:
            if claim.trust >= Trust.PROMISED:
                shown = printable(each.text)
                yield replace(empty, unresolved=f"{shown} is a folder or a model; ./{shown} would be a folder")
            continue
        for at, why in [(reading.revision, "")] if reading.revision else _revisions(revision, variables):
            yield replace(empty, name=reading.name, revision=at, unresolved=why, remote_code=remote_code)


def _counts(reading: Reading, claim: Claim) -> bool:
    if reading.kind is Kind.OTHER:
        return False
    return reading.address if claim.trust is Trust.ADDRESS else True


def _revisions(written: str, variables: Variables) -> list[tuple[str, str]]:
    if not written:
        return [("", "")]
    expansion = variables.expand(written.strip())
    if len(expansion.texts) == 1:
        return [(printable(expansion.texts[0].text), "")]
    return [("", f"its revision can't be told: {expansion.why or 'there are several'}")]


def group(settings: Iterable[Setting], variables: Variables, *, parent: str = "", more: str = "") -> Iterator[Mention]:
    """Give what settings that stand together name, each with the revision that stands beside it.

    Args:
        settings: Of one mapping, or all variables of one file.
        variables: Of the file.
        parent: The key that they stand under.
        more: A revision from elsewhere, for the only main model among them.
    """
    held = list(settings)
    by_key = {normalised(each.key): each.value for each in held if each.value.strip()}
    if any(by_key.get(key, "").strip() in {"dataset", "space"} for key in ("repo_type", "type", "resource_type")):
        return
    claims = [(each, claim_of(each.key, parent)) for each in held]
    mains = sum(claim is not None and claim.main for each, claim in claims)
    alone = sum(claim is not None for each, claim in claims) == 1
    remote = next((is_true(by_key[key]) for key in _REMOTE if key in by_key), False)
    for each, claim in claims:
        if claim is None:
            if is_download(each.value):
                yield from tell(each, ADDRESS, variables)
            continue
        revision = revision_of(each.key, claim, by_key, alone=alone)
        if not revision and claim.main and mains == 1:
            revision = more
        yield from tell(each, claim, variables, revision=revision, remote_code=remote)


_REMOTE = ("trust_remote_code", "allow_remote_code", "hf_trust_remote_code", "vllm_trust_remote_code")


def is_download(text: str) -> bool:
    """Whether a text by itself says that something is loaded from the Hub: a scheme, or a file at a revision."""
    lowered = text[:20].lower()
    if lowered.startswith(("hf://", "hf-hub:", "hf_hub:", "huggingface://")):
        return True
    return lowered.startswith("http") and read(text).download


def distinct(mentions: Iterable[Mention]) -> Iterator[Mention]:
    """Give each mention once, in the order of lines; of a name on one line the fullest."""
    best: dict[tuple[object, ...], Mention] = {}
    for each in mentions:
        key: tuple[object, ...] = (each.line, each.cell, each.name, each.role, each.unresolved if not each.name else "")
        held = best.get(key)
        if held is not None and held.name and each.revision and held.revision and held.revision != each.revision:
            key = (*key, each.revision)
        if held is None or (each.revision and not held.revision):
            best[key] = each
    return iter(sorted(best.values(), key=lambda each: (each.cell, each.line)))
