"""`gatekeeper doctor`: what is installed, which limits hold here, and what becomes unknown by what is missing."""

from __future__ import annotations

import json
import os
import platform
import shutil
import sys
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

import click

from gatekeeper.cli.options import CACHE_DIR, TEXT_OR_JSON

_REQUIRED = (
    "huggingface-hub",
    "safetensors",
    "onnx",
    "scikit-learn",
    "click",
    "rich",
    "jinja2",
    "pydantic",
    "pyyaml",
    "cel-expr-python",
    "cryptography",
    "hayward",
    "picklescan",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Symptom:
    """One thing that was looked at."""

    what: str
    state: str
    """`ok`, `missing` or `note`."""

    detail: str
    consequence: str = ""
    """What becomes unknown or impossible by it."""


@click.command("doctor")
@TEXT_OR_JSON
@CACHE_DIR
def command(format: str, cache_dir: Path | None) -> int:
    """Say what is installed, which limits hold, and what is unknown by what is missing.

    Asks no network. Exits with 1 when something is missing that every run needs.
    """
    symptoms = [*_libraries(), *_limits(), *_disk(cache_dir), *_environment()]
    if format == "json":
        click.echo(json.dumps([asdict(symptom) for symptom in symptoms], indent=2))
    else:
        _print(symptoms)
    return int(any(symptom.state == "missing" for symptom in symptoms))


def _print(symptoms: list[Symptom]) -> None:
    colours = {"ok": "green", "missing": "red", "note": "yellow"}
    width = max(len(symptom.what) for symptom in symptoms)
    for symptom in symptoms:
        state = click.style(f"{symptom.state:<8}", fg=colours[symptom.state])
        click.echo(f"{state}{symptom.what:<{width}}  {symptom.detail}")
        if symptom.consequence:
            click.echo(f"{'':<{8 + width}}  → {symptom.consequence}")


def _libraries() -> list[Symptom]:
    found = [Symptom(what="python", state="ok", detail=f"{platform.python_version()} on {sys.platform}")]
    for name in _REQUIRED:
        try:
            found.append(Symptom(what=name, state="ok", detail=metadata.version(name)))
        except metadata.PackageNotFoundError:
            found.append(
                Symptom(
                    what=name,
                    state="missing",
                    detail="not installed",
                    consequence="install gatekeeper again: the checks that need it end unknown",
                )
            )
    return found


def _limits() -> list[Symptom]:
    from gatekeeper.checks.files import child_limits

    return [
        Symptom(what=f"scanner child: {name}", state="ok", detail="enforced by the kernel")
        if holds
        else Symptom(
            what=f"scanner child: {name}",
            state="note",
            detail="not enforced on this platform",
            consequence="a scanner that needs more is stopped by the wall clock alone",
        )
        for name, holds in child_limits().items()
    ]


def _disk(cache_dir: Path | None) -> list[Symptom]:
    place = cache_dir or Path(os.environ.get("HF_HUB_CACHE") or Path.home() / ".cache" / "huggingface" / "hub")
    existing = next(folder for folder in (place, *place.parents) if folder.exists())
    free = shutil.disk_usage(existing).free / 2**30
    return [Symptom(what="cache", state="ok" if free > 1 else "note", detail=f"{place}, {free:.1f} GiB free")]


def _environment() -> list[Symptom]:
    endpoint = os.environ.get("HF_ENDPOINT", "")
    found = [Symptom(what="HF_ENDPOINT", state="ok", detail=endpoint or "not set: the public Hub")]
    token = bool(os.environ.get("HF_TOKEN"))
    found.append(
        Symptom(
            what="HF_TOKEN",
            state="ok" if token else "note",
            detail="set" if token else "not set",
            consequence="" if token else "gated and private repos can't be read, unless the client is logged in",
        )
    )
    return found
