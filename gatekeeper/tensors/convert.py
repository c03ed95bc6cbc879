"""Artifact → folder of safetensors: plans, copies, has each torch file loaded in a confined child, and verifies.

The child gets a private copy whose digest is that of the bytes that the checks saw, and may write into one folder
only. What it wrote is read back here without its library and held, tensor by tensor, against what it said.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import Any

from gatekeeper.artifact import ArtifactFile
from gatekeeper.confined import Bounds, Server
from gatekeeper.errors import ContentChangedError, InputError
from gatekeeper.limits import MIB, Limits
from gatekeeper.progress import Advance, Progress
from gatekeeper.tensors.index import IndexRefusedError, Shard, rewrite
from gatekeeper.tensors.plan import RECORD, Fate, Step
from gatekeeper.tensors.readback import Readback, ReadbackError, read_back
from gatekeeper.tensors.record import Bytes, Conversion, ConvertedFile, KeptFile, LeftOut, Refusal, to_json
from gatekeeper.tensors.staging import staged
from gatekeeper.text import printable

_ENTRY = "gatekeeper.tensors.job:job"
_WARM = ("torch", "safetensors.torch")
_PIECE = 1 * MIB
_REASON_CHARACTERS = 600
_BYTES_PER_SECOND = 8 * MIB
"""What the slowest machine that matters loads, hashes and writes; the child's clocks are a net, not a budget."""


class _RefusedError(Exception):
    """A file can't be converted; the message says why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Made:
    """One converted file, for the record and for the indexes."""

    file: ConvertedFile
    tensor_bytes: int


def require_torch() -> None:
    """Refuse to begin where the child could not load anything.

    Raises:
        InputError: When torch is not installed.
    """
    if find_spec("torch") is None:
        raise InputError(
            "converting needs torch, which is not installed", hint="pip install 'gatekeeper-models[patch]'"
        )


@dataclass(kw_only=True)
class Converter:
    """Carries out one plan.

    Args:
        limits: `convert_*` bound the child.
        key: Where the state dict lies in each file; empty to look for it.
        progress: Told of the bytes of the source that are done.
    """

    limits: Limits
    key: str
    progress: Progress
    _made: dict[PurePosixPath, _Made] = field(default_factory=dict)
    _kept: list[tuple[Fate, KeptFile]] = field(default_factory=list)

    def convert(
        self,
        steps: tuple[Step, ...],
        destination: Path,
        conversion: Conversion,
        objections: Callable[[Path], tuple[Refusal, ...]],
    ) -> Conversion:
        """Make the destination, or say why not.

        Args:
            steps: From `plan`.
            destination: From `check_destination`.
            conversion: What is known before: the source, the time, the versions.
            objections: Looks at the finished folder before it takes its name.

        Returns:
            The conversion with its files, or with refusals; the latter leaves nothing behind.

        Raises:
            InputError: When torch is missing or the disk refuses.
            ContentChangedError: When a file is no longer the one that was checked.
        """
        require_torch()
        with staged(destination) as work:
            try:
                made = self._all(steps, work, conversion)
                refusals = objections(work / "result")
            except _FileRefusedError as refused:
                refusals = (refused.refusal,)
            if refusals:
                shutil.rmtree(work / "result")
                return replace(conversion, refusals=refusals)
            (work / "result" / RECORD).write_text(to_json(made), "ascii")
        return made

    def _all(self, steps: tuple[Step, ...], work: Path, conversion: Conversion) -> Conversion:
        total = sum(step.file.size for step in steps if step.fate is not Fate.LEFT_OUT)
        with self.progress.task("converting", total, "bytes") as advance, Server(_ENTRY, warm=_WARM) as server:
            # Indexes last: they speak of the shards.
            for step in sorted(steps, key=lambda each: each.fate is Fate.REWRITTEN):
                try:
                    self._one(step, work, server, advance)
                except (_RefusedError, IndexRefusedError, ReadbackError) as error:
                    reason = printable(str(error), _REASON_CHARACTERS)
                    raise _FileRefusedError(Refusal(path=str(step.file.path), reason=reason)) from error
        return replace(
            conversion,
            converted=tuple(made.file for made in self._made.values()),
            copied=tuple(kept for fate, kept in self._kept if fate is Fate.COPIED),
            rewritten=tuple(kept for fate, kept in self._kept if fate is Fate.REWRITTEN),
            left_out=tuple(
                LeftOut(source=_source(step.file), reason=step.reason) for step in steps if step.fate is Fate.LEFT_OUT
            ),
        )

    def _one(self, step: Step, work: Path, server: Server, advance: Advance) -> None:
        if step.fate is Fate.LEFT_OUT:
            return
        target = work / "result" / step.target
        target.parent.mkdir(parents=True, exist_ok=True)
        if step.fate is Fate.CONVERTED:
            self._made[step.file.path] = self._converted(step, work, target, server)
        elif step.fate is Fate.COPIED:
            _copy(step.file, target)
            result = replace(_source(step.file), path=str(step.target))
            self._kept.append((step.fate, KeptFile(source=_source(step.file), result=result)))
        else:
            self._rewritten(step, target)
        advance(step.file.size)

    def _rewritten(self, step: Step, target: Path) -> None:
        data = step.file.content.read(self.limits.json_bytes)
        folder = step.file.path.parent
        text = rewrite(data, folder, self._shards(), depth=self.limits.json_depth)
        target.write_bytes(text)
        result = Bytes(path=str(step.target), size=len(text), sha256=hashlib.sha256(text).hexdigest())
        self._kept.append((step.fate, KeptFile(source=_source(step.file), result=result)))

    def _shards(self) -> Mapping[PurePosixPath, Shard]:
        return {
            path: Shard(
                target=PurePosixPath(made.file.result.path),
                names=frozenset(tensor.name for tensor in made.file.tensors),
                aliases=frozenset(made.file.aliases),
                tensor_bytes=made.tensor_bytes,
            )
            for path, made in self._made.items()
        }

    def _converted(self, step: Step, work: Path, target: Path, server: Server) -> _Made:
        source, writable = work / "source", work / "child"
        writable.mkdir()
        try:
            _copy(step.file, source)
            told = self._load(source, writable / "out", step.file.size, server)
            back = read_back(writable / "out", self.limits)
            _refuse_other_bytes(told, back)
            (writable / "out").chmod(stat.S_IMODE(target.parent.stat().st_mode) & 0o666)  # what the umask leaves
            (writable / "out").rename(target)
        finally:
            source.unlink(missing_ok=True)
            shutil.rmtree(writable)
        file = ConvertedFile(
            source=_source(step.file),
            result=Bytes(path=str(step.target), size=back.size, sha256=back.sha256),
            key=told["key"],
            dropped=tuple(told["dropped"]),
            tensors=back.tensors,
            aliases=told["aliases"],
        )
        return _Made(file=file, tensor_bytes=back.tensor_bytes)

    def _load(self, source: Path, target: Path, size: int, server: Server) -> dict[str, Any]:
        request = {
            "source": str(source),
            "target": str(target),
            "size": size,
            "key": self.key,
            "most": self.limits.tensors,
        }
        ending = server.run(json.dumps(request).encode(), self._bounds(size), writable=target.parent, readable=[source])
        if ending.error:
            raise _RefusedError(f"the child that loaded it was stopped: {ending.error}")
        told = _answer(ending.output)
        if "refused" in told:
            raise _RefusedError(told["refused"])
        return told

    def _bounds(self, size: int) -> Bounds:
        seconds = self.limits.convert_cpu_seconds + size // _BYTES_PER_SECOND
        return Bounds(
            cpu_seconds=seconds,
            wall_seconds=4.0 * seconds,
            # The file is mapped, and what its tensors share is copied once.
            memory_bytes=self.limits.convert_memory_bytes + 4 * size,
            file_bytes=2 * size + 64 * MIB,
            output_bytes=self.limits.child_output_bytes + self.limits.header_bytes,
        )


class _FileRefusedError(Exception):
    """Carries a refusal out of the work on one file."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.reason)
        self.refusal = refusal


