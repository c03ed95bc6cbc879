"""The line of the lock: references in, gated one by one, entries out; and back, from the lock to what is gated.

for pin in lock_models(references, path, policy):
    print(pin.asked, pin.refusal or pin.model.verdict)
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from gatekeeper import lockfile, sources
from gatekeeper.artifact import Kind, Reference, Scheme
from gatekeeper.checks.provenance.bases import Base, read_base
from gatekeeper.decision import Action
from gatekeeper.errors import GatekeeperError, InputError, NotFoundError
from gatekeeper.gate import gate
from gatekeeper.lock import Drift, DriftKind, Lock, LockedBase, LockedFile, LockedModel, drift, files_as_listed
from gatekeeper.progress import SILENT, Progress
from gatekeeper.text import printable

if TYPE_CHECKING:
    from gatekeeper.attestation import Attestation, Subject
    from gatekeeper.decision import Approval
    from gatekeeper.policy import Policy
    from gatekeeper.sealed_cache import SealedCache
    from gatekeeper.sources import SourceOptions

_PULL_REQUEST = "refs/pr/"
_SAID_BY = ("adapter_config", "card", "tag")
"""Who says what the base is, best first: a loader follows the adapter's configuration."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pin:
    """What became of one reference that was to be pinned."""

    asked: Reference
    before: LockedModel | None = None
    """The entry that the lock had."""

    model: LockedModel | None = None
    """The entry as written; None when nothing was."""

    attestation: Attestation | None = None
    """What the gate said; None when it was not asked."""

    refusal: str = ""
    """Why nothing was written, in words; empty when it was."""

    hint: str = ""
    commit: str = ""
    """What the reference means now; empty when that could not be told."""

    differences: tuple[Drift, ...] = ()
    """How its files differ from what the lock had."""

    notes: tuple[str, ...] = ()
    """What a person should know of an entry that was written."""

    exit_code: int = 0
    """0 pinned, 1 refused, 2 or 3 as the error that kept it from being gated."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pinning:
    """What holds for all references of one run."""

    path: Path
    """The lock."""

    policy: Policy
    update: bool = False
    """Whether an entry may move to another commit."""

    source: SourceOptions
    progress: Progress = SILENT
    results: SealedCache | None = None
    approvals: tuple[Approval, ...] = ()
    """Sign-offs, as the gate takes them."""

    now: datetime | None = None
    """Time of the decisions, UTC; None for the clock."""


def lock_models(references: Iterable[Reference], pinning: Pinning) -> Iterator[Pin]:
    """Gate each reference and write its entry before the next: an interruption loses nothing that was done.

    A reference that can't be gated or is not pinned does not keep the others from being so.

    Yields:
        What became of each, in their order.

    Raises:
        InputError: When the lock itself can't be read or written.
    """
    for asked in references:
        before = _read(pinning.path)
        try:
            pin = _pin(asked, before, pinning)
        except GatekeeperError as error:
            yield Pin(asked=asked, refusal=error.message, hint=error.hint, exit_code=error.exit_code)
            continue
        if pin.model:
            _write(pin.model, pin.before, pinning.path)
        yield pin


def locked_reference(reference: Reference, lock: Lock, options: SourceOptions) -> tuple[Reference, LockedModel]:
    """Find what the lock pins for a reference, and what is to be gated for it.

    Args:
        reference: As asked for; without a revision it means the pinned commit.
        lock: What is pinned.
        options: For asking what a branch or tag means now.

    Returns:
        The reference with its commit when that is the pinned one, else as it was asked for, so that the gate tells of
        both; and the entry.

    Raises:
        InputError: When it is not on the Hub or the lock does not name it.
        GatekeeperError: When a branch or tag can't be resolved.
    """
    if reference.scheme is not Scheme.HUB:
        raise InputError(
            f"{printable(str(reference))} is local: the lock pins models on the Hub", hint="leave --locked out"
        )
    entry = find_entry(lock, reference.name)
    if not reference.revision or sources.resolve(reference, options).revision == entry.commit:
        return replace(reference, revision=entry.commit), entry
    return reference, entry


def find_entry(lock: Lock, name: str) -> LockedModel:
    """Give the entry of a model.

    Raises:
        NotFoundError: When the lock does not name it; with the names that are like it.
    """
    entry = lock.model(name)
    if entry is None:
        near = difflib.get_close_matches(name, [model.id for model in lock.models], n=3, cutoff=0.5)
        like = f"it has {', '.join(near)}; " if near else ""
        shown = printable(name)
        raise NotFoundError(f"{shown} is not in the lock", hint=f"{like}`gatekeeper lock {shown}` pins it")
    return entry


def find_entries(lock: Lock, names: Iterable[str]) -> tuple[LockedModel, ...]:
    """Give the entries of some models, each once; of all when none is named.

    Raises:
        NotFoundError: As for `find_entry`.
    """
    return tuple(find_entry(lock, name) for name in dict.fromkeys(names)) or lock.models


def _read(path: Path) -> Lock:
    try:
        return lockfile.read(path)
    except NotFoundError:
        return Lock()


def _write(model: LockedModel, before: LockedModel | None, path: Path) -> None:
    def change(lock: Lock) -> Lock:
        if lock.model(model.id) != before:
            raise InputError(f"somebody else changed the entry of {model.id} meanwhile", hint="run it again")
        return lockfile.with_model(lock, model)

    lockfile.edit(path, change)


def _pin(asked: Reference, lock: Lock, pinning: Pinning) -> Pin:
    if asked.scheme is not Scheme.HUB:
        raise InputError("only models on the Hub can be pinned", hint="write org/name, with or without a revision")
    if asked.revision.lower().startswith(_PULL_REQUEST):
        # By its digits nobody would see any more that anybody with an account could push it.
        raise InputError(
            f"{printable(asked.revision)} can be pushed by anybody", hint="lock the commit once the publisher merged it"
        )
    before = lock.model(asked.name)
    pinned = _resolved(asked, before, pinning.source)
    source = pinning.source
    if before and not source.exclude:
        source = replace(source, exclude=before.exclude)
    moved = before is not None and (before.commit, before.exclude) != (pinned.revision, source.exclude)
    known = Pin(asked=asked, before=before, commit=pinned.revision)
    if before and moved and not pinning.update:
        return replace(
            known,
            refusal=_moved(before, pinned),
            hint="when the change is meant, lock it with --update",
            differences=_proposed(before, pinned, source, pinning.progress),
            exit_code=1,
        )
    attestation = gate(
        pinned,
        pinning.policy,
        source=source,
        progress=pinning.progress,
        now=pinning.now or datetime.now(UTC),
        results=pinning.results,
        locked=None if moved else before,
        approvals=pinning.approvals,
        trusted_reference=replace(asked, revision=before.commit) if before and moved else None,
    )
    differences = drift(before, attestation.subject.files) if before else ()
    known = replace(known, attestation=attestation, differences=differences)
    refusal = _refusal(attestation, before, differences)
    if refusal:
        return replace(known, refusal=refusal, exit_code=1)
    base, notes = _base(attestation.subject, lock, pinning.source)
    return replace(known, model=_entry(attestation, base), notes=(*notes, *_left_behind(lock, pinned)))


def _left_behind(lock: Lock, base: Reference) -> Iterator[str]:
    """Tell of models that were pinned with this one as their base, at another commit."""
    for model in lock.models:
        if model.base and model.base.id == base.name and model.base.commit != base.revision:
            yield f"{model.id} was pinned with {model.base}: lock it again to move it to this commit"


def _resolved(asked: Reference, before: LockedModel | None, options: SourceOptions) -> Reference:
    """Name the commit that is meant; offline the default branch is what was pinned, as the cache knows no other."""
    if before and options.offline and not asked.revision:
        return replace(asked, revision=before.commit)
    return sources.resolve(asked, options)


def _moved(before: LockedModel, now: Reference) -> str:
    if before.commit == now.revision:
        return f"it is pinned without {', '.join(map(printable, before.exclude)) or 'leaving any file out'}"
    return f"it is pinned at {before.commit}, this is {now.revision}"


def _refusal(attestation: Attestation, before: LockedModel | None, differences: tuple[Drift, ...]) -> str:
    """Say why an artifact must not be pinned, whoever asks; empty when it may."""
    subject, verdict = attestation.subject, attestation.verdict
    changed = any(difference.kind is DriftKind.CHANGED for difference in differences)
    if before and before.commit == subject.commit and changed:
        return "the commit is the pinned one, the bytes are not: they were exchanged behind it"
    if verdict.action is Action.DISCARD:
        return f"the verdict is discard: {verdict.because}"
    return "" if subject.digest and subject.files else "not all of its bytes were had"


def _proposed(before: LockedModel, pinned: Reference, source: SourceOptions, progress: Progress) -> tuple[Drift, ...]:
    """Compare an entry with another commit by what the Hub lists, without downloading weights."""
    with sources.open_artifact(pinned, replace(source, metadata_only=not source.offline), progress) as artifact:
        return drift(before, files_as_listed(artifact))


def _entry(attestation: Attestation, base: LockedBase | None) -> LockedModel:
    subject, verdict = attestation.subject, attestation.verdict
    return LockedModel(
        id=subject.name,
        commit=subject.commit,
        digest=subject.digest,
        kind=subject.kind,
        files=tuple(LockedFile(path=file.path, size=file.size, sha256=file.sha256) for file in subject.files),
        signer=str(verdict.facts.get("signature.signer", "")),
        base=base,
        policy=verdict.policy_digest,
        verdict=verdict.action,
        decided_at=attestation.created_at.astimezone(UTC).replace(microsecond=0),
        exclude=subject.exclude,
    )


def _base(subject: Subject, lock: Lock, options: SourceOptions) -> tuple[LockedBase | None, tuple[str, ...]]:
    """Find the base model and its commit: in the lock, as declared, else as the Hub has it now; and what to say."""
    bases = _declared(subject)
    names = sorted({base.id for base in bases})
    if len(names) > 1:
        return None, (f"it names several base models ({', '.join(names[:5])}), so none is recorded",)
    if not names or not lockfile.is_model_id(names[0]):
        lacking = "it names no base model on the Hub, and an adapter is nothing without"
        return None, (lacking,) if subject.kind is Kind.ADAPTER else ()
    name = names[0]
    declared = next((base.revision.lower() for base in bases if base.pinned), "")
    locked = next((model for model in lock.models if model.id.lower() == name.lower()), None)
    if locked:
        differs = bool(declared) and declared != locked.commit
        note = f"its base {name} is pinned at {locked.commit}, it declares {declared}"
        return LockedBase(id=locked.id, commit=locked.commit), (note,) if differs else ()
    if declared:
        return LockedBase(id=name, commit=declared), ()
    revision = next((base.revision for base in bases if base.revision), "")
    try:
        asked = sources.parse(f"hf://{name}", revision=revision or None)
        return LockedBase(id=name, commit=sources.resolve(asked, options).revision), ()
    except GatekeeperError as error:
        return LockedBase(id=name, commit=""), (f"the commit of its base {name} is not known: {error.message}",)


def _declared(subject: Subject) -> tuple[Base, ...]:
    """Give the bases that count: of an adapter what its configuration says, else all that are said."""
    own = {subject.name.lower(), subject.returned_name.lower()}
    read = [read_base(claim) for claim in subject.lineage]
    bases = [base for base in read if base.id and base.key not in own and base.claim.said_by in _SAID_BY]
    first = [base for base in bases if base.claim.said_by == _SAID_BY[0]]
    if subject.kind is Kind.ADAPTER and first:
        keys = {base.key for base in first}
        bases = [base for base in bases if base.key in keys]
    # One spelling for one id, the one of whoever counts most.
    bases.sort(key=lambda base: _SAID_BY.index(base.claim.said_by))
    spelling: dict[str, str] = {}
    for base in bases:
        spelling.setdefault(base.key, base.id)
    return tuple(replace(base, id=spelling[base.key]) for base in bases)
