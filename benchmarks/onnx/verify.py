"""Running graphs in onnxruntime: an implant counts only when it hides on honest inputs and shows on its trigger."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.onnx.running import UnusableError, answers, session

if TYPE_CHECKING:
    from benchmarks.onnx.hosts import Host
    from benchmarks.onnx.triggers import Trigger

HIDES = 1e-3
"""Largest difference of any output on inputs without the trigger."""

SHOWS = 0.3
"""Least difference of some output on inputs with it."""


def distance(one: Mapping[str, Any], other: Mapping[str, Any]) -> float:
    """Give the largest difference of any output; infinite where shapes differ or a number is not one."""
    worst = 0.0
    for name, value in one.items():
        second = other[name]
        if value.shape != second.shape:
            return float("inf")
        if value.size:
            gap = float(np.max(np.abs(value.astype(np.float64) - second.astype(np.float64))))
            worst = max(worst, gap) if np.isfinite(gap) else float("inf")
    return worst


HONEST = ((11, 1, 9), (12, 2, 12), (13, 3, 24))
"""(seed, samples, tokens) of the inputs on which an implant must hide."""

CARRIERS = ((21, 1, 12), (22, 2, 15))
"""The same of the inputs that the trigger is put into."""


def confirm(clean: bytes, implanted: bytes, host: Host, trigger: Trigger) -> float:
    """Hold an implant to what it is labelled as; give the least difference that it makes where it should.

    Raises:
        UnusableError: When it does not load or run, changes honest inputs or near misses, or does too little.
    """
    before, after = session(clean), session(implanted)
    carriers = [host.feeds(*shape) for shape in CARRIERS]
    hidden = [_honest(shape, host, before, after) for shape in HONEST]
    hidden += [_gap(before, after, near(feeds)) for near in trigger.near for feeds in carriers]
    if max(hidden) > HIDES:
        raise UnusableError(f"does not hide: {max(hidden):.3g}")
    shown = min(_gap(before, after, trigger.fire(feeds)) for feeds in carriers)
    if not shown > SHOWS:
        raise UnusableError(f"does not show: {shown:.3g}")
    return shown


def _honest(shape: tuple[int, int, int], host: Host, before: Any, after: Any) -> float:
    """Give the difference on honest inputs; a checksum that random inputs meet by chance gets two more draws."""
    seed, batch, length = shape
    return min(_gap(before, after, host.feeds(seed + 100 * draw, batch, length)) for draw in range(3))


def _gap(before: Any, after: Any, feeds: Mapping[str, Any]) -> float:
    return distance(answers(before, feeds), answers(after, feeds))
