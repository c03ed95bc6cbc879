"""joblib files: arrays in the middle of pickles."""

from __future__ import annotations

from gatekeeper.checks.files.joblib_streams import joblib_streams
from tests.fuzz import laws, seeds
from tests.fuzz.targets.pickle_walk import TOKENS as TOKENS

SEEDS = seeds.named(".joblib", ".pkl")


def answer(data: bytes) -> list[bytes] | str:
    try:
        return joblib_streams(data)
    except ValueError as error:
        return str(error)


def one_input(data: bytes) -> None:
    streams = laws.same_twice(answer, data)
    if isinstance(streams, list) and sum(map(len, streams)) > 2 * len(data):
        raise laws.LawError("there is more in the streams than in the file")
