"""Where tensors say that they lie when they don't lie in the file (https://onnx.ai/onnx/repo-docs/ExternalData.html).

Readers have followed these words out of the model's folder (CVE-2022-25882, CVE-2024-27318, CVE-2025-51480), and ONNX
Runtime knows a location, `*/_ORT_MEM_ADDR_/*`, that means an address in its own memory.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from gatekeeper.checks.onnx.problems import MOST_LOOSE, LooseFile, Tally
from gatekeeper.text import printable

_NUMBER = re.compile(r"[0-9]{1,18}")
_SHA1 = re.compile(r"[0-9a-fA-F]{40}")
_OUTSIDE = re.compile(r"\A(?:[/\\~]|[A-Za-z]:)|(?:\A|[/\\])\.\.(?:[/\\]|\Z)|[\0*]|://|\A\s*\Z")
"""Absolute, upwards, on another drive, an address, a pattern, or nothing at all."""

_KNOWN = ("location", "offset", "length", "checksum")
_LONGEST = 1_024


class Places:
    """The regions of other files that the tensors of one model lie in."""

    def __init__(self) -> None:
        self._regions: dict[str, list[tuple[int, int, str]]] = {}
        self._checksums: dict[str, str] = {}

    def add(self, shown: str, name: str, entries: Sequence[tuple[str, str]], wanted: int, tally: Tally) -> None:
        """Take a tensor.

        Args:
            shown: How to speak of it.
            name: As the file calls it.
            entries: Key and value, as the file has them.
            wanted: Bytes that its type and shape ask for.
            tally: Takes what is wrong with its place.
        """
        said = dict(entries)
        keys = [key for key, _ in entries if key in _KNOWN]
        location = said.get("location", "")
        numbers = [said[key] for key in ("offset", "length") if key in said]
        if len(set(keys)) < len(keys) or not all(_NUMBER.fullmatch(number) for number in numbers):
            tally.add("external-place", f"{shown} says in two ways, or not in numbers, where it lies", name)
            return
        if escapes(location):
            where = printable(location, 100)
            tally.add("external-escape", f"{shown} lies outside the model's folder, in {where!r}", name)
            return
        if int(said.get("length", wanted)) != wanted:
            length = int(said["length"])
            message = f"{shown} has {length:,} bytes in another file, its type and shape ask for {wanted:,}"
            tally.add("data-size", message, name)
            return
        offset = int(said.get("offset", 0))
        self._regions.setdefault(location, []).append((offset, offset + wanted, name))
        self._take_checksum(location, said.get("checksum", ""), shown, name, tally)

    def _take_checksum(self, location: str, checksum: str, shown: str, name: str, tally: Tally) -> None:
        if not checksum:
            return
        known = self._checksums.setdefault(location, checksum.lower())
        if not _SHA1.fullmatch(checksum) or known != checksum.lower():
            tally.add("external-place", f"{shown} gives a checksum that is none, or another than the rest", name)

    def judge(self, tally: Tally) -> None:
        """Say which tensors share a part of their bytes; those that share all of them are one tied weight."""
        for location, regions in self._regions.items():
            reached, last = 0, ""
            for start, end, name in sorted({(start, end): (start, end, name) for start, end, name in regions}.values()):
                if start < reached and end > start:
                    message = f"the tensors {printable(last, 80)!r} and {printable(name, 80)!r} share a part of their "
                    tally.add("external-overlap", f"{message}bytes in {printable(location, 80)!r}", name)
                if end > reached:
                    reached, last = end, name
        if len(self._regions) > MOST_LOOSE:
            tally.add("external-place", f"the tensors lie in {len(self._regions):,} files, more than a model has")

    def files(self) -> tuple[LooseFile, ...]:
        """Give the files that are named, and how long each has to be."""
        return tuple(
            LooseFile(
                location=location,
                end=max(end for _, end, _ in regions),
                tensors=len(regions),
                checksum=self._checksums.get(location, ""),
            )
            for location, regions in list(self._regions.items())[:MOST_LOOSE]
        )


def escapes(location: str) -> bool:
    """Whether a location leads out of the folder of the model, on any system that reads it."""
    return len(location) > _LONGEST or _OUTSIDE.search(location) is not None
