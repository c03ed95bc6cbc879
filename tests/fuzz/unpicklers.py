"""CPython's own unpicklers, both of them, with everything taken out that could import or call: what do they ask for?"""

from __future__ import annotations

import io
import pickle
import struct
from contextlib import suppress
from typing import Any, ClassVar

_MOST_ARRAY = 1 << 20


class Inert:
    """What every name stands for: it can be called, built and filled, and nothing comes of it."""

    called = 0

    def __new__(cls, *_: Any, **__: Any) -> Inert:
        """Make one of any arguments."""
        Inert.called += 1
        return super().__new__(cls)

    def __call__(self, *_: Any, **__: Any) -> Inert:
        """Be called."""
        return Inert()

    def __setstate__(self, _: Any) -> None:
        """Take any state."""

    def __setitem__(self, _: Any, __: Any) -> None:
        """Take any item."""

    def append(self, _: Any) -> None:
        """Take any item."""

    def add(self, _: Any) -> None:
        """Take any item."""


class _InPython(pickle._Unpickler):  # type: ignore[name-defined,misc]
    """The one in Python."""

    dispatch: ClassVar[dict[int, Any]] = dict(pickle._Unpickler.dispatch)  # type: ignore[attr-defined]

    def __init__(self, data: bytes) -> None:
        super().__init__(io.BytesIO(data), fix_imports=False)
        self.names: list[str] = []

    def find_class(self, module: str, name: str) -> Any:
        self.names.append(f"{module}.{name}")
        return Inert

    def persistent_load(self, _: Any) -> Any:
        return object.__new__(Inert)

    def load_bytearray8(self) -> None:
        """Refuse lengths for which it would set memory aside before it reads."""
        (length,) = struct.unpack("<Q", self.read(8))
        if length > _MOST_ARRAY:
            raise pickle.UnpicklingError("too long")
        self.append(bytearray(self.read(length)))

    dispatch[pickle.BYTEARRAY8[0]] = load_bytearray8


class _InC(pickle.Unpickler):
    """The one in C."""

    def __init__(self, data: bytes) -> None:
        super().__init__(io.BytesIO(data), fix_imports=False)
        self.names: list[str] = []

    def find_class(self, module: str, name: str) -> Any:
        self.names.append(f"{module}.{name}")
        return Inert

    def persistent_load(self, _: Any) -> Any:
        return object.__new__(Inert)


def asked_in_python(data: bytes) -> tuple[list[str], int]:
    """Give the names that the unpickler in Python asks for, and how many objects were made of them."""
    return _asked(_InPython(data))


def asked_in_c(data: bytes) -> tuple[list[str], int]:
    """Give the same for the unpickler in C.

    It sets memory aside for the highest memo index, so look at that first; arrays of bytes that are cut off make it
    complain on the terminal, so they are left to the other.
    """
    return ([], 0) if pickle.BYTEARRAY8 in data else _asked(_InC(data))


def _asked(unpickler: _InPython | _InC) -> tuple[list[str], int]:
    before = Inert.called
    with suppress(Exception):
        unpickler.load()
    return unpickler.names, Inert.called - before
