"""`TensorProto` and `SparseTensorProto` → `Constant`: what the file stores, decoded when it is little."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from onnx import SparseTensorProto, TensorProto, numpy_helper

from gatekeeper.checks.onnx.graph import Constant
from gatekeeper.checks.onnx.left_out import left_out
from gatekeeper.checks.onnx.reader_make import make_constant
from gatekeeper.checks.onnx.trouble import GraphError
from gatekeeper.limits import Limits
from gatekeeper.text import printable

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PLAIN: dict[int, tuple[np.dtype[Any], str]] = {
    TensorProto.FLOAT: (np.dtype("<f4"), "float_data"),
    TensorProto.UINT8: (np.dtype("u1"), "int32_data"),
    TensorProto.INT8: (np.dtype("i1"), "int32_data"),
    TensorProto.UINT16: (np.dtype("<u2"), "int32_data"),
    TensorProto.INT16: (np.dtype("<i2"), "int32_data"),
    TensorProto.INT32: (np.dtype("<i4"), "int32_data"),
    TensorProto.INT64: (np.dtype("<i8"), "int64_data"),
    TensorProto.BOOL: (np.dtype("?"), "int32_data"),
    TensorProto.DOUBLE: (np.dtype("<f8"), "double_data"),
    TensorProto.UINT32: (np.dtype("<u4"), "uint64_data"),
    TensorProto.UINT64: (np.dtype("<u8"), "uint64_data"),
}
"""Type → how numpy calls it in `raw_data`, and the field that may hold it instead (onnx.proto, `TensorProto`)."""

_WIDE = {"float_data": "<f4", "double_data": "<f8", "uint64_data": "<u8", "int32_data": "<i4", "int64_data": "<i8"}
_TEXT = TensorProto.STRING
_SUBBYTE = frozenset({TensorProto.INT4, TensorProto.UINT4, TensorProto.INT2, TensorProto.UINT2})


class Tensors:
    """Reads tensors under one set of limits.

    Args:
        limits: `onnx_constant_elements` says what is few.
        digests: Whether to digest what is stored.
        mark: Of tensors whose elements were left out (see `left_out`).
    """

    def __init__(self, limits: Limits, *, digests: bool, mark: str = "") -> None:
        self._most = limits.onnx_constant_elements
        self._digests = digests
        self._mark = mark

    def dense(self, tensor: TensorProto) -> Constant:
        """Read a tensor.

        Raises:
            GraphError: When a size is negative.
        """
        dtype, shape = tensor.data_type, _shape(tensor.dims, tensor.name)
        if tensor.data_location == TensorProto.EXTERNAL:
            gone = left_out(tensor, self._mark)
            digest = seal(dtype, shape, gone[-1].sha256 if gone else _place(tensor)) if self._digests else ""
            return Constant(dtype=dtype, shape=shape, digest=digest, external=not gone)
        data = _decoded(tensor, shape) if math.prod(shape) <= self._most else None
        return make_constant(dtype, shape, data, self._digest(tensor, shape) if self._digests else "")

    def sparse(self, tensor: SparseTensorProto) -> Constant:
        """Read a sparse tensor; it is filled up with zeros when it is small.

        Raises:
            GraphError: When a size is negative.
        """
        values, shape = self.dense(tensor.values), _shape(tensor.dims, tensor.values.name)
        indices = self.dense(tensor.indices)
        data = None
        if values.data is not None and indices.data is not None and math.prod(shape) <= self._most:
            data = _filled(values.data, indices.data, shape)
        digest = ""
        if values.digest and indices.digest:
            digest = hashlib.sha256(f"sparse {shape} {values.digest} {indices.digest}".encode()).hexdigest()
        external = values.external or indices.external
        return Constant(dtype=values.dtype, shape=shape, data=data, digest=digest, external=external)

    def listed(self, values: Sequence[Any], dtype: int) -> Constant:
        """Make a constant of an attribute's numbers or texts, which have no shape but their count."""
        few = len(values) <= self._most
        if dtype == _TEXT:
            data: Any = np.array(list(values), dtype=object) if few else None
            stored = (
                b"".join(b"%d:%s" % (len(text), text) for text in map(str.encode, values)) if self._digests else b""
            )
        else:
            packed = np.array(values, dtype=_PLAIN[dtype][0])
            data, stored = packed if few else None, packed.tobytes() if self._digests else b""
        return Constant(
            dtype=dtype, shape=(len(values),), data=data, digest=self._sealed(dtype, (len(values),), stored)
        )

    def single(self, value: float | str, dtype: int) -> Constant:
        """Make a constant of one number or text."""
        listed = self.listed((value,), dtype)
        data = None if listed.data is None else listed.data.reshape(())
        return Constant(dtype=dtype, shape=(), data=data, digest=listed.digest)

    def _digest(self, tensor: TensorProto, shape: tuple[int, ...]) -> str:
        if not self._digests:
            return ""
        if tensor.HasField("raw_data"):
            return self._sealed(tensor.data_type, shape, tensor.raw_data)
        return self._sealed(tensor.data_type, shape, _typed_bytes(tensor))

    def _sealed(self, dtype: int, shape: tuple[int, ...], stored: bytes) -> str:
        if not self._digests:
            return ""
        return seal(dtype, shape, hashlib.sha256(stored).hexdigest())


