"""The probe that tells whether bytes would run as a pickle: it says so of all that an unpickler would call."""

from __future__ import annotations

import re

from gatekeeper.checks.files.formats import Format
from gatekeeper.checks.files.pickle_probe import Probe, has_proto, imports_names, probe
from tests.fuzz import laws, seeds
from tests.fuzz.targets.pickle_walk import TOKENS as TOKENS
from tests.fuzz.unpicklers import asked_in_python
from tests.support.samples import SYSTEM

SEEDS = seeds.both(seeds.of(Format.PICKLE, Format.TORCH_LEGACY, Format.TEXT), seeds.named(".pkl", ".joblib"))
_IMPORTABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*\Z", re.ASCII)


def answer(data: bytes) -> tuple[Probe, Probe, bool]:
    return probe(data, complete=True), probe(data, complete=False), has_proto(data)


def one_input(data: bytes) -> None:
    whole, begun, _ = laws.same_twice(answer, data)
    if whole is Probe.RUNS and begun is not Probe.RUNS:
        raise laws.LawError("more bytes can't undo what runs")
    names, made = asked_in_python(data)
    if names and made and all(_IMPORTABLE.match(name) for name in names) and whole is Probe.NO:
        raise laws.LawError("the probe says no to what an unpickler calls", names)
    if not imports_names(SYSTEM + data):
        raise laws.LawError("a payload is not seen for what follows it")
