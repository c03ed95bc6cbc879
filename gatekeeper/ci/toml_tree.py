"""TOML → a tree; lines are those in which a value stands after its key."""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from typing import Any

from gatekeeper.ci.tree import Mapping, Node, Scalar, Sequence, TreeError
from gatekeeper.limits import Limits
from gatekeeper.text import printable

_STRING = re.compile(r"\"((?:[^\"\\\n]|\\.)*+)\"|'([^'\n]*+)'")
_KEY = re.compile(r"[ \t]*([\w.\"'-]{1,200})[ \t]*=")


def document(text: str, limits: Limits) -> Node:
    """Read a document.

    Args:
        text: Of the file.
        limits: For depth.

    Raises:
        TreeError: When it is no TOML, or nests too deeply.
    """
    if max((line.count("[") + line.count("{") for line in text.split("\n")), default=0) > 10_000:
        raise TreeError("a line has more than 10,000 brackets")
    try:
        value = tomllib.loads(text.replace("\r\n", "\n"))
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        place = re.search(r"\(at line (\d{1,9}), column \d+\)$", str(error))
        raise TreeError(f"it is not TOML: {printable(str(error))}", int(place[1]) if place else 0) from error
    return _Lines(text).node(value, limits.json_depth)


class _Lines:
    """Finds the lines of strings: each is given to the first value of that text that asks, then to the next."""

    def __init__(self, text: str) -> None:
        self._places: dict[tuple[str, str], list[int]] = defaultdict(list)
        """By key and text, and by the text alone."""

        self._given: dict[tuple[str, str], int] = defaultdict(int)
        for number, line in enumerate(text.split("\n"), 1):
            key = _KEY.match(line)
            for found in _STRING.finditer(line):
                value = found[1] if found[1] is not None else found[2]
                self._places["", value].append(number)
                if key:
                    self._places[key[1].rsplit(".", 1)[-1].strip("\"'"), value].append(number)

    def node(self, value: Any, depth: int, key: str = "") -> Node:
        """Make the tree of a value."""
        if depth < 0:
            raise TreeError("nested too deeply (limit json_depth)")
        if isinstance(value, dict):
            pairs = [(str(name), self.node(each, depth - 1, str(name))) for name, each in value.items()]
            return Mapping(next((node.line for _, node in pairs), 0), pairs)
        if isinstance(value, list):
            members = [self.node(each, depth - 1, key) for each in value]
            return Sequence(next((node.line for node in members), 0), members)
        text = str(value).lower() if isinstance(value, bool) else str(value)
        return Scalar(text, self._line(key, text))

    def _line(self, key: str, text: str) -> int:
        place = (key, text) if (key, text) in self._places else ("", text)
        lines = self._places.get(place, [0])
        at = min(self._given[place], len(lines) - 1)
        self._given[place] += 1
        return lines[at]
