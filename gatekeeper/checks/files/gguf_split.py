"""GGUF models that are split over several files (llama.cpp's `gguf-split`): whether all parts are there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from gatekeeper.checks.files.gguf_header import GgufHeader
from gatekeeper.checks.files.problem import Problem


def judge_splits(headers: Mapping[str, GgufHeader]) -> Iterator[tuple[str, Problem]]:
    """Find split models with missing parts.

    Args:
        headers: Headers of the artifact's GGUF files by path.

    Yields:
        The path of a part and what is wrong with its siblings.
    """
    for path, header in headers.items():
        number, count = header.values.get("split.no"), header.values.get("split.count")
        if not isinstance(number, int) or not isinstance(count, int) or count < 2:
            continue
        own = f"-{number + 1:05d}-of-{count:05d}.gguf"
        if not path.endswith(own):
            message = f"it calls itself part {number + 1} of {count}, its name does not"
            yield path, Problem(slug="gguf-split", message=message, detail="split.no")
        elif number == 0 and count <= len(headers) * 10_000:
            stem = path.removesuffix(own)
            missing = [
                part
                for part in range(1, min(count, 100_000) + 1)
                if f"{stem}-{part:05d}-of-{count:05d}.gguf" not in headers
            ]
            if missing:
                name = PurePosixPath(f"{stem}-{missing[0]:05d}-of-{count:05d}.gguf").name
                message = f"{len(missing)} of {count} parts are not in the repo or can't be read, {name} among them"
                yield path, Problem(slug="gguf-split", message=message, detail="split.count")
