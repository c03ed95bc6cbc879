"""Where pickles end, and how much work they are."""

from __future__ import annotations

from gatekeeper.checks.files.formats import Format
from gatekeeper.checks.files.pickle_streams import LEGACY_STREAMS, legacy_length, split_streams, weigh
from tests.fuzz import laws, seeds
from tests.fuzz.targets.pickle_walk import TOKENS as TOKENS

SEEDS = seeds.of(Format.PICKLE, Format.TORCH_LEGACY)
_MOST = 1_000


def answer(data: bytes) -> tuple[object, ...]:
    return split_streams(data, LEGACY_STREAMS), weigh(data, _MOST), legacy_length(laws.Counted(data), len(data), _MOST)


def one_input(data: bytes) -> None:
    laws.same_twice(answer, data)
    streams = split_streams(data, LEGACY_STREAMS)
    at = 0
    for number, stream in enumerate(streams):
        if (
            stream.start != at
            or not at < stream.end <= len(data)
            or (not stream.complete and number + 1 < len(streams))
        ):
            raise laws.LawError("streams don't follow each other")
        at = stream.end
    if weigh(data, _MOST) > _MOST + 10 or legacy_length(laws.Counted(data), len(data), _MOST) > max(len(data), _MOST):
        raise laws.LawError("more than was asked for")
