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

from gatekeeper import __version__
from gatekeeper.cli.layout import entry
from gatekeeper.cli.options import CACHE_DIR, TEXT_OR_JSON
from gatekeeper.errors import InputError
from gatekeeper.limits import DEFAULT_LIMITS, GIB

REQUIRED = (
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
    "py7zr",
    "lz4",
    *(("backports.zstd",) if sys.version_info < (3, 14) else ()),
    "detect-secrets",
)
"""Distributions that the package declares."""

EXTRAS = {
    "patch": ("torch", "transformers", "peft", "accelerate", "gguf"),
    "deep": ("onnxruntime", "onnxscript"),
    "sigstore": ("model-signing", "sigstore", "pyOpenSSL"),
    "bom": ("cyclonedx-python-lib",),
    "fleet": ("ray",),
}
"""Extra → distributions that it brings."""


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
    symptoms = [
        *_libraries(),
        *_extras(),
        *_repair(),
        *_limits(),
        *_disk(cache_dir),
        *_answers(cache_dir),
        *_environment(),
    ]
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
        entry(f"{state}{symptom.what:<{width}}  ", symptom.detail, symptom.consequence)


def _libraries() -> list[Symptom]:
    found = [
        Symptom(what="gatekeeper", state="ok", detail=__version__),
        Symptom(what="python", state="ok", detail=f"{platform.python_version()} on {sys.platform}"),
    ]
    for name in REQUIRED:
        version = _version(name)
        consequence = "" if version else "install gatekeeper again: the checks that need it end unknown"
        state = "ok" if version else "missing"
        found.append(Symptom(what=name, state=state, detail=version or "not installed", consequence=consequence))
    return found


def _extras() -> list[Symptom]:
    found = []
    for extra, names in EXTRAS.items():
        lacking = [name for name in names if not _version(name)]
        state, detail = ("note", f"without {', '.join(lacking)}") if lacking else ("ok", "installed")
        consequence = "nothing becomes unknown: no check of this version needs it" if lacking else ""
        if "onnxruntime" in lacking:
            consequence = "detectors found in ONNX graphs are not run (onnx/confirmation); their findings stand"
        if "torch" in lacking:
            consequence = f"`gatekeeper convert` and `gatekeeper patch` can't run; {consequence}"
        found.append(Symptom(what=f"extra: {extra}", state=state, detail=detail, consequence=consequence))
    return found


def _repair() -> list[Symptom]:
    """Say whether `gatekeeper patch` can work here, and on what."""
    from gatekeeper.tensors import lacking

    if missing := lacking():
        consequence = "a reported failure ends in escalate, not diagnosed; `patch --plan` works"
        return [Symptom(what="repair", state="note", detail=f"without {', '.join(missing)}", consequence=consequence)]
    gpu = Path("/dev/nvidiactl").exists()  # asking torch would take seconds
    detail = "possible here, " + ("with a GPU" if gpu else "on the CPU: minutes below 1 billion weights, hours above")
    return [Symptom(what="repair", state="ok", detail=detail)]


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


_CONSEQUENCES = {
    "cpu": "no hostile file is stopped but by the clock",
    "wall": "a child that waits is never stopped",
    "memory": "a hostile file can make a child large until its CPU time is used up; no verdict depends on it",
    "file size": "a hostile file can fill the disk",
    "processes": "a child that was taken over can start others",
    "system calls": "a child that was taken over can ask the kernel for anything that its user may do",
    "writing": "a child that was taken over can write where its user can",
    "network": "a child that was taken over can connect",
}


def _limits() -> list[Symptom]:
    from gatekeeper.confined import abilities

    return [
        Symptom(what=f"confined child: {name}", state="ok", detail="limited")
        if holds
        else Symptom(
            what=f"confined child: {name}",
            state="note",
            detail="not limited on this machine",
            consequence=_CONSEQUENCES[name],
        )
        for name, holds in abilities().items()
    ]


def _disk(cache_dir: Path | None) -> list[Symptom]:
    from huggingface_hub import constants

    place = (cache_dir or Path(constants.HF_HUB_CACHE)).expanduser().absolute()
    existing = next(folder for folder in (place, *place.parents) if folder.exists())
    free, reserve = shutil.disk_usage(existing).free, DEFAULT_LIMITS.disk_reserve_bytes
    enough = free > reserve
    return [
        Symptom(
            what="cache",
            state="ok" if enough else "note",
            detail=f"{place}, {free / GIB:.1f} GiB free",
            consequence="" if enough else f"nothing can be downloaded: {reserve / GIB:.0f} GiB are kept free",
        )
    ]


def _answers(cache_dir: Path | None) -> list[Symptom]:
    from gatekeeper.cli.answers import KEY_VARIABLE, open_answers

    try:
        opened, where = open_answers(cache_dir)
    except InputError as error:
        return [Symptom(what="answers", state="note", detail=error.message, consequence="gate and scan end with 2")]
    with opened as answers:
        if answers is None:
            consequence = "every file is looked at anew in each run"
            return [Symptom(what="answers", state="note", detail=f"not kept: {where}", consequence=consequence)]
    sealed = KEY_VARIABLE if os.environ.get(KEY_VARIABLE) else "this user's own key"
    return [Symptom(what="answers", state="ok", detail=f"kept in {where}, sealed with {sealed}")]


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
