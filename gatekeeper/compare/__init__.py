"""Two artifacts → what changed between them, in words: read before somebody moves a pin.

    comparison = compare(old, new, limits)
    for line in comparison.words():
        print(line)

It decides nothing: the gate judges the newer commit by itself.
"""

from __future__ import annotations

from gatekeeper.compare.comparing import compare
from gatekeeper.comparison import Attention, Change, ChangeKind, Comparison, Topic

__all__ = ["Attention", "Change", "ChangeKind", "Comparison", "Topic", "compare"]
