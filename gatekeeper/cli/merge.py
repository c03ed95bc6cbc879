"""`gatekeeper merge`: an adapter that the policy allows, merged into its base."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gatekeeper.cli.layout import entry
from gatekeeper.cli.line import Settings, adapter_run, is_one_file
from gatekeeper.cli.options import (
    APPROVAL,
    BASE,
    CACHE_DIR,
    JOBS,
    NO_CACHE,
    OFFLINE,
    POLICY,
    QUIET,
    TEXT_OR_JSON,
    VERBOSE,
    complete_paths,
    option,
)
from gatekeeper.cli.repair import CLEAN_SAFE, DEVICE
from gatekeeper.errors import InputError
from gatekeeper.text import plural, printable

if TYPE_CHECKING:
    from gatekeeper.merging import Outcome


@click.command("merge")
@click.argument("reference", metavar="ADAPTER", shell_complete=complete_paths)
@BASE
@option(
    "--out",
    "-o",
    of="merge",
    type=click.Path(path_type=Path),
    default=Path("merge"),
    show_default=True,
    metavar="DIR",
    help="Folder for merged/ and the reports of what went in and what came out.",
)
@option(
    "--verify",
    of="merge",
    type=click.Choice(["logits", "tensors"]),
    default="logits",
    show_default=True,
    help="logits: load both, too, and compare answers; tensors: only read back what was written (less memory).",
)
@CLEAN_SAFE
@DEVICE
@POLICY
@APPROVAL
@TEXT_OR_JSON
@OFFLINE
@CACHE_DIR
@NO_CACHE
@JOBS
@QUIET
@VERBOSE
def command(
    reference: str, base: str | None, out: Path, verify: str, clean_safe: Path | None, device: str, **given: Any
) -> int:
    """Merge ADAPTER into its base: plain LoRA into safetensors, tensor by tensor, whatever the size of the base.

    Both are gated first, and nothing is merged unless both are allowed, by the policy or by a sign-off (`approve`):
    audit it before. Changed tensors are read back and held against the sum, every other one stays as it was, byte for
    byte. DIR then holds merged/, which is gated as a new model that inherits nothing (report.html, report.json), and
    the reports of adapter/ and base/. Needs torch and its companions: the extra `patch`.

    Exits with 0 when it was merged, 1 when that is refused, 2 when the input is wrong.

    \b
    Examples:
      gatekeeper merge org/adapter@<commit> --base org/model@<commit> --out merge/
      gatekeeper merge ./adapter --base ./model --out merge/ --verify tensors
    """
    from gatekeeper import merging, report, tensors

    if is_one_file(out):
        raise click.UsageError("--out is a folder: the merged model goes there, too.")
    settings = Settings.of(reference, base=base, out=None, revision=None, exclude=(), **given)
    folder = _ready(out, (reference, base or ""))
    asked = merging.Merging(
        base=base or "", out=folder / merging.MERGED, logits=verify == "logits", clean_safe=clean_safe, device=device
    )
    tensors.check_destination(asked.out, None)
    with adapter_run(settings) as run:
        made = merging.merge(reference, run, asked)
    adapter = made.adapter if made.merged is not None else replace(made.adapter, merge=made.merge)
    report.write(adapter, folder / "adapter")
    report.write(made.base, folder / "base")
    if made.merged is not None:
        report.write(made.merged, folder)
    if settings.format == "json":
        click.echo(report.to_json(made.merged or adapter), nl=False)
    else:
        _print(made, folder)
    return int(bool(made.merge.refusals))


def _ready(out: Path, references: tuple[str, ...]) -> Path:
    for reference in references:
        place = Path(reference).expanduser()
        if reference and place.is_dir() and out.resolve().is_relative_to(place.resolve()):
            raise InputError(
                f"--out {printable(str(out))} lies inside what is merged",
                hint="what is written there would become part of it",
            )
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"{printable(str(out))} can't be made: {error.strerror}", hint="choose another --out"
        ) from error
    return out


def _print(made: Outcome, folder: Path) -> None:
    merge = made.merge
    if merge.refusals:
        click.echo(f"{click.style('refused', bold=True)}  nothing was merged")
        for refusal in merge.refusals:
            entry("  ", refusal)
        return
    click.echo(f"{click.style('merged', bold=True)}  {printable(merge.adapter.reference, 300)}")
    entry("  into        ", merge.base.reference)
    entry("  changed     ", f"{plural(len(merge.tensors), 'tensor')}; {merge.untouched:,} as they were, byte for byte")
    entry("  read back   ", "each is the sum of base and adapter, but for rounding")
    if merge.logits is not None:
        told = f"{merge.logits.divergence:.2g} nats a token from the adapter on its base, on {merge.logits.prompts} "
        entry("  answers     ", f"{told}prompts (the adapter itself: {merge.logits.effect:.2g})")
    if made.merged is not None:
        decision = made.merged.verdict
        entry("  at the gate ", f"{decision.action.value}: {decision.because}")
    entry("  written     ", str(folder))