def seal(dtype: int, shape: tuple[int, ...], stored: str) -> str:
    """Give the digest of a constant from that of the bytes which are stored for it, in hex."""
    return hashlib.sha256(f"{dtype} {shape} {stored}".encode()).hexdigest()


def _place(tensor: TensorProto) -> str:
    """Give where a tensor says that it lies, in a form that no digest of bytes has."""
    return f"in another file: {[(entry.key, entry.value) for entry in tensor.external_data]!r}"


def _shape(dims: Sequence[int], name: str) -> tuple[int, ...]:
    shape = tuple(dims[:])
    for size in shape:
        if size < 0:
            raise GraphError(f"the tensor {printable(str(name), 80)!r} has a negative size")
    return shape


def _decoded(tensor: TensorProto, shape: tuple[int, ...]) -> NDArray[Any] | None:
    """Give the elements; None when what is stored does not make up the shape, which no runtime accepts."""
    dtype = tensor.data_type
    plain = _PLAIN.get(dtype)
    try:
        if plain is not None:
            raw = tensor.raw_data
            if raw or tensor.HasField("raw_data"):
                return np.frombuffer(raw, plain[0]).reshape(shape)
            return np.array(getattr(tensor, plain[1])[:], _WIDE[plain[1]]).astype(plain[0]).reshape(shape)
        if dtype == _TEXT:
            texts = [text.decode("utf-8", "replace") for text in tensor.string_data]
            return np.array(texts, dtype=object).reshape(shape)
        return _widened(numpy_helper.to_array(tensor), dtype)
    except (ValueError, TypeError, OverflowError, KeyError, NotImplementedError):
        return None


def _widened(data: NDArray[Any], dtype: int) -> NDArray[Any]:
    """Give elements of a type that numpy lacks, or that few functions take, in one that it has."""
    if dtype in _SUBBYTE:
        return data.astype(np.int8)
    if data.dtype.kind == "c":
        return data
    return data.astype(np.float32)


def _typed_bytes(tensor: TensorProto) -> bytes:
    """Give what a tensor stores in the field of its type, as `raw_data` would hold it."""
    plain = _PLAIN.get(tensor.data_type)
    if plain is not None:
        try:
            return np.array(getattr(tensor, plain[1])[:], _WIDE[plain[1]]).astype(plain[0]).tobytes()
        except (ValueError, TypeError, OverflowError):
            pass  # numbers beyond the type: the file is digested as it is
    bare = TensorProto()
    bare.CopyFrom(tensor)
    bare.ClearField("name")
    bare.ClearField("doc_string")
    written: bytes = bare.SerializeToString(deterministic=True)
    return written


def _filled(values: NDArray[Any], indices: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any] | None:
    """Lay sparse values out (onnx.proto, `SparseTensorProto`: linear indices, or one row of coordinates a value)."""
    try:
        places = indices if indices.ndim == 1 else np.ravel_multi_index(tuple(indices.T), shape)
        full = np.zeros(math.prod(shape), dtype=values.dtype)
        if places.size and (places.min() < 0 or places.size != values.size):
            return None
        full[places] = values
    except (ValueError, TypeError, IndexError):
        return None
    return full.reshape(shape)
