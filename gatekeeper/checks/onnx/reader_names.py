"""What a name means where it is used: graphs inside graphs see outwards, functions do not."""

from __future__ import annotations

from collections.abc import Mapping

from gatekeeper.checks.onnx.graph import MISSING, Attribute
from gatekeeper.checks.onnx.trouble import GraphError
from gatekeeper.text import printable


class Names:
    """What names mean in one graph: its own values first, then those of the graphs around it.

    Args:
        around: The graph around it; None for the main graph and for functions, which see nothing but their inputs.
        given: Attributes of the function around it.
    """

    __slots__ = ("_around", "given", "own", "scope")

    def __init__(self, scope: int, around: Names | None, given: Mapping[str, Attribute]) -> None:
        self.own: dict[str, int] = {}
        self.scope = scope
        self.given = given
        self._around = around

    def number(self, name: str) -> int:
        """Give the value that a name means here; `MISSING` for an operand that is left out.

        Raises:
            GraphError: When nothing of that name is made or given.
        """
        if not name:
            return MISSING
        names: Names | None = self
        while names is not None:
            found = names.own.get(name)
            if found is not None:
                return found
            names = names._around
        raise GraphError(f"nothing makes the value {printable(str(name), 80)!r}")
