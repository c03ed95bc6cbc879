"""A drawing of a finding as plain geometry: boxes in layers from left to right, wires around them.

Layers are by longest path, rows by the mean of what a box is fed from (Sugiyama, Tagawa and Toda, Methods for visual
understanding of hierarchical system structures, 1981). Wires over several layers keep a row of their own in each, so
that none runs behind a box. A document may come from anywhere: what makes no sense in it is left out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from gatekeeper.evidence import Box, Drawing, Wire

_BOXES, _WIRES = 60, 240
"""Most that is drawn."""

_WIDTH, _HEIGHT, _LANE = 140, 60, 18
"""Of a box, and the height of a wire that passes, in pixels."""

_ACROSS, _DOWN, _EDGE = 36, 16, 12
"""Free space between layers, between rows, and around."""

_ARROW = 7
_TONES: Mapping[str, str] = {
    "gate": "hot",
    "rewired": "hot",
    "decision": "warm",
    "collapse": "warm",
    "added": "warm",
    "input": "start",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class PlacedBox:
    """One box; measures in pixels."""

    x: float
    y: float
    width: int
    height: int
    box: Box
    tone: str
    """Class that colours it; its role says the same in words."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PlacedWire:
    """One wire."""

    path: str
    """As the `d` of an SVG path has it."""

    arrow: str
    """Corners of its head, as `points` of an SVG polygon has them."""

    indirect: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """A drawing with its measures in pixels."""

    width: float
    height: float
    boxes: tuple[PlacedBox, ...]
    wires: tuple[PlacedWire, ...]
    more: int
    """Boxes that are left out."""


Slot = tuple[int, int]
"""A box (its index, -1), or a wire that passes a layer (index of the wire, the layer)."""


def lay_out(drawing: Drawing) -> Layout:
    """Place the boxes and wires of a drawing."""
    boxes = drawing.boxes[:_BOXES]
    wires = [wire for wire in drawing.wires if 0 <= wire.source < wire.target < len(boxes)][:_WIRES]
    layer = _layers(len(boxes), wires)
    slots = _slots(layer, wires)
    fed = _fed(slots, layer, wires)
    places: dict[Slot, tuple[float, float]] = {}
    bottom = float(_HEIGHT)
    for at in range(len(slots)):
        y = float(_EDGE)
        for slot in _ordered(slots[at], fed, places):
            height = _HEIGHT if slot[1] < 0 else _LANE
            places[slot] = _EDGE + at * (_WIDTH + _ACROSS), y + height / 2
            y += height + _DOWN
        bottom = max(bottom, y - _DOWN)
    return Layout(
        width=2 * _EDGE + len(slots) * (_WIDTH + _ACROSS) - _ACROSS if slots else 2 * _EDGE,
        height=bottom + _EDGE,
        boxes=tuple(_placed(box, *places[at, -1]) for at, box in enumerate(boxes)),
        wires=tuple(_wire(at, wire, layer, places) for at, wire in enumerate(wires)),
        more=len(drawing.boxes) - len(boxes),
    )


def _layers(count: int, wires: Sequence[Wire]) -> list[int]:
    """Give each box its layer: behind all that feeds it, and as near as can be to what it feeds."""
    layer = [0] * count
    readers: dict[int, list[int]] = defaultdict(list)
    for wire in sorted(wires, key=lambda wire: wire.target):
        layer[wire.target] = max(layer[wire.target], layer[wire.source] + 1)
        readers[wire.source].append(wire.target)
    for box in reversed(range(count)):
        if readers[box]:
            layer[box] = min(layer[reader] for reader in readers[box]) - 1
    return layer


def _slots(layer: Sequence[int], wires: Sequence[Wire]) -> list[list[Slot]]:
    """Give what stands in each layer: boxes, and wires that pass."""
    slots: list[list[Slot]] = [[] for _ in range(max(layer, default=-1) + 1)]
    for box, at in enumerate(layer):
        slots[at].append((box, -1))
    for number, wire in enumerate(wires):
        for at in range(layer[wire.source] + 1, layer[wire.target]):
            slots[at].append((number, at))
    return slots


def _fed(slots: Sequence[Sequence[Slot]], layer: Sequence[int], wires: Sequence[Wire]) -> Mapping[Slot, list[Slot]]:
    """Give what stands one layer before each slot and leads to it."""
    fed: dict[Slot, list[Slot]] = {slot: [] for each in slots for slot in each}
    for number, wire in enumerate(wires):
        way = _way(number, wire, layer)
        for before, after in pairwise(way):
            fed[after].append(before)
    return fed


def _way(number: int, wire: Wire, layer: Sequence[int]) -> list[Slot]:
    passed = ((number, at) for at in range(layer[wire.source] + 1, layer[wire.target]))
    return [(wire.source, -1), *passed, (wire.target, -1)]


def _ordered(
    slots: Sequence[Slot], fed: Mapping[Slot, list[Slot]], places: Mapping[Slot, tuple[float, float]]
) -> list[Slot]:
    def height(slot: Slot) -> float:
        heights = [places[before][1] for before in fed[slot]]
        return sum(heights) / len(heights) if heights else float("inf")

    return sorted(slots, key=height)


def _placed(box: Box, x: float, middle: float) -> PlacedBox:
    tone = _TONES.get(box.role, "plain")
    return PlacedBox(x=x, y=middle - _HEIGHT / 2, width=_WIDTH, height=_HEIGHT, box=box, tone=tone)


def _wire(number: int, wire: Wire, layer: Sequence[int], places: Mapping[Slot, tuple[float, float]]) -> PlacedWire:
    points = list(_points(_way(number, wire, layer), places))
    (x, y), path = points[0], [f"M{points[0][0]:g} {points[0][1]:g}"]
    for to_x, to_y in points[1:]:
        half = (x + to_x) / 2
        path.append(f"C{half:g} {y:g} {half:g} {to_y:g} {to_x:g} {to_y:g}")
        x, y = to_x, to_y
    arrow = f"{x + _ARROW:g},{y:g} {x:g},{y - _ARROW / 2:g} {x:g},{y + _ARROW / 2:g}"
    return PlacedWire(path=" ".join(path), arrow=arrow, indirect=wire.indirect)


def _points(way: Sequence[Slot], places: Mapping[Slot, tuple[float, float]]) -> Iterator[tuple[float, float]]:
    for at, slot in enumerate(way):
        x, y = places[slot]
        if at:
            yield x - (_ARROW if at == len(way) - 1 else 0), y
        if at < len(way) - 1:
            yield x + _WIDTH, y
