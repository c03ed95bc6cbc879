"""`gatekeeper audit`: what an adapter does to its base, and whether it may be merged or served."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gatekeeper.cli.line import Settings, adapter_run, check_out, is_one_file, save, show
from gatekeeper.cli.options import (
    APPROVAL,
    BASE,
    CACHE_DIR,
    FORMAT,
    JOBS,
    NO_CACHE,
    OFFLINE,
    OUT,
    POLICY,
    QUIET,
    VERBOSE,
    complete_paths,
    option,
)
from gatekeeper.cli.repair import DEVICE, PROMPTS, SEED, SHOW
from gatekeeper.errors import InputError
from gatekeeper.text import printable

if TYPE_CHECKING:
    from gatekeeper.auditing import Audited

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("audit")
@click.argument("adapters", nargs=-1, required=True, metavar="ADAPTER...", shell_complete=complete_paths)
@BASE
@option(
    "--population",
    of="audit",
    multiple=True,
    type=_FILE,
    metavar="FILE",
    help="Adapters that you know (`calibrate`), beside those that the policy names; may be repeated.",
)
@option("--no-behaviour", of="audit", is_flag=True, help="Read weights alone: load no model, run no prompt.")
@option("--together", of="audit", is_flag=True, help="Run the composition of all the adapters, too.")
@option(
    "--failures-out",
    of="audit",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Write what is answered badly there, as failure cases for `patch`. They hold unsafe text.",
)
@option(
    "--prompts",
    of="audit",
    type=click.IntRange(16, 10_000),
    metavar="N",
    help="Prompts of each kind.  [default: by the model's size]",
)
@PROMPTS
@SHOW
@DEVICE
@SEED
@POLICY
@APPROVAL
@FORMAT
@OUT
@OFFLINE
@CACHE_DIR
@NO_CACHE
@JOBS
@QUIET
@VERBOSE
def command(
    adapters: tuple[str, ...],
    base: str | None,
    population: tuple[Path, ...],
    no_behaviour: bool,
    together: bool,
    failures_out: Path | None,
    prompts: int | None,
    clean_safe: Path | None,
    clean_unsafe: Path | None,
    eval_file: Path | None,
    judge: str,
    show_unsafe_text: bool,
    device: str,
    seed: int,
    **given: Any,
) -> int:
    """Audit adapters that are to be laid on one base, each by itself.

    ADAPTER and --base are references, as for `gate`; both are gated. Weights are held against populations, and the
    base is asked the same prompts with and without the adapter: refusals, known triggers, words of the vocabulary,
    length. That needs torch and its companions (the extra `patch`); without them, it is unknown. The answer is pass,
    uncalibrated, anomalous or reject, with reasons and what would be needed to allow it.

    Several adapters that a server loads side by side (vLLM's lora-modules) are audited one by one; with --together,
    the sum of their changes as well. Reports then go to a folder each.

    Exits with 0 when every adapter and its base are allowed, 1 when one is not, 2 when the input is wrong.

    \b
    Examples:
      gatekeeper audit org/adapter@<commit> --base org/model@<commit> --out audit/
      gatekeeper audit ./adapter --base ./model --population ours.json --no-behaviour
      gatekeeper audit ./one ./other --base ./model --together --failures-out failures/
    """
    from gatekeeper import auditing

    settings = Settings.of(adapters[0], base=base, revision=None, exclude=(), **given)
    _refuse_misuse(settings, adapters, base, failures_out)
    asked = auditing.Asked(
        base=base or "", behaviour=not no_behaviour, together=together, populations=population, clean_safe=clean_safe,
        clean_unsafe=clean_unsafe, eval_file=eval_file, judge=judge, prompts=prompts, show=show_unsafe_text, seed=seed,
        device=device,
    )  # fmt: skip
    with adapter_run(settings, adapters[1:]) as run:
        found = auditing.audit(adapters, run, asked)
    for number, (name, one) in enumerate(zip(adapters, found, strict=True), 1):
        out = settings.out
        if out is not None and len(found) > 1:
            out = out / f"{number}-{_slug(name)}"
        if settings.format == "json" and len(found) > 1:
            save(one.attestation, out, None)
            continue
        show(one.attestation, settings.format, out, verbose=settings.verbose)
    if settings.format == "json" and len(found) > 1:
        click.echo(_listed(found), nl=False)
    if failures_out is not None:
        _write_cases(found, failures_out, quiet=settings.format != "text")
    return int(not all(one.is_allowed for one in found))


def _refuse_misuse(settings: Settings, adapters: tuple[str, ...], base: str | None, failures_out: Path | None) -> None:
    check_out(settings.out)
    if len(set(adapters)) != len(adapters):
        raise click.UsageError("an adapter is named twice.")
    if len(adapters) > 1 and settings.out is not None and is_one_file(settings.out):
        raise click.UsageError("--out is a folder when several adapters are audited.")
    if len(adapters) > 1 and settings.format in {"html", "sarif"}:
        raise click.UsageError(f"--format {settings.format} prints one report: audit one adapter, or use --out.")
    for judged in filter(None, (*adapters, base)):
        folder = Path(judged).expanduser()
        for place in (settings.out, failures_out):
            if place is not None and folder.is_dir() and place.resolve().is_relative_to(folder.resolve()):
                raise InputError(
                    f"{printable(str(place), 300)} lies inside what is judged",
                    hint="what is written there would become part of it",
                )


def _slug(reference: str) -> str:
    name = re.sub(r"@[0-9a-f]{40}$", "", reference).rstrip("/").rpartition("/")[2]
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip(".-")[:80] or "adapter"


def _listed(found: tuple[Audited, ...]) -> str:
    from gatekeeper import report

    return "[" + ",\n".join(report.to_json(one.attestation).rstrip("\n") for one in found) + "]\n"


def _write_cases(found: tuple[Audited, ...], folder: Path, *, quiet: bool) -> None:
    """Write each failure case once; they are the user's to keep or to delete."""
    from gatekeeper.atomic import atomic_write
    from gatekeeper.patch import case_to_json

    cases = {case.sha256: case for one in found for case in one.cases}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for digest, case in cases.items():
            atomic_write(folder / f"failure-{digest[:12]}.json", case_to_json(case).encode(), mode=0o600)
    except OSError as error:
        raise InputError(f"--failures-out {printable(str(folder), 300)} can't be written: {error.strerror}") from error
    if not quiet:
        told = f"{len(cases)} written to {folder}" if cases else "none: nothing was answered badly"
        click.echo(f"failure cases: {told}")
