"""Whether the weights of a graph are those that lie beside it in another format, as far as numbers can tell."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gatekeeper.checks.onnx.stored_weights import FLOATS, Weight
from gatekeeper.limits import Limits

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SMALLEST = 2.0**-14
"""The smallest normal number of half precision."""

_FACTORS = (0xBF58476D1CE4E5B9, 0x9E3779B97F4A7C15)
_MIX = 0x94D049BB133111EB


@dataclass(frozen=True, kw_only=True, slots=True)
class Likeness:
    """What comparing one graph with the weights beside it came to, in elements of tensors that are no mere vectors."""

    floats: int
    """Of the graph."""

    packed: int
    """Of the graph, stored in so few bits that they can't be compared."""

    shaped: int
    """Floats in tensors beside which one of as many elements lies."""

    compared: int
    """Of these, read and compared within the limits."""

    same: int
    """Of these, with the very numbers of one that lies beside, rounded to the graph's type."""


@dataclass(slots=True)
class Beside:
    """The weights beside a graph, read when one of their shape is asked for.

    Args:
        weights: All of them.
        limits: `conversion_bytes` bounds what is read in all, `conversion_tensor_bytes` one tensor.
    """

    weights: Iterable[Weight]
    limits: Limits
    _sizes: dict[int, list[Weight]] = field(init=False)
    _digests: dict[tuple[int, str], set[bytes]] = field(default_factory=dict)
    _left: int = field(init=False)

    def __post_init__(self) -> None:
        """Sort the weights by how many elements they have: exporters transpose, split off axes and reorder gates."""
        self._sizes = defaultdict(list)
        self._left = self.limits.conversion_bytes
        for weight in self.weights:
            self._sizes[weight.elements].append(weight)

    def compare(self, graph: Sequence[Weight]) -> Likeness:
        """Compare the weights of a graph with those beside it."""
        floats = [weight for weight in graph if weight.dtype in FLOATS]
        shaped = [weight for weight in floats if weight.elements in self._sizes]
        compared = same = 0
        for weight in shaped:
            wanted = self._read(weight)
            among = self._among(weight) if wanted is not None else None
            if wanted is None or among is None:
                continue
            compared += weight.elements
            same += weight.elements * (_digest(wanted, weight.dtype) in among)
        return Likeness(
            floats=sum(weight.elements for weight in floats),
            packed=sum(weight.elements for weight in graph if weight.dtype == "packed"),
            shaped=sum(weight.elements for weight in shaped),
            compared=compared,
            same=same,
        )

    def _among(self, weight: Weight) -> set[bytes] | None:
        """Give the digests of all weights of a size, in the type of one of the graph; None when they are too much."""
        key = (weight.elements, weight.dtype)
        if key not in self._digests:
            found: set[bytes] = set()
            for other in self._sizes[weight.elements]:
                values = self._read(other)
                if values is None:
                    return None
                found.add(_digest(_as(values, weight.dtype), weight.dtype))
            self._digests[key] = found
        return self._digests[key]

    def _read(self, weight: Weight) -> NDArray[Any] | None:
        """Read the numbers of a tensor; bfloat16 as the upper half of a float."""
        import numpy as np

        if weight.file is None or weight.size > min(self._left, self.limits.conversion_tensor_bytes):
            return None
        self._left -= weight.size
        with weight.file.content.open() as reader:
            reader.seek(weight.start)
            data = reader.read(weight.size)
        if weight.dtype == "BF16":
            values: NDArray[Any] = (np.frombuffer(data, "<u2").astype("<u4") << 16).view("<f4")
        else:
            values = np.frombuffer(data, {"F16": "<f2", "F32": "<f4", "F64": "<f8"}[weight.dtype])
        return values


def _as(values: NDArray[Any], dtype: str) -> NDArray[Any]:
    """Round as frameworks do, to the nearest and ties to even; bfloat16 stays a float with an empty lower half."""
    import numpy as np

    with np.errstate(over="ignore", invalid="ignore"):
        if dtype != "BF16":
            return values.astype({"F16": "<f2", "F32": "<f4", "F64": "<f8"}[dtype])
        bits = values.astype("<f4").view("<u4")
        rounded: NDArray[Any] = ((bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000).astype("<u4").view("<f4")
    return rounded


def _digest(values: NDArray[Any], dtype: str) -> bytes:
    """Digest numbers whatever their order: the same whenever one tensor is the other, transposed or reordered.

    Converters to half precision write the smallest numbers in different ways; they count as none.
    """
    import numpy as np

    if dtype == "F16":
        values = np.where(np.abs(values) < _SMALLEST, np.float16(0), values)
    words = values.view({2: "<u2", 4: "<u4", 8: "<u8"}[values.itemsize]).astype("<u8")
    sums = b""
    for factor in _FACTORS:  # a sum of mixed words (the finaliser of SplitMix64), twice
        mixed = (words ^ (words >> np.uint64(30))) * np.uint64(factor)
        mixed ^= mixed >> np.uint64(27)
        mixed *= np.uint64(_MIX)
        sums += int((mixed ^ (mixed >> np.uint64(31))).sum(dtype="<u8")).to_bytes(8, "little")
    return sums
