"""The numbers of an adapter's tensors, read without torch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO

from gatekeeper.checks.adapter.layout import AdapterTensor, Method, Module, Part
from gatekeeper.errors import LimitError
from gatekeeper.limits import DEFAULT_LIMITS, Limits
from gatekeeper.text import printable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_CHUNK = 1 << 20
"""Numbers that are read and widened at a time."""

WIDTHS = {"F8_E4M3": 1, "F8_E5M2": 1, "F8_E4M3FNUZ": 1, "F8_E5M2FNUZ": 1, "F16": 2, "BF16": 2, "F32": 4, "F64": 8}
"""Types whose numbers are read → bytes of one."""

_EIGHT = {
    "F8_E4M3": (4, 7, False),
    "F8_E5M2": (5, 15, False),
    "F8_E4M3FNUZ": (4, 8, True),
    "F8_E5M2FNUZ": (5, 16, True),
}
"""Exponent bits, bias, and whether the only non-number is negative zero (arXiv 2209.05433, 2206.02915)."""


class UnreadableError(ValueError):
    """The numbers of a tensor can't be had; the message, printable, says why."""


def read_tensor(tensor: AdapterTensor, limits: Limits = DEFAULT_LIMITS) -> NDArray[np.floating]:
    """Read a tensor.

    Args:
        tensor: Of a layout.
        limits: `adapter_tensor_bytes` bounds what is held in memory, as float32.

    Returns:
        Float32 of the tensor's shape; float64 where the file has that.

    Raises:
        UnreadableError: When its type is not one of `WIDTHS`, or its bytes are not there.
        LimitError: When it is too large.
        ContentChangedError: When the file is no longer the one that was hashed.
    """
    import numpy as np

    widened = tensor.elements * (8 if tensor.dtype == "F64" else 4)
    if widened > limits.adapter_tensor_bytes:
        name = printable(tensor.name, 120)
        raise LimitError(f"{name} takes {widened} bytes in memory (limit {limits.adapter_tensor_bytes})")
    pieces = list(read_pieces(tensor))
    flat = np.concatenate(pieces) if pieces else np.zeros(0, dtype=np.float32)
    return flat.reshape(tensor.shape)


def read_pieces(tensor: AdapterTensor) -> Iterator[NDArray[np.floating]]:
    """Read a tensor of any size piece by piece, at most a million numbers each.

    Args:
        tensor: Of a layout.

    Raises:
        UnreadableError: When its type is not one of `WIDTHS`, or its bytes are not there.
        ContentChangedError: When the file is no longer the one that was hashed.
    """
    width = WIDTHS.get(tensor.dtype)
    if width is None:
        raise UnreadableError(f"numbers of type {printable(tensor.dtype, 20)} are not read")
    with tensor.file.content.open() as reader:
        reader.seek(tensor.offset)
        for begin in range(0, tensor.elements, _CHUNK):
            count = min(_CHUNK, tensor.elements - begin)
            yield _widened(_exactly(reader, count * width), tensor.dtype)


def read_factors(
    module: Module, limits: Limits = DEFAULT_LIMITS
) -> tuple[NDArray[np.floating], NDArray[np.floating]] | None:
    """Read what a module's change is the product of: `scale · B @ A`, a convolution's laid flat.

    Of AdaLoRA, A comes multiplied by its singular values. Of an embedding, the product is the change transposed:
    (width, vocabulary). Of DoRA, the product is what is added before the rows are brought to their lengths.

    Args:
        module: Of a layout.
        limits: As for `read_tensor`.

    Returns:
        B of shape (out, rank) and A of shape (rank, in); None when the module is of another method or of rank 0,
        changes a stack of matrices, has a kernel between its factors, or its shapes contradict each other.

    Raises:
        UnreadableError: As `read_tensor`.
        LimitError: As `read_tensor`.
        ContentChangedError: As `read_tensor`.
    """
    factors = module.factors
    if factors is None or not module.rank or module.experts != 1 or module.tensor(Part.MID) is not None:
        return None
    b = read_tensor(factors[0], limits).reshape(-1, module.rank)
    a = read_tensor(factors[1], limits).reshape(module.rank, -1)
    values = module.tensor(Part.E)
    if module.method is Method.ADALORA and values is not None:
        a = a * read_tensor(values, limits).reshape(module.rank, 1)
    return b, a


def _exactly(reader: BinaryIO, size: int) -> bytes:
    data = reader.read(size)
    if len(data) != size:
        raise UnreadableError("the file ends within a tensor")
    return data


def _widened(data: bytes, dtype: str) -> NDArray[np.floating]:
    import numpy as np

    if dtype == "BF16":
        return (np.frombuffer(data, "<u2").astype(np.uint32) << 16).view(np.float32)
    if dtype in _EIGHT:
        return _eight_bits(dtype)[np.frombuffer(data, np.uint8)]
    stored: NDArray[np.floating] = np.frombuffer(data, {"F16": "<f2", "F32": "<f4", "F64": "<f8"}[dtype])
    return stored.astype(np.float64 if dtype == "F64" else np.float32)


def _eight_bits(dtype: str) -> NDArray[np.float32]:
    """Give all numbers of eight bits, by their bits."""
    import numpy as np

    exponent_bits, bias, unsigned_zero = _EIGHT[dtype]
    bits = np.arange(256)
    mantissa_bits = 7 - exponent_bits
    exponent = bits >> mantissa_bits & (1 << exponent_bits) - 1
    fraction = (bits & (1 << mantissa_bits) - 1) / (1 << mantissa_bits)
    value = np.where(
        exponent == 0, fraction * 2.0 ** (1 - bias), (1 + fraction) * 2.0 ** (exponent.astype(float) - bias)
    )
    value = np.where(bits >= 128, -value, value).astype(np.float32)
    if unsigned_zero:
        value[0x80] = np.nan
    elif dtype == "F8_E4M3":  # the highest code alone is no number, and there is no infinity
        value[[0x7F, 0xFF]] = np.nan
    else:
        value[0x7C], value[0xFC] = np.inf, -np.inf
        value[[0x7D, 0x7E, 0x7F, 0xFD, 0xFE, 0xFF]] = np.nan
    return value