def _source(file: ArtifactFile) -> Bytes:
    return Bytes(path=str(file.path), size=file.size, sha256=file.sha256 or "")


def _copy(file: ArtifactFile, target: Path) -> None:
    """Copy a file and hold the copy against the digest that the checks' bytes had."""
    digest = hashlib.sha256()
    with file.content.open() as reader, target.open("xb") as writer:
        while piece := reader.read(_PIECE):
            digest.update(piece)
            writer.write(piece)
    if digest.hexdigest() != file.sha256:
        raise ContentChangedError(f"{printable(str(file.path))} is not the file that was checked")


def _answer(output: bytes) -> dict[str, Any]:
    """Read the child's answer, believing nothing about its form."""
    try:
        told = json.loads(output)
        if isinstance(told.get("refused"), str):
            return {"refused": told["refused"]}
        texts = (told["tensors"], told["aliases"])
        plain = all(type(text) is str for pairs in texts for pair in pairs.items() for text in pair)
        if plain and type(told["key"]) is str and all(type(text) is str for text in told["dropped"]):
            return {name: told[name] for name in ("tensors", "aliases", "key", "dropped")}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        pass
    raise _RefusedError("the child that loaded it answered nonsense")


def _refuse_other_bytes(told: Mapping[str, Any], back: Readback) -> None:
    if {tensor.name: tensor.sha256 for tensor in back.tensors} != told["tensors"]:
        raise ReadbackError("the tensors that were read back are not those that were loaded")
    if not set(told["aliases"].values()) <= told["tensors"].keys() or told["aliases"].keys() & told["tensors"].keys():
        raise ReadbackError("the aliases are of other tensors than there are")
