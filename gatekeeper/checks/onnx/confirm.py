"""What runs in a confined child: the detectors behind a graph's suspicions, each by itself, in onnxruntime.

A detector is a dormant circuit: on ordinary inputs its gate rests at one value. Whether it is a detector shows when an
input made of its own constants moves the gate (unused circuits: Hicks et al., IEEE S&P 2010; FANCI: Waksman et al.,
CCS 2013). The search goes on from any input that moves a narrow wire further in, so conditions that are joined by
`And` are met one after the other.
"""

from __future__ import annotations

import gc
import importlib
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from gatekeeper.checks.onnx.answers import to_data
from gatekeeper.checks.onnx.child import Reading
from gatekeeper.checks.onnx.cone import Cones
from gatekeeper.checks.onnx.confirm_cut import Cut, cut, wire_name
from gatekeeper.checks.onnx.confirm_inputs import Feed, Inputs, slots_of
from gatekeeper.checks.onnx.confirm_words import words_of
from gatekeeper.checks.onnx.confirmation import Confirmation
from gatekeeper.checks.onnx.graph import Graph
from gatekeeper.checks.onnx.taint import Meeting, Taint
from gatekeeper.checks.onnx.tracing import trace
from gatekeeper.checks.onnx.triggers import LEARNED_KINDS, judged
from gatekeeper.checks.onnx.trouble import GraphError
from gatekeeper.limits import DEFAULT_LIMITS, Limits

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

_ROUNDS = 6
"""How often all changes are tried, from where the last round came to."""

_MORE_ROUNDS = 125
"""Rounds of further ordinary inputs, a dozen each: a checksum of three digits opens on some of them."""

_NARROW = 3
"""Values on all ordinary inputs that a wire has at most when it counts as narrow."""

_DIGITS = 6
_LARGEST = 1e200
"""Wires are told apart up to this size; sums of larger numbers overflow."""

_SHOWN_NUMBERS = 24
_SHOWN_NAME = 60
_SINGLE_CHANGES = 64
"""Changed elements of an input that are taken back one by one, at most."""

_QUIET = 4
"""onnxruntime's level of messages: only what ends the process."""

Sign = tuple[float, float, float]
"""Smallest, largest and mean element of a wire; what tells its values apart whatever their size."""


def confirm(request: bytes, answer: Callable[[bytes], None]) -> None:
    """Say one line of JSON, a list with a `Confirmation` for each suspicion.

    Args:
        request: A line of JSON with `limits` and `mark`, then the model, as `child.analyse` takes it.
        answer: Takes the line.
    """
    gc.disable()  # everything that is made stays until the process ends
    head, _, data = request.partition(b"\n")
    asked = json.loads(head)
    limits = Limits(**asked["limits"])
    found = confirmations(Reading(data, asked["mark"], limits).graph, limits)
    answer(json.dumps(to_data(found)).encode() + b"\n")


def confirmations(graph: Graph, limits: Limits = DEFAULT_LIMITS) -> tuple[Confirmation, ...]:
    """Run the detectors behind the suspicions of a graph.

    Args:
        graph: As `read_graph` gives it.
        limits: `onnx_confirm_runs` bounds the inputs that are run for one detector.

    Returns:
        One for each of `suspicions`, in their order.
    """
    taint = trace(graph)
    cones = Cones(taint)
    found = []
    for index, (meeting, suspicion) in enumerate(judged(taint)):
        if suspicion.kind in LEARNED_KINDS:
            found.append(Confirmation(suspicion=index, untried="it reads trained layers, so it can't run without them"))
        else:
            found.append(_confirmed(index, taint, cones, meeting, limits))
    return tuple(found)


def _confirmed(index: int, taint: Taint, cones: Cones, meeting: Meeting, limits: Limits) -> Confirmation:
    detector = cut(taint, cones, meeting)
    if detector is None:
        return Confirmation(
            suspicion=index, untried="it needs a loop, an operator or a constant that can't be run apart"
        )
    try:
        return _Trial(index, taint, detector, limits).run()
    except GraphError as error:
        return Confirmation(suspicion=index, untried=str(error))


