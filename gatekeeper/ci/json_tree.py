"""JSON → a tree with lines. Comments and trailing commas are taken, as the tools that read such files take them."""

from __future__ import annotations

import json
import re

from gatekeeper.ci.tree import Mapping, Node, Scalar, Sequence, TreeError
from gatekeeper.limits import Limits

_TOKEN = re.compile(
    r"(?P<blank>[ \t\r\n,]+|//[^\n]*+|/\*(?:[^*]|\*(?!/))*+\*/)|(?P<string>\"(?:[^\"\\\n]|\\.)*+\")"
    r"|(?P<mark>[\[\]{}:])|(?P<word>[^\s,\[\]{}:\"/]++)"
)


def document(text: str, limits: Limits) -> Node:
    """Read a document.

    Args:
        text: Of the file.
        limits: For depth and the number of values.

    Raises:
        TreeError: When it is no JSON, nests too deeply, or has too many values.
    """
    holder = Sequence(1)
    opened: list[Mapping | Sequence] = [holder]
    keys: list[str | None] = [None]
    line, at, count = 1, 0, 0
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            raise TreeError("it is not JSON", line)
        at, piece, kind = token.end(), token[0], token.lastgroup
        if kind != "blank" and piece not in "]}:":
            count += 1
            if count > limits.json_values:
                raise TreeError(f"more than {limits.json_values} values (limit json_values)", line)
            node: Node = Mapping(line) if piece == "{" else Sequence(line) if piece == "[" else _scalar(piece, line)
            above = opened[-1]
            if isinstance(above, Mapping) and keys[-1] is None:
                if not isinstance(node, Scalar):
                    raise TreeError("it is not JSON", line)
                keys[-1] = node.text
                continue
            if isinstance(above, Mapping):
                above.pairs.append((keys[-1] or "", node))
                keys[-1] = None
            else:
                above.members.append(node)
            if not isinstance(node, Scalar):
                opened.append(node)
                keys.append(None)
                if len(opened) > limits.json_depth:
                    raise TreeError(f"nested deeper than {limits.json_depth} (limit json_depth)", line)
        elif piece in {"]", "}"}:
            if len(opened) == 1 or isinstance(opened[-1], Mapping) != (piece == "}"):
                raise TreeError("it is not JSON", line)
            opened.pop()
            keys.pop()
        line += piece.count("\n")
    if len(opened) > 1:
        raise TreeError("it is not JSON: it ends too early", line)
    return holder.members[0] if len(holder.members) == 1 else holder


def _scalar(piece: str, line: int) -> Scalar:
    if not piece.startswith('"'):
        return Scalar("" if piece == "null" else piece, line)
    try:
        return Scalar(str(json.loads(piece, strict=False)), line)
    except ValueError:  # an escape that JSON has not
        return Scalar(piece[1:-1], line)
