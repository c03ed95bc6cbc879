"""`gatekeeper patch`: from an observed failure to a repaired, verified model, or to why not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from gatekeeper.cli.line import Settings, is_one_file, run, show
from gatekeeper.cli.options import (
    CACHE_DIR,
    EXCLUDE,
    FORMAT,
    JOBS,
    NO_CACHE,
    OFFLINE,
    POLICY,
    QUIET,
    REVISION,
    VERBOSE,
    complete_paths,
    option,
)
from gatekeeper.cli.repair import FAILURE, REPAIR, among_processes, repair_of, taken, write_remedy


@click.command("patch")
@click.argument("reference", metavar="MODEL", shell_complete=complete_paths)
@FAILURE
@option("--plan", of="patch", is_flag=True, help="Only say what it would cost, and on what; needs the configuration.")
@option(
    "--out",
    "-o",
    of="patch",
    type=click.Path(path_type=Path),
    default=Path("repair"),
    show_default=True,
    metavar="DIR",
    help="Where the reports and the patched model go.",
)
@REPAIR
@POLICY
@REVISION
@FORMAT
@OFFLINE
@EXCLUDE
@CACHE_DIR
@NO_CACHE
@JOBS
@QUIET
@VERBOSE
@among_processes
def command(reference: str, failure: tuple[Path, ...], plan: bool, out: Path, **given: Any) -> int:
    """Find out what made MODEL fail, repair it where content did, and prove the repair.

    MODEL is a reference, as for `gate`. Its weights are loaded only when no check objects to them. Where the policy
    asks for a patch, it is fine-tuned in passes, verified on held-out prompts, merged when every gate held, and the
    patched model is inspected and decided on as a new one. DIR then holds report.html, report.json, remedy.json and
    patched/ with adapter/ (PEFT) and merged/ (safetensors). Needs torch and its companions: the extra `patch`.

    Exits with 0 when a verified patch was made, 1 when not (the report says why), 2 when the input is wrong.

    \b
    Examples:
      gatekeeper patch ./model --failure failure.json
      gatekeeper patch org/name@<commit> --failure a.json --failure b.json --base org/relative@<commit>
      gatekeeper patch --plan org/name@<commit>
      torchrun --standalone --nproc-per-node 4 -m gatekeeper patch ./model --failure failure.json
    """
    options = taken(given)
    if plan:
        from gatekeeper.cli.planning import show_plan

        return show_plan(Settings.of(reference, **given), passes=options["passes"])
    if not failure:
        raise click.UsageError("Missing option '--failure'.")
    if is_one_file(out):
        raise click.UsageError("--out is a folder: the patched model goes there, too.")
    settings = Settings.of(reference, out=out, **given)
    attestation = run(settings, decides=True, repair=repair_of(reference, failure, options, out))
    show(attestation, settings.format, out, verbose=settings.verbose, extra=write_remedy(attestation, out))
    return int(not (attestation.remedy and attestation.remedy.verified))