class _Trial:
    """Runs one detector."""

    def __init__(self, index: int, taint: Taint, detector: Cut, limits: Limits) -> None:
        self._index = index
        self._graph = taint.graph
        self._cut = detector
        self._session = session(detector.model)
        self._left = limits.onnx_confirm_runs
        self._tried = 0
        slots = slots_of(taint, detector.inputs)
        plain = Inputs(slots, words_of(taint.graph, detector.nodes))
        self._inputs = Inputs(slots, words_of(taint.graph, detector.nodes, self._computed(taint, plain)))
        self._seen: dict[int, set[Sign]] = {value: set() for value in detector.wires}

    def run(self) -> Confirmation:
        """Run ordinary inputs, then look for one that moves the gate.

        Raises:
            GraphError: When no ordinary input runs.
        """
        start, ordinary = None, 0
        for feed in self._inputs.ordinary():
            signs = self._signs(feed)
            if signs is None:
                continue
            start = feed if start is None else start
            ordinary += 1
            for value, sign in signs.items():
                self._seen[value].add(sign)
        if start is None:
            raise GraphError("it takes none of the inputs that were made up")
        resting = self._resting()
        self._tried = 0
        witness = self._search(start, resting) if resting else None
        return Confirmation(
            suspicion=self._index,
            fires=witness is not None,
            ordinary=ordinary,
            tried=self._tried,
            witness=self._shown(self._smallest(witness, start, resting)) if witness else "",
        )

    def _computed(self, taint: Taint, inputs: Inputs) -> list[Array]:
        """Give what the detector makes of constants alone: a trigger need not stand in the file."""
        fixed = [wire_name(value) for value in self._cut.wires if not taint.level(value)]
        given = self._given(next(inputs.ordinary()), fixed) if fixed else None
        return [np.asarray(array) for array in given or ()]

    def _resting(self) -> dict[int, Sign]:
        """Give the gate, or the decisions nearest to it, that never moved, and where they rest."""
        for gates in self._cut.gates:
            rest = {gate: sign for gate in gates for sign in self._seen[gate] if len(self._seen[gate]) == 1}
            if rest:
                return rest
        return {}

    def _search(self, start: Feed, rest: dict[int, Sign]) -> Feed | None:
        narrow = [value for value in self._cut.wires if len(self._seen[value]) <= _NARROW]
        for feed in self._inputs.lengths():
            if self._moved(feed, rest, narrow)[0]:
                return feed
        current = start
        for _ in range(_ROUNDS):
            before = current
            for value, place, words in self._inputs.changed(current):
                if self._left <= 0:
                    return None
                changed = current[value].copy()
                changed[place] = words
                feed = {**current, value: changed}
                fired, fresh = self._moved(feed, rest, narrow)
                if fired:
                    return feed
                if fresh:
                    current = feed
            if current is before:
                break
        for feed in self._inputs.ordinary(_MORE_ROUNDS):
            if self._left <= 0:
                return None
            if self._moved(feed, rest, narrow)[0]:
                return feed
        return None

    def _smallest(self, fires: Feed, start: Feed, rest: dict[int, Sign]) -> Feed:
        """Take back every change of a single element that the gate does without."""
        for value, array in fires.items():
            usual = start[value]
            changed = np.argwhere(array != usual) if array.shape == usual.shape else np.empty((0, 0), int)
            for place in changed.tolist() if len(changed) <= _SINGLE_CHANGES else ():
                back = fires[value].copy()
                back[tuple(place)] = usual[tuple(place)]
                fewer = {**fires, value: back}
                signs = self._signs(fewer)
                if signs is not None and any(signs[gate] != sign for gate, sign in rest.items()):
                    fires = fewer
        return fires

    def _moved(self, feed: Feed, rest: dict[int, Sign], narrow: list[int]) -> tuple[bool, bool]:
        """Say whether a gate moved, and whether some narrow wire has a value that it never had."""
        signs = self._signs(feed)
        if signs is None:
            return False, False
        fresh = False
        for value in narrow:
            if signs[value] not in self._seen[value]:
                self._seen[value].add(signs[value])
                fresh = True
        return any(signs[gate] != sign for gate, sign in rest.items()), fresh

    def _signs(self, feed: Feed) -> dict[int, Sign] | None:
        """Run one input; None when the detector does not take it."""
        given = self._given(feed, None)
        return given and {value: _sign(array) for value, array in zip(self._cut.wires, given, strict=True)}

    def _given(self, feed: Feed, wires: list[str] | None) -> Any:
        self._left -= 1
        self._tried += 1
        try:
            return self._session.run(wires, {wire_name(value): array for value, array in feed.items()})
        except Exception:  # onnxruntime's errors share no other base; an input that fails tells nothing
            return None

    def _shown(self, feed: Feed) -> str:
        return "; ".join(self._described(value, array) for value, array in feed.items())

    def _described(self, value: int, array: Array) -> str:
        flat = array.reshape(-1)[:_SHOWN_NUMBERS].tolist()
        numbers = ", ".join(f"{item:.4g}" if isinstance(item, float) else str(item)[:_SHOWN_NAME] for item in flat)
        more = ", …" if array.size > _SHOWN_NUMBERS else ""
        name = self._graph.values[value].name[:_SHOWN_NAME]
        return f"{name} {' by '.join(map(str, array.shape)) or 'one number'}: {numbers}{more}"


def session(model: bytes) -> Any:
    """Load a model with one thread, as it stands, without chatter.

    Raises:
        GraphError: When onnxruntime refuses it.
    """
    runtime = importlib.import_module("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = _QUIET
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.enable_cpu_mem_arena = False
    try:
        return runtime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # see `_signs`
        raise GraphError("onnxruntime does not take it") from error


def _sign(given: Any) -> Sign:
    array = np.asarray(given)
    if not array.size:
        return (0.0, 0.0, -1.0)
    if array.dtype.kind not in "biuf":
        return (float(len(set(map(str, array.reshape(-1)[:_SHOWN_NUMBERS].tolist())))), 0.0, 0.0)
    numbers = np.clip(np.nan_to_num(array.astype(np.float64)), -_LARGEST, _LARGEST)
    return (_rounded(numbers.min()), _rounded(numbers.max()), _rounded(numbers.mean()))


def _rounded(number: float) -> float:
    return float(f"{number:.{_DIGITS}g}")
