"""`gatekeeper convert`: torch files to safetensors, through a confined child."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gatekeeper.cli.layout import entry
from gatekeeper.cli.line import refuse_own_settings
from gatekeeper.cli.options import CACHE_DIR, OFFLINE, QUIET, REVISION, TEXT_OR_JSON, VERBOSE, complete_paths, option
from gatekeeper.cli.progress import choose
from gatekeeper.text import plural, printable

if TYPE_CHECKING:
    from gatekeeper.tensors import Conversion


@click.command("convert")
@click.argument("source", metavar="SRC", shell_complete=complete_paths)
@click.argument("destination", metavar="DST", type=click.Path(path_type=Path))
@option("--key", of="convert", default="", metavar="NAME", help="Key under which each file keeps its weights.")
@option("--copy-code", of="convert", is_flag=True, help="Copy Python files too.")
@REVISION
@TEXT_OR_JSON
@OFFLINE
@CACHE_DIR
@QUIET
@VERBOSE
def command(
    source: str,
    destination: Path,
    key: str,
    copy_code: bool,
    revision: str | None,
    format: str,
    offline: bool,
    cache_dir: Path | None,
    quiet: bool,
    verbose: bool,
) -> int:
    """Convert the torch files of SRC to safetensors in a new folder DST.

    SRC is a folder, a file or a reference. The file checks judge it first, and nothing is loaded of what they object
    to; the rest is loaded with `weights_only=True` in a confined child, written, read back and compared tensor by
    tensor. Configurations, tokenizers and texts are copied; code, pickles of other kinds and states of training are
    not. DST/conversion.json says all of it, with digests. Needs torch.

    Exits with 0 when DST was made, 1 when something in SRC is refused, 2 when the input is wrong.

    \b
    Examples:
      gatekeeper convert ./model ./model-safe
      gatekeeper convert checkpoint.ckpt ./weights --key state_dict
    """
    refuse_own_settings(source)
    from gatekeeper import conversion as line
    from gatekeeper import sources, tensors

    conversion = line.convert(
        sources.parse(source, revision=revision),
        destination,
        key=key,
        copy_code=copy_code,
        source=sources.SourceOptions(cache_dir=cache_dir, offline=offline),
        progress=choose(quiet=quiet or format == "json"),
    )
    if format == "json":
        click.echo(tensors.to_json(conversion), nl=False)
    else:
        _print(conversion, destination, verbose)
    return int(bool(conversion.refusals))


def _print(conversion: Conversion, destination: Path, verbose: bool) -> None:
    if conversion.refusals:
        click.echo(f"{click.style('refused', bold=True)}  {printable(conversion.reference)}: nothing was made")
        for refusal in conversion.refusals:
            entry(f"  {printable(refusal.path, 60) or 'all'}  ", refusal.reason)
        return
    for made in conversion.converted:
        tied = f", {plural(len(made.aliases), 'tied name')}" if made.aliases else ""
        names = plural(len(made.tensors), "tensor") + tied
        entry("  converted  ", f"{made.source.path} -> {made.result.path}: {names}")
        if made.dropped:
            entry("             ", f"taken from {made.key!r}; left out beside it: {', '.join(made.dropped[:10])}")
    for kept in conversion.rewritten:
        entry("  rewritten  ", f"{kept.source.path} -> {kept.result.path}")
    if verbose:
        for kept in conversion.copied:
            entry("  copied     ", kept.source.path)
    elif conversion.copied:
        entry("  copied     ", plural(len(conversion.copied), "file"))
    for left in conversion.left_out:
        entry("  left out   ", f"{left.source.path}: {left.reason}")
    click.echo(f"{click.style('done', bold=True)}  {printable(str(destination), 400)} (record: conversion.json)")
