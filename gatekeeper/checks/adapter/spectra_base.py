"""How the changes of an adapter lie to its base, where the base's weights are at hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from gatekeeper.artifact import Artifact
from gatekeeper.checks.adapter.layout import AdapterTensor, Module, Part
from gatekeeper.checks.adapter.spectra import UnmeasurableError, alignment
from gatekeeper.checks.adapter.values import UnreadableError, read_factors, read_tensor
from gatekeeper.checks.files import read_safetensors
from gatekeeper.errors import LimitError
from gatekeeper.limits import DEFAULT_LIMITS, Limits
from gatekeeper.progress import Advance

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_PREFIXES = ("", "model.", "base_model.", "transformer.")
"""What may stand before a module's name in the base: files of a model without its head lack the first part."""


def alignments(
    modules: Sequence[Module], base: Artifact, limits: Limits = DEFAULT_LIMITS, advance: Advance = lambda _: None
) -> dict[str, float]:
    """Say of modules how much of their change lies in the base's own main directions.

    The base is read within `adapter_base_bytes`: where all modules would be more, some are taken, evenly over depth.

    Args:
        modules: Of one adapter, in order.
        base: Its base.
        limits: `adapter_base_bytes`, `header_bytes` and `adapter_tensor_bytes` bound the work.
        advance: Told of each module that was looked at.

    Returns:
        Module's name → share, 0 to 1, of those that could be read.

    Raises:
        ContentChangedError: When a file is no longer the one that was hashed.
    """
    stored = _weights(base, limits)
    pairs = [(module, weight) for module in modules if (weight := _weight_of(module, stored)) is not None]
    total = sum(weight.size for _, weight in pairs)
    every = max(1, -(-total // limits.adapter_base_bytes))
    found = {}
    for module, weight in pairs[::every]:
        advance(1)
        measured = _aligned(module, weight, limits)
        if measured is not None:
            found[module.name] = measured
    return found


def _aligned(module: Module, weight: AdapterTensor, limits: Limits) -> float | None:
    try:
        factors = read_factors(module, limits)
        if factors is None or module.tensor(Part.EMBEDDING_A) is not None:
            return None
        b, a = factors
        return alignment(a, b, _flat(read_tensor(weight, limits)))
    except (UnmeasurableError, UnreadableError, LimitError):
        return None


def _flat(weight: NDArray[np.floating]) -> NDArray[np.floating]:
    return weight.reshape(weight.shape[0], -1) if weight.ndim > 2 else weight


def _weight_of(module: Module, stored: Mapping[str, AdapterTensor]) -> AdapterTensor | None:
    names = (f"{prefix}{module.name}.weight" for prefix in _PREFIXES)
    shorter = f"{module.name.removeprefix('model.')}.weight"
    return next((stored[name] for name in (*names, shorter) if name in stored), None)


def _weights(base: Artifact, limits: Limits) -> dict[str, AdapterTensor]:
    """Give every matrix of the base's safetensors files by its name; a file that can't be read has none."""
    found: dict[str, AdapterTensor] = {}
    for file in base.files:
        if file.path.suffix.lower() != ".safetensors" or file.sha256 is None:
            continue
        with file.content.open() as reader:
            try:
                header = read_safetensors(reader, file.size, limits)
            except ValueError:
                continue
        if header.problems:
            continue
        for tensor in header.tensors:
            if len(tensor.shape) >= 2:
                found[tensor.name] = AdapterTensor(
                    module=tensor.name, part=Part.WEIGHT, name=tensor.name, dtype=tensor.dtype, shape=tensor.shape,
                    file=file, offset=header.start + tensor.begin, size=tensor.end - tensor.begin,
                )  # fmt: skip
    return found
