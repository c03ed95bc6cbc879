"""`gatekeeper fetch`: bring exactly the pinned bytes to where they are deployed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gatekeeper.cli.layout import entry
from gatekeeper.cli.options import (
    CACHE_DIR,
    JOBS,
    LOCK,
    LOCKED,
    LOCKED_NAMES,
    OFFLINE,
    QUIET,
    TEXT_OR_JSON,
    VERBOSE,
    lock_path,
    option,
)
from gatekeeper.cli.progress import amount, choose
from gatekeeper.errors import InputError
from gatekeeper.text import plural, printable

if TYPE_CHECKING:
    from gatekeeper.lock import LockedModel
    from gatekeeper.sources import Materialised

_WITHOUT_LOCK = (
    "Missing option '--locked': only what a lock pins can be fetched, as nobody has judged anything else. "
    "`gatekeeper lock org/name` pins a model."
)


@click.command("fetch")
@click.argument("destination", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@LOCKED_NAMES
@LOCKED
@LOCK
@option("--flat", of="fetch", is_flag=True, help="Put the files of the one model right into DIR, not DIR/org/name.")
@option("--force", of="fetch", is_flag=True, help="Replace files that are there with other bytes.")
@TEXT_OR_JSON
@OFFLINE
@CACHE_DIR
@JOBS
@QUIET
@VERBOSE
def command(
    destination: Path,
    names: tuple[str, ...],
    locked: bool,
    lock: Path | None,
    flat: bool,
    force: bool,
    format: str,
    offline: bool,
    cache_dir: Path | None,
    jobs: int | None,
    quiet: bool,
    verbose: bool,
) -> int:
    """Bring exactly the bytes that gatekeeper.lock pins into DIR: of each NAME, or of all models.

    A file gets its name only after its size and SHA-256 held. An interrupted fetch goes on where it stopped when it is
    run again. Bytes are taken from the Hub client's cache where it has them. Files that are there and right are kept;
    files that are there and not pinned are an error, and are never deleted.

    Exits with 0 when each model's folder holds its pinned files and nothing else, 1 when the Hub's bytes are not the
    pinned ones, 2 when the input is wrong, 3 when the Hub, the network or the disk failed.

    \b
    Examples:
      gatekeeper fetch --locked models/
      gatekeeper fetch --locked /srv/model org/name --flat
      gatekeeper fetch --locked models/ --lock deploy/gatekeeper.lock --jobs 16
    """
    if not locked:
        raise click.UsageError(_WITHOUT_LOCK)
    from gatekeeper import lockfile, pinning, sources

    pinned = lockfile.read(lock_path(lock))
    models = pinning.find_entries(pinned, names)
    folders = _folders(models, destination, flat=flat)
    options = sources.SourceOptions(cache_dir=cache_dir, offline=offline)
    if jobs:
        options = replace(options, jobs=jobs)
    progress = choose(quiet=quiet or format == "json")
    results = []
    for model in models:
        result = sources.materialise(model, folders[model.id], options, progress, force=force)
        results.append((model, result))
        if format == "text":
            _print(model, result, verbose=verbose)
    if format == "json":
        click.echo(json.dumps({"models": [_document(*each) for each in results]}, indent=2))
    return int(any(result.drift for _, result in results))


def _folders(models: Sequence[LockedModel], destination: Path, *, flat: bool) -> dict[str, Path]:
    from gatekeeper import sources

    if not models:
        raise InputError("the lock pins no model", hint="`gatekeeper lock org/name` pins one")
    if not flat:
        return sources.layout(models, destination)
    if len(models) > 1:
        raise InputError(f"--flat is for one model, and these are {len(models)}", hint="name one, or leave --flat out")
    return {models[0].id: destination}


def _bytes(model: LockedModel, paths: Sequence[str]) -> int:
    return sum(file.size for file in model.files if file.path in set(paths))


def _print(model: LockedModel, result: Materialised, *, verbose: bool) -> None:
    state = click.style("differs" if result.drift else "fetched", bold=True)
    click.echo(f"{state}  {model.id}@{model.commit[:12]} -> {printable(str(result.folder), 400)}")
    ways = (("downloaded", result.fetched), ("from cache", result.copied), ("kept", result.kept))
    for word, paths in ways:
        if paths:
            entry(f"  {word:<10}  ", f"{plural(len(paths), 'file')}, {amount(_bytes(model, paths), None, 'bytes')}")
            for path in paths if verbose else ():
                entry(" " * 14, path)
    for drift in result.drift:
        entry(f"  {drift.kind:<10}  ", drift.words)
    if result.drift:
        entry("  ", "", "this commit had other bytes when it was pinned: deploy none of it, and report it")


def _document(model: LockedModel, result: Materialised) -> dict[str, Any]:
    return {
        "id": model.id,
        "commit": model.commit,
        "digest": f"sha256:{model.digest}",
        "folder": str(result.folder),
        "downloaded": list(result.fetched),
        "downloaded_bytes": _bytes(model, result.fetched),
        "copied": list(result.copied),
        "kept": list(result.kept),
        "drift": [asdict(drift) for drift in result.drift],
    }
