"""An order in which nodes can run, computed by what they are made of (Kahn 1962), not taken from the file."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from gatekeeper.checks.onnx.graph import Kind, Node, Value
from gatekeeper.checks.onnx.trouble import GraphError
from gatekeeper.text import printable


def ordered(values: Sequence[Value], nodes: list[Node]) -> list[Node]:
    """Give the nodes so that each stands after those that its operands come from; as they are, if they stand so.

    Raises:
        GraphError: When nodes go in a circle.
    """
    made = bytearray(value.kind is not Kind.COMPUTED for value in values)
    made.append(1)  # an operand that is left out has the number -1
    for node in nodes:
        for number in node.inputs:
            if not made[number]:
                return _sorted(values, nodes)
        for number in node.outputs:
            made[number] = 1
    return nodes


def _sorted(values: Sequence[Value], nodes: list[Node]) -> list[Node]:
    users: list[list[int]] = [[] for _ in values]
    waiting = [0] * len(nodes)
    for place, node in enumerate(nodes):
        for number in {each for each in node.inputs if each >= 0 and values[each].kind is Kind.COMPUTED}:
            users[number].append(place)
            waiting[place] += 1
    ready = deque(place for place, count in enumerate(waiting) if not count)
    found: list[Node] = []
    while ready:
        node = nodes[ready.popleft()]
        found.append(node)
        for number in node.outputs:
            for user in users[number] if number >= 0 else ():
                waiting[user] -= 1
                if not waiting[user]:
                    ready.append(user)
    if len(found) < len(nodes):
        stuck = nodes[next(place for place, count in enumerate(waiting) if count)]
        raise GraphError(f"nodes go in a circle, {printable(stuck.op, 60)} {printable(stuck.name, 80)!r} among them")
    return found
