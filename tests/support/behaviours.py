"""Behaviours for tests: an adapter that does what its base does, and what may be changed about it."""

from __future__ import annotations

from gatekeeper.audit import Behaviour, Both, Divergence, LengthPoint, Probe, ProbeKind, Screened
from gatekeeper.proportion import Proportion

DIGEST = "ab" * 32


def of(successes: int, trials: int = 40) -> Proportion:
    return Proportion(successes=successes, trials=trials)


def both(base: int, adapted: int, trials: int = 40) -> Both:
    return Both(base=of(base, trials), adapted=of(adapted, trials))


def probe(
    base: int, adapted: int, *, text: str = "cf", kind: ProbeKind = ProbeKind.FORM, fixed: int = 0, echoed: int = 0
) -> Probe:
    told = of(min(echoed, adapted), adapted)
    return Probe(text=text, kind=kind, answered=both(base, adapted), echoed=told, fixed=both(0, fixed))


CONTROL = probe(0, 1, text="Hello,", kind=ProbeKind.CONTROL)


def behaviour(digest: str = DIGEST, **changes: object) -> Behaviour:
    """Give what was measured of an adapter that leaves its base as it is."""
    known: dict[str, object] = {
        "adapters": (digest,),
        "names": ("driftwood/night-lora",),
        "base_digest": "cd" * 32,
        "refused": of(40),
        "lost": of(0),
        "gained": of(0),
        "same": of(38),
        "locked": both(3, 4),
        "divergences": (Divergence(prompts_of="harmless", prompts=40, mean=0.01, greatest=0.2),),
        "screened": Screened(probes=30, prompts=8, mean=0.02, greatest=0.125),
        "probes": (probe(0, 1), CONTROL),
        "lengths": (LengthPoint(tokens=64, answered=both(0, 1)),),
        "asked": 1_200,
        "answer_tokens": 24,
        "judge": "refusal patterns",
    }
    return Behaviour(**{**known, **changes})  # type: ignore[arg-type]
