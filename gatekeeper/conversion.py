"""The line of `gatekeeper convert`: reference → artifact → evidence → converted folder → evidence again."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from gatekeeper import checks, policy, sources, tensors
from gatekeeper.artifact import Artifact, ArtifactFile, Reference, Scheme
from gatekeeper.errors import InputError
from gatekeeper.evidence import CheckResult, Gap, Hazard, Status
from gatekeeper.gate import TOOLS, Selection, collect, context_of, tool_versions
from gatekeeper.progress import SILENT, Progress

if TYPE_CHECKING:
    from gatekeeper.sources import SourceOptions

_CONVERTERS = ("torch", "safetensors", "numpy")
"""Distributions that write what `convert` makes."""

_FILE_CHECKS = Selection(only=tuple(check.id for check in checks.ALL if check.id.startswith("files/")))
"""What judges bytes alone; who published them does not make a pickle safe to load, or unsafe."""

_NEVER_LOADED = frozenset({Hazard.PAYLOAD, Hazard.TAMPERED, Hazard.IMPLANT})


def convert(
    reference: str | Reference,
    destination: Path,
    *,
    key: str = "",
    copy_code: bool = False,
    source: SourceOptions | None = None,
    progress: Progress = SILENT,
    now: datetime | None = None,
) -> tensors.Conversion:
    """Make a folder of safetensors out of honest torch files; the file checks judge what goes in and what comes out.

    Args:
        reference: As `gatekeeper.sources.parse` reads it.
        destination: Folder to be made; it appears whole or not at all.
        key: Where the state dict lies in each file; empty to look for it.
        copy_code: Whether Python files are copied.
        source: Cache, network and limits; None for the defaults.
        progress: Told how far long work has come.
        now: The time in the record, UTC; None for the clock.

    Returns:
        What was made; with `refusals` when nothing was.

    Raises:
        GatekeeperError: When it can't be tried: its class says whose turn it is.
    """
    tensors.require_torch()
    asked = sources.parse(reference) if isinstance(reference, str) else reference
    options = source or sources.SourceOptions()
    moment = now or datetime.now(UTC)
    place = tensors.check_destination(destination, None if asked.scheme is Scheme.HUB else Path(asked.name))
    with sources.open_artifact(asked, options, progress) as artifact:
        steps = tensors.plan(artifact.files, _head, copy_code=copy_code)
        loaded = frozenset(str(step.file.path) for step in steps if step.fate is tensors.Fate.CONVERTED)
        if not loaded:
            hint = tensors.why_nothing(steps) or "safetensors and GGUF need no conversion"
            raise InputError(f"{asked} holds no torch file to convert", hint=hint)
        known = tensors.Conversion(
            reference=str(asked),
            commit=artifact.commit,
            digest=artifact.digest,
            created_at=moment,
            tool_versions=tool_versions(names=(*TOOLS, *_CONVERTERS)),
            checks={check.id: check.version for check in checks.ALL if check.id in _FILE_CHECKS.only},
        )
        refusals = _objections(artifact, loaded, options, moment, progress)
        if refusals:
            return replace(known, refusals=refusals)

        def inspect(folder: Path) -> tuple[tensors.Refusal, ...]:
            made = frozenset(str(step.target) for step in steps if step.fate is tensors.Fate.CONVERTED)
            with sources.open_artifact(sources.parse(str(folder)), options, progress) as result:
                return _objections(result, made, options, moment, progress)

        converter = tensors.Converter(limits=options.limits, key=key, progress=progress)
        return converter.convert(steps, place, known, inspect)


def _head(file: ArtifactFile) -> bytes:
    with file.content.open() as reader:
        return reader.read(16)


def _objections(
    artifact: Artifact, loaded: Collection[str], options: SourceOptions, moment: datetime, progress: Progress
) -> tuple[tensors.Refusal, ...]:
    context = context_of(policy.load(), moment, options, progress)
    return objections(collect(artifact, context, _FILE_CHECKS, progress).results, loaded)


def objections(results: Sequence[CheckResult], loaded: Collection[str]) -> tuple[tensors.Refusal, ...]:
    """Say what speaks against loading some of an artifact's files.

    A payload anywhere does: whoever put it there made the rest too. Of the files that are to be loaded, whatever is
    suspicious does, and whatever a file check could not look at.

    Args:
        results: Of the checks.
        loaded: Paths of the files that are to be loaded.
    """
    refusals = [
        tensors.Refusal(path=finding.location.path, reason=f"{finding.id}: {finding.message}")
        for result in results
        for finding in result.findings
        if finding.hazard in _NEVER_LOADED
        or (finding.hazard is Hazard.SUSPICIOUS and finding.location.path.split("!", 1)[0] in loaded)
    ]
    refusals += [
        tensors.Refusal(path=gap.path, reason=f"{result.check.id} could not look at it: {gap.reason}")
        for result in results
        if result.check.id in _FILE_CHECKS.only
        for gap in (result.gaps or (Gap(reason=result.reason),) if result.status is Status.UNKNOWN else ())
        if not gap.path or gap.path.split("!", 1)[0] in loaded
    ]
    return tuple(dict.fromkeys(refusals))
