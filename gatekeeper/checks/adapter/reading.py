"""Artifact → layout: from `adapter_config.json` and the headers of safetensors files, no tensor but alphas."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from gatekeeper.artifact import Artifact, ArtifactFile
from gatekeeper.checks.adapter.config import CONFIG, AdapterConfig, read_config
from gatekeeper.checks.adapter.keys import place_of, style_of
from gatekeeper.checks.adapter.layout import WHOLE, Adapter, AdapterTensor, Layout, Style, Trouble
from gatekeeper.checks.adapter.modules import module_of
from gatekeeper.checks.adapter.targets import Targets
from gatekeeper.checks.files import read_safetensors
from gatekeeper.errors import LimitError
from gatekeeper.limits import DEFAULT_LIMITS, Limits
from gatekeeper.parsing import ParseError
from gatekeeper.text import printable

_WEIGHTS = ".safetensors"
_STEM = "adapter_model"
_PICKLED = re.compile(r"(?:adapter_model|pytorch_lora_weights).*\.(?:bin|pt|pth|ckpt)", re.IGNORECASE)
# What the names of an adapter's tensors have in common; a text with escapes is read to be sure.
_SIGN = re.compile(rb"lora[_.]|hada_w|lokr_w|ia3_l|\\u")
_LENGTH = 8


@dataclass(slots=True)
class _Left:
    """What may still be read of an artifact."""

    limits: Limits
    header_bytes: int
    modules: int
    troubles: list[Trouble] = field(default_factory=list)

    def take_header(self, length: int) -> None:
        """Count the bytes of a header.

        Raises:
            LimitError: When there is nothing left.
        """
        self.header_bytes -= length
        if length > self.limits.header_bytes or self.header_bytes < 0:
            raise LimitError("its header is not read: more than adapter_header_bytes or header_bytes allow")


def has_adapter(artifact: Artifact) -> bool:
    """Whether an artifact holds an adapter, told by its configuration or by the names of tensors.

    Args:
        artifact: Where to look.
    """
    if any(file.path.name == CONFIG or _PICKLED.fullmatch(file.path.name) for file in artifact.files):
        return True
    left = DEFAULT_LIMITS.adapter_header_bytes
    for file in _weights(artifact):
        found, length = _promises(file, DEFAULT_LIMITS)
        left -= length
        if found or left < 0:
            return found
    return False


def read_layout(artifact: Artifact, limits: Limits = DEFAULT_LIMITS) -> Layout:
    """Read which adapters an artifact holds and what they change.

    An adapter is a folder with `adapter_config.json`, or a safetensors file elsewhere most of whose tensors are named
    as those of adapters are. Tensors are placed by name and shape; of their bytes only kohya's alphas are read.

    Args:
        artifact: Whose files were hashed.
        limits: `adapters`, `adapter_*`, `header_bytes`, `tensors` and `json_*` bound the work.

    Returns:
        What could be read. What could not stands in `troubles`, of the adapter concerned where it is known.

    Raises:
        ContentChangedError: When a file is no longer the one that was hashed.
    """
    left = _Left(limits, limits.adapter_header_bytes, limits.adapter_modules)
    folders = sorted({file.path.parent for file in artifact.files if file.path.name == CONFIG}, key=_order)
    adapters = [_described(artifact, folder, left) for folder in folders[: limits.adapters]]
    if len(folders) > limits.adapters:
        left.troubles.append(Trouble(reason=f"more than {limits.adapters} adapters are there (limit adapters)"))
    for file in _weights(artifact):
        if file.path.parent not in folders and len(adapters) < limits.adapters:
            adapters += _undescribed(file, left)
    known = {id(file) for adapter in adapters for file in adapter.pickled}
    loose = [file for file in artifact.files if _PICKLED.fullmatch(file.path.name) and id(file) not in known]
    for file in loose[: max(0, limits.adapters - len(adapters))]:
        adapters.append(Adapter(folder=file.path.parent, config=None, style=Style.UNKNOWN, modules=(), pickled=(file,)))
    return Layout(adapters=tuple(adapters), troubles=tuple(left.troubles))


def _described(artifact: Artifact, folder: PurePosixPath, left: _Left) -> Adapter:
    """Read the adapter of a folder with a configuration."""
    troubles: list[Trouble] = []
    config = _config(artifact, folder, left, troubles)
    inside = [file for file in artifact.files if file.path.parent == folder]
    weights = [file for file in inside if file.path.suffix.lower() == _WEIGHTS]
    named = [file for file in weights if file.path.name.startswith(_STEM)]
    tensors: list[AdapterTensor] = []
    for file in named or weights:
        try:
            tensors += _tensors(file, left)
        except (LimitError, ValueError) as error:
            troubles.append(Trouble(reason=printable(str(error)), path=str(file.path)))
    pickled = tuple(file for file in inside if _PICKLED.fullmatch(file.path.name))
    return _assembled(folder, config, tensors, tuple(named or weights), pickled, troubles, left)


def _undescribed(file: ArtifactFile, left: _Left) -> Iterator[Adapter]:
    """Give the adapter that a file without a configuration is, if it is one."""
    try:
        found, length = _promises(file, left.limits)
        if not found:
            left.take_header(length)
            return
        tensors = _tensors(file, left)
    except (LimitError, ValueError) as error:
        left.troubles.append(Trouble(reason=printable(str(error)), path=str(file.path)))
        return
    of_adapters = sum(tensor.part not in WHOLE for tensor in tensors)
    if of_adapters * 2 >= len(tensors) > 0:
        yield _assembled(file.path.parent, None, tensors, (file,), (), [], left)


def _assembled(
    folder: PurePosixPath,
    config: AdapterConfig | None,
    tensors: list[AdapterTensor],
    files: tuple[ArtifactFile, ...],
    pickled: tuple[ArtifactFile, ...],
    troubles: list[Trouble],
    left: _Left,
) -> Adapter:
    style = style_of([tensor.name for tensor in tensors])
    by_module: defaultdict[str, list[AdapterTensor]] = defaultdict(list)
    for tensor in tensors:
        if tensor.module and tensor.part not in WHOLE:
            by_module[tensor.module].append(tensor)
    left.modules -= len(by_module)
    if left.modules < 0:
        reason = f"its modules are not told apart: more than adapter_modules allows ({left.limits.adapter_modules})"
        troubles.append(Trouble(reason=reason, path=str(folder)))
        by_module.clear()
    targets = Targets(config) if config else None
    modules = [module_of(name, by_module[name], targets) for name in sorted(by_module, key=_by_numbers)]
    place = config.path if config else ""
    troubles += [Trouble(reason=reason, path=place) for reason in (targets.troubles if targets else ())]
    return Adapter(
        folder=folder,
        config=config,
        style=style,
        modules=tuple(modules),
        whole=tuple(tensor for tensor in tensors if tensor.part in WHOLE),
        shared=tuple(tensor for tensor in tensors if not tensor.module and tensor.part not in WHOLE),
        files=files,
        pickled=pickled,
        troubles=tuple(troubles),
    )


def _config(artifact: Artifact, folder: PurePosixPath, left: _Left, troubles: list[Trouble]) -> AdapterConfig | None:
    file = artifact.file(str(folder / CONFIG))
    if file is None:  # its name differs by letter case alone
        return None
    try:
        return read_config(file, left.limits)
    except (ParseError, LimitError) as error:
        troubles.append(Trouble(reason=f"{CONFIG} can't be read: {printable(str(error))}", path=str(file.path)))
        return None


def _tensors(file: ArtifactFile, left: _Left) -> list[AdapterTensor]:
    """Place every tensor of a file.

    Raises:
        ValueError: When the file deviates from its format, or names a tensor at great length.
        LimitError: When its header is too large.
        ContentChangedError: When the file is no longer the one that was hashed.
    """
    if file.sha256 is None:
        raise ValueError("its tensors are not known: weights were not downloaded")
    with file.content.open() as reader:
        left.take_header(int.from_bytes(reader.read(_LENGTH), "little"))
        reader.seek(0)
        header = read_safetensors(reader, file.size, left.limits)
    if header.problems:
        raise ValueError(f"its tensors are not known: {header.problems[0].message}")
    if any(len(tensor.name) > left.limits.adapter_name_characters for tensor in header.tensors):
        raise ValueError("a tensor has a name of more characters than adapter_name_characters allows")
    found = []
    for tensor in header.tensors:
        place = place_of(tensor.name)
        found.append(
            AdapterTensor(
                module=place.module,
                part=place.part,
                name=tensor.name,
                dtype=tensor.dtype,
                shape=tensor.shape,
                file=file,
                offset=header.start + tensor.begin,
                size=tensor.end - tensor.begin,
            )
        )
    return found


def _promises(file: ArtifactFile, limits: Limits) -> tuple[bool, int]:
    """Say whether a header has a word that adapters have, and how many bytes it claims."""
    if file.sha256 is None:
        return False, 0
    with file.content.open() as reader:
        length = int.from_bytes(reader.read(_LENGTH), "little")
        if length > limits.header_bytes:
            return False, 0
        return _SIGN.search(reader.read(length)) is not None, length


def _weights(artifact: Artifact) -> list[ArtifactFile]:
    return [file for file in artifact.files if file.path.suffix.lower() == _WEIGHTS]


def _order(folder: PurePosixPath) -> tuple[int, str]:
    return (0 if folder == PurePosixPath() else 1, str(folder))


def _by_numbers(name: str) -> list[tuple[int, str]]:
    """Put layer 10 behind layer 9."""
    return [(int(word), "") if word.isdecimal() else (-1, word) for word in re.split(r"(\d{1,9})", name)]
