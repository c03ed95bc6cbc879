"""The lock on disk: where it lies, reading it strictly, changing it without losing what people wrote beside it.

    path = find()
    lock = read(path)
    edit(path, lambda lock: with_model(lock, model))

Importing this room loads nothing but itself: `gatekeeper.pins` uses it where models are loaded.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gatekeeper.lockfile.names import is_model_id
    from gatekeeper.lockfile.places import find_above, find_lock
    from gatekeeper.lockfile.reading import parse, read
    from gatekeeper.lockfile.writing import dump, edit, find, with_model, without_model, write

__all__ = [
    "dump",
    "edit",
    "find",
    "find_above",
    "find_lock",
    "is_model_id",
    "parse",
    "read",
    "with_model",
    "without_model",
    "write",
]

_HOMES = {
    "find_above": "places",
    "find_lock": "places",
    "is_model_id": "names",
    "parse": "reading",
    "read": "reading",
}


def __getattr__(name: str) -> object:
    """Import what is asked for when it is asked for."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'writing')}"), name)
