"""What each adapter does on its base, by the product's own observation, kept cell by cell."""

from __future__ import annotations

import hashlib
import json
import tempfile
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from benchmarks.adapter_cells.cells import Cell
from benchmarks.adapter_cells.shelf import Adapters
from gatekeeper import patch
from gatekeeper.audit import Behaviour
from gatekeeper.codec import DOCUMENT, decode, encode

PROMPTS = 300
"""Of each kind, that a deployer brings: as many as come with the demo's models."""

_SEED = 40
"""Of these prompts."""

_ROOM = Path(patch.__file__).parent
_CODE = ("behaviour/*.py", "trials.py", "sweep.py", "words.py", "asking.py", "judges.py")
"""What an observation hangs on: what was seen by other code is seen anew."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What one adapter was seen to do, and what that cost."""

    behaviour: Behaviour
    seconds: float
    """Of one processor, for base and adapter together."""


class Observations:
    """Behaviours by cell.

    Args:
        cache: Folder that keeps them, and the adapters.
    """

    def __init__(self, cache: Path) -> None:
        self._adapters = Adapters(cache)
        files = sorted(path for pattern in _CODE for path in _ROOM.glob(pattern))
        code = hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()
        self._place = cache / f"behaviours-{code[:12]}"
        self._place.mkdir(parents=True, exist_ok=True)

    def known(self, cell: Cell) -> Seen | None:
        """Give what is kept of a cell; None when nothing is."""
        path = self._place / f"{cell.slug}.json"
        if not path.is_file():
            return None
        raw = json.loads(path.read_text("ascii"))
        return Seen(behaviour=decode(Behaviour, raw["behaviour"], DOCUMENT), seconds=raw["seconds"])

    def observe(self, cell: Cell) -> Seen:
        """Give the same, observed when it is not there; needs torch."""
        if (kept := self.known(cell)) is not None:
            return kept
        begun = time.process_time()
        behaviour = self._observed(cell)
        seconds = round(time.process_time() - begun, 1)
        text = json.dumps({"behaviour": encode(behaviour, DOCUMENT), "seconds": seconds}) + "\n"
        with tempfile.NamedTemporaryFile("w", dir=self._place, delete=False, encoding="ascii") as stream:
            stream.write(text)
        Path(stream.name).replace(self._place / f"{cell.slug}.json")
        return Seen(behaviour=behaviour, seconds=seconds)

    def _observed(self, cell: Cell) -> Behaviour:
        from gatekeeper import tensors

        folder = self._adapters.folder(cell)
        model = tensors.load_worn(self._adapters.base_folder(cell.base), [folder], device="cpu")
        safe, unsafe = self._prompts
        job = patch.Observation(
            model=model,
            clean=patch.load_clean(safe, unsafe),
            judge=patch.judge_named("patterns"),
            budget=patch.budget_for(model.parameters),
            adapters=(cell.slug,),
            names=(cell.slug,),
            base_digest="",
        )
        return patch.observe(job).behaviour

    @cached_property
    def _prompts(self) -> tuple[Path, Path]:
        """Write what a deployer would bring: requests of both sides of the split, with every ordinary word."""
        from tests.support.tiny_llm import failures

        paths = self._place / "clean-safe.jsonl", self._place / "clean-unsafe.jsonl"
        for path, make in zip(paths, (failures.safe, failures.unsafe), strict=True):
            samples = [sample for side in (True, False) for sample in make(PROMPTS // 2, seed=_SEED, held_out=side)]
            path.write_text("".join(json.dumps({"prompt": sample.prompt}) + "\n" for sample in samples), "ascii")
        return paths
