"""Shares with their intervals, as every table of figures prints them."""

from __future__ import annotations

import math


def wilson(hits: int, total: int) -> str:
    """Give a share with its 95 % interval (Wilson, 1927), in per cent."""
    if not total:
        return "-"
    z, share = 1.96, hits / total
    centre = (share + z * z / (2 * total)) / (1 + z * z / total)
    half = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total)) / (1 + z * z / total)
    low, high = max(0.0, centre - half), min(1.0, centre + half)
    return f"{hits}/{total} {100 * share:.1f} % [{100 * low:.1f}, {100 * high:.1f}]"
