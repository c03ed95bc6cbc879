"""Whether a merged model answers as the adapter on its base does: logits after the same prompts, from the files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gatekeeper.merge import LogitsCheck
from gatekeeper.progress import SILENT, Progress
from gatekeeper.tensors.language import Prompt
from gatekeeper.tensors.loading import load, load_worn

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_FLOOR = 1e-3
"""Divergence that rounding to sixteen bits may make where an adapter does hardly anything, nats a token."""

_SHARE = 0.05
"""Most divergence as a share of what the adapter does: of a merge without it, it would be 1."""

_LARGE = 8 << 30
"""Bytes of weights from which on bfloat16 is taken, since twice of that has to fit into memory."""


def compare(
    base: Path, adapter: Path, merged: Path, prompts: Sequence[Prompt], *,
    device: str = "auto", progress: Progress = SILENT,
) -> LogitsCheck:  # fmt: skip
    """Compare a merged model with the adapter on its base; they are in memory one after the other.

    Args:
        base: Folder of the base.
        adapter: Folder of the adapter, which PEFT reads by its own configuration.
        merged: Folder that was made.
        prompts: At least one.
        device: `auto`, `cpu`, `cuda` or `cuda:N`.
        progress: Told of the steps.

    Raises:
        InputError: When one can't be loaded.
    """
    size = sum(file.stat().st_size for file in merged.glob("*.safetensors"))
    dtype = "float32" if size < _LARGE else "bfloat16"
    worn = load_worn(base, [adapter], device=device, dtype=dtype, progress=progress)
    wanted = worn.next_token(prompts)
    with worn.frozen():
        before = worn.next_token(prompts)
    del worn
    after = load(merged, device=device, dtype=dtype, progress=progress).next_token(prompts)
    effect = _divergence(wanted, before)
    # Sixteen bits round a small change away in part; what is left has to be far nearer to the adapter than the base.
    return LogitsCheck(
        prompts=len(prompts),
        divergence=_divergence(wanted, after),
        effect=effect,
        agreeing=int((wanted.argmax(axis=1) == after.argmax(axis=1)).sum()),
        limit=max(_FLOOR, _SHARE * effect),
    )


def _divergence(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    import numpy as np

    wide, told = one.astype(np.float64), other.astype(np.float64)
    return float((np.exp(wide) * (wide - told)).sum(axis=1).mean())
