"""Persistent ids of torch: how a pickle names the storages that lie beside it (torch/serialization.py)."""

from __future__ import annotations

from dataclasses import dataclass

from gatekeeper.checks.files.pickle_values import Global, Value, rows

_SIZES = {
    "Double": 8, "Float": 4, "Half": 2, "BFloat16": 2, "Long": 8, "Int": 4, "Short": 2, "Char": 1, "Byte": 1,
    "Bool": 1, "ComplexDouble": 16, "ComplexFloat": 8, "QInt8": 1, "QUInt8": 1, "QInt32": 4, "QUInt4x2": 1,
    "QUInt2x4": 1, "Untyped": 1,
}  # fmt: skip
"""Kind of storage → bytes of one element."""

_MODULES = frozenset({"torch", "torch.cuda", "torch.storage"})


@dataclass(frozen=True, kw_only=True, slots=True)
class StorageId:
    """One storage that a pickle names."""

    key: str
    """Name of the storage in its file."""

    elements: int
    item: int
    """Bytes of one element."""

    @property
    def size(self) -> int:
        """Bytes of the storage."""
        return self.elements * self.item


def storage_id(value: Value) -> StorageId | None:
    """Read a persistent id; None when it is not one that torch writes for a storage."""
    parts = rows(value)
    if len(parts) not in (5, 6) or parts[0] != "storage":
        return None
    _, kind, key, place, elements = parts[:5]
    if not isinstance(kind, Global) or kind.module not in _MODULES or not kind.attribute.endswith("Storage"):
        return None
    item = _SIZES.get(kind.attribute.removesuffix("Storage").lstrip("_"))
    if item is None or not isinstance(place, str) or type(elements) is not int or elements < 0:
        return None
    if type(key) is int:
        key = str(key)
    return StorageId(key=key, elements=elements, item=item) if isinstance(key, str) else None


def is_source_id(value: Value) -> bool:
    """Whether an id is what torch before 1.6 wrote for a class: its source, which is only held against the class."""
    parts = rows(value)
    return len(parts) == 4 and parts[0] == "module" and isinstance(parts[1], Global)
