"""Git, asked as a child process in a way that nothing of the repository can make run anything.

A repository that is looked at may be hostile, and so may be the environment that a hook hands on. No shell is used,
revisions are never options, no helper, hook, filter, pager or remote is reached, and what git writes is bounded.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, cast

from gatekeeper.errors import InputError, LimitError
from gatekeeper.limits import DEFAULT_LIMITS, Limits
from gatekeeper.text import printable

# System and user settings are the machine's owner's, and hold `safe.directory`; those of the repository are not, and
# whatever in them could run something is overruled here. Filters and textconv are never asked for.
_PIPE_BYTES = 1 << 20
"""Room for what git writes while we look at what it wrote before, where the system grants it."""

_OVERRULED = (
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.attributesFile=/dev/null",
    "core.untrackedCache=false",
    "diff.external=",
    "protocol.allow=never",
)
_ENVIRONMENT = {
    "GIT_ALLOW_PROTOCOL": "none",  # a partial clone would ask its remote, by whatever transport that names
    "GIT_GRAFT_FILE": "/dev/null",  # grafts would say what the history is, as replaced objects would
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}
_SAID = 2_000
"""Bytes of what git says about a failure that are looked at."""

FETCH_ALL = "with actions/checkout set `fetch-depth: 0`; elsewhere run `git fetch --unshallow`"


class Git:
    """One repository."""

    def __init__(self, folder: Path, limits: Limits = DEFAULT_LIMITS) -> None:
        """Find git and the repository.

        Args:
            folder: The repository's root, or a folder in it.
            limits: How long git may take and how much it may write.

        Raises:
            InputError: When there is no git, or no repository that it would read.
        """
        self._limits = limits
        self._folder = folder
        program = shutil.which("git")
        if program is None:
            raise InputError("git is not installed", hint="install git: what changed is read from the repository")
        self._program = program
        if not folder.is_dir():
            raise InputError(f"there is no folder {printable(str(folder))}", hint="name the root of a repository")
        told = self.text("rev-parse", "--is-shallow-repository", "--show-toplevel").split("\n", 1)
        self.root = Path(told[1])
        """The working tree's root."""

        self.shallow = told[0] == "true"
        """Whether the history was cut off when it was fetched."""

    def text(self, *arguments: str) -> str:
        """Give one line of what git answers."""
        return os.fsdecode(self.run(*arguments)).removesuffix("\n")

    def run(self, *arguments: str, accepted: Sequence[int] = (0,), given: bytes = b"") -> bytes:
        """Run git to its end.

        Args:
            arguments: The command and what it is told.
            accepted: Exit codes that are answers.
            given: For its standard input.

        Returns:
            What it wrote.

        Raises:
            InputError: When it fails, with what to do where that is known.
            LimitError: When it writes or takes more than the limits allow.
        """
        with self.talk(*arguments, accepted=accepted, given=given) as told:
            out = told.read(self._limits.diff_bytes + 1)
            if len(out) > self._limits.diff_bytes:
                raise LimitError(
                    f"git {arguments[0]} writes more than {self._limits.diff_bytes} bytes (limit diff_bytes)"
                )
        return out

    @contextmanager
    def talk(self, *arguments: str, accepted: Sequence[int] = (0,), given: bytes = b"") -> Iterator[IO[bytes]]:
        """Run git and give what it writes, as it writes it; all of it is to be read. Arguments and errors as for `run`.

        An `EOFError` of whoever reads means that git broke off.
        """
        with tempfile.TemporaryFile() as said, self._started(arguments, said) as child:
            feeder = threading.Thread(target=_feed, args=(child, given), daemon=True)
            feeder.start()
            broken = False
            try:
                yield cast(IO[bytes], child.stdout)
            except EOFError:
                broken = True
            code = child.wait()
            feeder.join()
            if broken or code not in accepted:
                raise self._explained(arguments[0], _read(said), code)

    @contextmanager
    def _started(self, arguments: Sequence[str], said: IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
        overruled = [part for setting in _OVERRULED for part in ("-c", setting)]
        command = [self._program, "--no-pager", "--literal-pathspecs", *overruled, *arguments]
        with subprocess.Popen(  # noqa: S603 - git itself, and nothing that was given is an option
            command,
            cwd=self._folder,
            env=_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            bufsize=_PIPE_BYTES,
            pipesize=_PIPE_BYTES,
        ) as child:
            timer = threading.Timer(self._limits.git_seconds, child.kill)
            timer.start()
            try:
                yield child
            except BaseException:
                child.kill()
                raise
            finally:
                timer.cancel()

    def _explained(self, command: str, said: str, code: int) -> InputError:
        lines = [line for line in said.splitlines() if line] or [f"it ended with {code}"]
        shown = printable(next((line for line in lines if line.startswith("fatal:")), lines[0]), 300)
        folder = printable(str(self._folder.absolute()))
        if "dubious ownership" in said:
            return InputError(
                f"git refuses to read {folder}: it belongs to another user",
                hint=f"when you trust it: git config --global --add safe.directory {folder}",
            )
        if "not a git repository" in said or "must be run in a work tree" in said:
            return InputError(f"{folder} is in no git repository", hint="check the code out, or name its root")
        if code < 0:
            return InputError(f"git {command} was ended after {self._limits.git_seconds:.0f} seconds", hint="try again")
        if any(words in said for words in ("unable to read", "bad object", "missing blob", "lazy fetch", "promisor")):
            return InputError(f"the repository lacks what git {command} needs: {shown}", hint=_PARTIAL)
        return InputError(f"git {command} failed: {shown}", hint="`git fsck` tells whether the repository is whole")


_PARTIAL = "it is a partial clone, or damaged: fetch it whole, without --filter"


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    index = os.environ.get("GIT_INDEX_FILE")
    if index:  # `git commit FILE` runs hooks on an index of its own
        kept["GIT_INDEX_FILE"] = str(Path(index).absolute())
    return kept | _ENVIRONMENT


def _feed(child: subprocess.Popen[bytes], given: bytes) -> None:
    with suppress(BrokenPipeError):
        if child.stdin:
            child.stdin.write(given)
            child.stdin.close()


def _read(said: IO[bytes]) -> str:
    said.seek(0)
    return said.read(_SAID).decode("utf-8", "replace")
