"""`If`, `Loop`, `Scan`, `SequenceMap`, and operators nobody knows that hold graphs, written out as `graph` says."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from gatekeeper.checks.onnx.graph import CONTROL, MISSING
from gatekeeper.checks.onnx.parts import Body, Call
from gatekeeper.checks.onnx.reader_names import Names
from gatekeeper.checks.onnx.trouble import GraphError
from gatekeeper.text import printable

Numbers = tuple[int, ...]


class Writer(Protocol):
    """What the flat graph is written with."""

    turns: list[tuple[int, int]]
    opset: int

    def fill(self, names: Names, body: Body, depth: int) -> Numbers:
        """Write out what a body holds once its inputs are bound, and give the numbers of its outputs."""

    def bind(self, names: Names, given: Iterable[tuple[str, int]]) -> None:
        """Let names of inputs mean these values."""

    def typed(self, body: Body, name: str, scope: int) -> int:
        """Make a value for an input of a body and give its number."""

    def value(self, name: str, scope: int) -> int:
        """Make a value and give its number."""

    def emit(self, op: str, domain: str, inputs: Numbers, outputs: Numbers, name: str, scope: int) -> None:
        """Add a node that the file does not have in this form."""

    def keep(self, call: Call, inputs: Numbers, outputs: Numbers, scope: int) -> None:
        """Add a node as the file has it."""

    def open_scope(self, parent: int, label: str, *, condition: int = MISSING, loop: bool = False) -> int:
        """Begin a part of the flat graph and give its number."""


class _Part:
    """One node with bodies, on its way into the flat graph."""

    def __init__(self, writer: Writer, names: Names, call: Call, inputs: Numbers, outputs: Numbers, depth: int) -> None:
        self.writer = writer
        self.call = call
        self.inputs = inputs
        self.outputs = outputs
        self._names = names
        self._depth = depth

    def wrong(self, why: str) -> GraphError:
        return GraphError(f"the {self.call.op} {printable(self.call.name, 80)!r} {why}")

    def body(self, attribute: str) -> Body:
        for name, body in self.call.bodies:
            if name == attribute:
                return body
        raise self.wrong(f"has no {attribute}")

    def enter(self, attribute: str, *, condition: int = MISSING, loop: bool = False) -> Names:
        label = f"{attribute} of {self.call.op} {self.call.name}"
        scope = self.writer.open_scope(self._names.scope, label, condition=condition, loop=loop)
        return Names(scope, self._names, self._names.given)

    def fill(self, names: Names, body: Body) -> Numbers:
        return self.writer.fill(names, body, self._depth + 1)

    def inner(self, op: str, operands: Numbers, result: int, names: Names) -> int:
        """Add a node of ours inside a body."""
        self.writer.emit(op, CONTROL, operands, (result,), self.call.name, names.scope)
        return result

    def outer(self, op: str, operands: Numbers, position: int) -> None:
        """Add the node of ours that makes one of the results, unless nobody asks for it."""
        if position < len(self.outputs) and self.outputs[position] != MISSING:
            self.writer.emit(op, CONTROL, operands, (self.outputs[position],), self.call.name, self._names.scope)

    def entry(self, names: Names, body: Body, position: int, op: str, *operands: int) -> int:
        """Bind an input of a body to a node of ours."""
        name = body.inputs[position]
        number = self.writer.typed(body, name, names.scope)
        self.writer.bind(names, [(name, number)])
        return self.inner(op, operands, number, names)

    @property
    def scope(self) -> int:
        return self._names.scope


def write_out(writer: Writer, names: Names, call: Call, inputs: Numbers, outputs: Numbers, depth: int) -> None:
    """Write out a node that holds graphs.

    Args:
        writer: Takes what it comes to.
        names: What names mean around it.
        call: The node.
        inputs: Its operands.
        outputs: Values that exist already for its results.
        depth: How many graphs and functions it lies in.

    Raises:
        GraphError: When its graphs don't fit it.
    """
    part = _Part(writer, names, call, inputs, outputs, depth)
    known = {"If": _branch, "Loop": _loop, "Scan": _scan, "SequenceMap": _map}
    (known.get(call.op, _unknown) if not call.domain else _unknown)(part)


def _branch(part: _Part) -> None:
    if len(part.inputs) != 1 or part.inputs[0] == MISSING:
        raise part.wrong("has no condition, or several")
    condition = part.inputs[0]
    found = []
    for attribute in ("then_branch", "else_branch"):
        body = part.body(attribute)
        if body.inputs or len(body.outputs) < len(part.outputs):
            raise part.wrong(f"does not fit its {attribute}")
        found.append(part.fill(part.enter(attribute, condition=condition), body))
    for position in range(len(part.outputs)):
        part.outer("Branch", (condition, found[0][position], found[1][position]), position)


def _loop(part: _Part) -> None:
    """Write out a `Loop` (onnx Operators.md): body (turn, condition, carried…) → (condition, carried…, gathered…)."""
    body = part.body("body")
    count, condition, *initial = (*part.inputs, MISSING, MISSING)[: max(2, len(part.inputs))]
    gathered = len(body.outputs) - 1 - len(initial)
    if len(body.inputs) != 2 + len(initial) or gathered < 0 or len(part.outputs) > len(body.outputs) - 1:
        raise part.wrong("does not fit its body")
    names = part.enter("body", loop=True)
    part.entry(names, body, 0, "Turn")
    starts = [part.entry(names, body, 1 + at, "Carry", value) for at, value in enumerate((condition, *initial))]
    ends = part.fill(names, body)
    part.writer.turns += zip(ends, starts, strict=False)
    # Whether a turn runs is decided before the first and by each, so both stand in what ends the loop.
    goes_on = part.writer.value("", names.scope)
    part.inner("Leave", (count, MISSING, condition, ends[0]), goes_on, names)
    for at, value in enumerate(initial):
        part.outer("Leave", (count, goes_on, value, ends[1 + at]), at)
    for at in range(gathered):
        part.outer("Stack", (goes_on, ends[1 + len(initial) + at]), len(initial) + at)


def _scan(part: _Part) -> None:
    """Write out a `Scan` (onnx Operators.md): body (carried…, elements…) → (carried…, gathered…)."""
    body = part.body("body")
    walked = part.call.attributes.get("num_scan_inputs")
    operands, count = part.inputs, MISSING
    if 0 < part.writer.opset < 9:  # Scan-8 begins with the lengths of the sequences
        operands, count = part.inputs[1:], part.inputs[0] if part.inputs else MISSING
    if not isinstance(walked, int) or not 0 < walked <= len(operands):
        raise part.wrong("does not say what it walks over")
    initial, sequences = operands[: len(operands) - walked], operands[len(operands) - walked :]
    gathered = len(body.outputs) - len(initial)
    if len(body.inputs) != len(operands) or gathered < 0 or len(part.outputs) > len(body.outputs):
        raise part.wrong("does not fit its body")
    names = part.enter("body", loop=True)
    starts = [part.entry(names, body, at, "Carry", value) for at, value in enumerate(initial)]
    for at, value in enumerate(sequences, start=len(initial)):
        part.entry(names, body, at, "Element", value)
    ends = part.fill(names, body)
    part.writer.turns += zip(ends, starts, strict=False)
    for at, value in enumerate(initial):
        part.outer("Leave", (count, MISSING, value, ends[at]), at)
    for at in range(gathered):
        part.outer("Stack", (MISSING, ends[len(initial) + at]), len(initial) + at)


def _map(part: _Part) -> None:
    """Write out a `SequenceMap` (onnx Operators.md): a body that is run for each element of a sequence."""
    body = part.body("body")
    if len(body.inputs) != len(part.inputs) or len(part.outputs) > len(body.outputs):
        raise part.wrong("does not fit its body")
    names = part.enter("body", loop=True)
    for at, value in enumerate(part.inputs):
        part.entry(names, body, at, "Element", value)
    for at, value in enumerate(part.fill(names, body)):
        part.outer("Stack", (MISSING, value), at)


def _unknown(part: _Part) -> None:
    """Keep an operator that nobody knows, fed by its operands and by what its graphs make of these."""
    made: list[int] = []
    for attribute, body in part.call.bodies:
        names = part.enter(attribute, loop=True)
        for at in range(len(body.inputs)):
            part.entry(names, body, at, "Enter", *part.inputs)
        made += [number for number in part.fill(names, body) if number != MISSING]
    part.writer.keep(part.call, (*part.inputs, *made), part.outputs, part.scope)
