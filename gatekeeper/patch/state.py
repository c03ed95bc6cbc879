"""What a run has reached, so that one that was killed can go on: the diagnosis, and the passes that failed.

It lies in a hidden file beside the folder to be made, each time whole, and is removed when the run ends. It is only
taken up by a run with the same model, cases, prompts and settings, and never looks like a result. A pass that held is
not kept: merging follows at once, and is done again from its start when it was interrupted.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from gatekeeper.atomic import atomic_write
from gatekeeper.codec import DOCUMENT, ShapeError, decode, encode
from gatekeeper.errors import InputError
from gatekeeper.limits import MIB
from gatekeeper.parsing import ParseError, load_json
from gatekeeper.remedy import Diagnosis, Pass

_BYTES = 64 * MIB
_DEPTH = 24


@dataclass(frozen=True, kw_only=True, slots=True)
class Reached:
    """How far a run has come."""

    key: str
    """Digest of everything that it hangs on."""

    diagnosis: Diagnosis | None = None
    passes: tuple[Pass, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class State:
    """The file of a run."""

    path: Path
    key: str

    def reached(self, *, resume: bool) -> Reached:
        """Read how far an earlier run came.

        Args:
            resume: Whether to; otherwise what it left is removed.

        Raises:
            InputError: When the file is of another run, or can't be read.
        """
        if not resume:
            self.remove()
            return Reached(key=self.key)
        try:
            if self.path.stat().st_size > _BYTES:
                raise InputError("what the earlier run left is no state", hint="run without --resume")
            found = decode(Reached, load_json(self.path.read_bytes(), depth=_DEPTH), DOCUMENT)
        except FileNotFoundError:
            return Reached(key=self.key)
        except (OSError, ParseError, ShapeError) as error:
            raise InputError("what the earlier run left can't be read", hint="run without --resume") from error
        if found.key != self.key:
            raise InputError(
                "what the earlier run left is of another model, other failures, prompts or settings",
                hint="run without --resume",
            )
        return found

    def keep(self, reached: Reached) -> None:
        """Write how far this run came.

        Raises:
            InputError: When the disk refuses.
        """
        data = json.dumps(encode(reached, DOCUMENT), allow_nan=False)
        try:
            atomic_write(self.path, data.encode("ascii"), mode=0o600)
        except OSError as error:
            raise InputError(f"the state of this run can't be written: {error.strerror}") from error

    def remove(self) -> None:
        """Forget it."""
        with suppress(FileNotFoundError):
            self.path.unlink()


def state_beside(out: Path, parts: Sequence[object]) -> State:
    """Give the file for a run whose result will be `out`.

    Args:
        out: Folder to be made.
        parts: Everything that the run hangs on, each with a telling `repr`.
    """
    digest = hashlib.sha256("\n".join(repr(part) for part in parts).encode("utf-8", "backslashreplace"))
    return State(path=out.parent / f".{out.name}.patch-state", key=digest.hexdigest())


def with_pass(reached: Reached, done: Pass) -> Reached:
    """Add a pass."""
    return replace(reached, passes=(*reached.passes, done))
