"""What every extractor is: one kind of file in, mentions out."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import lru_cache
from json import detect_encoding
from posixpath import splitext
from typing import Protocol

from gatekeeper.limits import Limits
from gatekeeper.mention import Mention


class Extractor(Protocol):
    """Reads one kind of file."""

    def takes(self, path: str) -> bool:
        """Whether it reads files of this name, which may have folders before it."""
        ...

    def extract(self, data: bytes, path: str, limits: Limits) -> Iterator[Mention]:
        """Find every mention in a file; `Mention.path` is filled in by whoever asks.

        Args:
            data: The whole file, bounded.
            path: Its name; of `local` files it is the name of the model.
            limits: For nesting and sizes.

        A file that can't be read gives a mention that says why, never an error.
        """
        ...


@lru_cache(maxsize=256)
def file_name(path: str) -> str:
    """Give the last part of a path, in lower case."""
    return path.rpartition("/")[2].lower()


@lru_cache(maxsize=256)  # each kind of file asks
def ending(path: str) -> str:
    """Give the ending of a path, in lower case, with the dot."""
    return splitext(file_name(path))[1]


def matches(path: str, glob: str) -> bool:
    """Whether a glob fits a whole path, or, without a slash, its last part; `*` goes over slashes."""
    return fnmatchcase(path, glob) or fnmatchcase(path, f"*/{glob}")


def is_wide(data: bytes) -> bool:
    """Whether it is a text in UTF-16 or UTF-32."""
    return b"\0" in data[:4] or data.startswith((b"\xff\xfe", b"\xfe\xff"))


def as_text(data: bytes) -> str:
    """Read bytes as text, whatever they are: what is not UTF-8 names no model, and the rest still counts.

    Editors on Windows save scripts as UTF-16 with a mark at the start; without a mark, the zeros among the first
    letters tell (RFC 4627, section 3).
    """
    if is_wide(data):
        return data.decode(detect_encoding(data), "replace")
    return data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace")
