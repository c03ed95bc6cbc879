"""Every model of the lock at the gate, one after the other."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gatekeeper.cli.approving import tell_disbelieved
from gatekeeper.cli.layout import entry
from gatekeeper.cli.line import Settings, Signing, check_out, run, save
from gatekeeper.cli.options import lock_path
from gatekeeper.decision import Action
from gatekeeper.errors import GatekeeperError, InputError
from gatekeeper.text import plural

if TYPE_CHECKING:
    from gatekeeper.attestation import Attestation
    from gatekeeper.decision import DisbelievedApproval

_TONES = {Action.ALLOW: "green", Action.DISCARD: "red"}


def gate_all(settings: Settings, signing: Signing | None) -> int:
    """Gate every model that the lock pins; print a line for each, or one JSON array.

    Args:
        settings: Their `out` gets a folder for each model, called as the model is.
        signing: How verdicts are signed; None when none is wanted.

    Returns:
        The worst exit code of them all; 0 only when every one is allowed.

    Raises:
        InputError: When the lock can't be read or is empty, or an option makes no sense for many models.
    """
    from gatekeeper import lockfile

    path = lock_path(settings.lock)
    models = lockfile.read(path).models
    _refuse_misfits(settings, path, empty=not models)
    documents: list[Any] = []
    disbelieved: tuple[DisbelievedApproval, ...] = ()
    code = 0
    for model in models:
        out = settings.out / model.id if settings.out else None
        try:
            attestation = run(replace(settings, reference=f"hf://{model.id}", lock=path, out=None), decides=True)
        except GatekeeperError as error:
            code = max(code, error.exit_code)
            documents.append({"reference": f"hf://{model.id}@{model.commit}", "error": _error(error)})
            if settings.format == "text":
                entry(f"{'error':<9} {model.id}  ", error.message, error.hint)
            continue
        disbelieved = attestation.disbelieved_approvals
        code = max(code, int(attestation.verdict.action is not Action.ALLOW))
        documents.append(_shown(attestation, settings, out, signing))
    if settings.format == "json":
        click.echo(json.dumps(documents, indent=2))
    else:
        click.echo(f"\n{plural(len(models), 'model')} of {path}")
        tell_disbelieved(disbelieved)
    return code


def _refuse_misfits(settings: Settings, path: Path, *, empty: bool) -> None:
    if empty:
        raise InputError(f"{path} pins nothing", hint="`gatekeeper lock org/name` pins a model")
    if settings.format == "html":
        raise InputError("--format html is for one model", hint="--out writes a page for each")
    if settings.revision:
        raise InputError("--revision is for one model", hint="name it: gatekeeper gate --locked org/name --revision …")
    if settings.trusted_reference:
        raise InputError(
            "--reference is for one model", hint="name it: gatekeeper gate --locked org/name --reference …"
        )
    check_out(settings.out)
    if settings.out and (settings.out.suffix in {".json", ".html"} and not settings.out.is_dir()):
        raise InputError("--out must be a folder when many models are gated")


def _error(error: GatekeeperError) -> dict[str, object]:
    return {"message": error.message, "hint": error.hint, "exit_code": error.exit_code}


def _shown(attestation: Attestation, settings: Settings, out: Path | None, signing: Signing | None) -> Any:
    """Write the reports that were asked for, print the line, and give the document."""
    from gatekeeper import report

    note = ""
    if out:
        out.mkdir(parents=True, exist_ok=True)  # a name such as `model-1.5` must not be taken for a file's
    _, note = save(attestation, out, signing)
    if settings.format == "json":
        return json.loads(report.to_json(attestation))
    verdict = attestation.verdict
    action = click.style(f"{verdict.action:<9}", fg=_TONES.get(verdict.action, "yellow"), bold=True)
    entry(f"{action} ", f"{attestation.subject.name}@{attestation.subject.commit[:12]}: {verdict.because}", verdict.ask)
    for finding in attestation.findings:
        if finding.check == "provenance/lock":
            entry(" " * 10, finding.message)
    if note:
        entry(" " * 10, note)
    return None
