"""Rows of tokens of different lengths as batches: padded on the left, so that all answers end together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

_TOKENS = 4096
"""Tokens of one batch, padding included: large enough for matrices to pay, small enough for two cores' memory."""

_ROWS = 64


@dataclass(frozen=True, kw_only=True, slots=True)
class Padded:
    """A batch of rows."""

    indexes: tuple[int, ...]
    """Which rows of those given."""

    ids: torch.Tensor
    """Shape (rows, tokens), int64."""

    mask: torch.Tensor
    """The same shape: 1 where a token is, 0 where padding is."""

    positions: torch.Tensor
    """The same shape: of each token in its row, from 0."""


def pad(rows: Sequence[Sequence[int]], indexes: Sequence[int], filler: int, device: torch.device) -> Padded:
    """Make one batch of rows."""
    longest = max(len(row) for row in rows)
    ids = torch.full((len(rows), longest), filler, dtype=torch.long)
    mask = torch.zeros((len(rows), longest), dtype=torch.long)
    for number, row in enumerate(rows):
        ids[number, longest - len(row) :] = torch.tensor(row, dtype=torch.long)
        mask[number, longest - len(row) :] = 1
    positions = (mask.cumsum(dim=1) - 1).clamp(min=0)
    return Padded(indexes=tuple(indexes), ids=ids.to(device), mask=mask.to(device), positions=positions.to(device))


def batches(rows: Sequence[Sequence[int]], filler: int, device: torch.device) -> Iterator[Padded]:
    """Cut rows into batches of like lengths."""
    order = sorted(range(len(rows)), key=lambda index: len(rows[index]))
    while order:
        taken = 1
        # The last one taken is the longest, and all are padded to it.
        while taken < min(len(order), _ROWS) and (taken + 1) * len(rows[order[taken]]) <= _TOKENS:
            taken += 1
        some, order = order[:taken], order[taken:]
        yield pad([rows[index] for index in some], some, filler, device)
