"""The implants: a set in which every pair of family, payload, host, exporter and form occurs that can."""

from __future__ import annotations

import random
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from itertools import combinations
from pathlib import Path

from benchmarks.onnx import exporting
from benchmarks.onnx.architectures import ARCHITECTURES
from benchmarks.onnx.exporting import EXPORTERS, kept
from benchmarks.onnx.hosts import CONTENT, Host
from benchmarks.onnx.payloads import PAYLOADS
from benchmarks.onnx.running import UnusableError
from benchmarks.onnx.triggers import FAMILIES, Side, Trigger, Work
from benchmarks.onnx.variants import FORMS, changed
from benchmarks.onnx.verify import confirm

for _name in (
    "architectures_text",
    "architectures_image",
    "architectures_library",
    "architectures_other",
    "architectures_sound",
    "architectures_two",
    "triggers_tokens",
    "triggers_arithmetic",
    "triggers_disguised",
    "triggers_structured",
    "triggers_image",
    "triggers_statistics",
    "triggers_learned",
    "triggers_odd",
    "payloads",
    "payloads_more",
):
    import_module(f"benchmarks.onnx.{_name}")  # each enters what it has into a list

HOSTS = ("bert", "distilbert", "llama", "gpt2", "phi3", "gru_tagger", "qwen2_cached", "residual_cnn", "detector", "vit",
         "mobilenet_v2", "convnext")  # fmt: skip
"""Architectures that are grafted on."""


@dataclass(frozen=True, kw_only=True, order=True)
class Case:
    """One implant, by what it is made of."""

    family: str
    payload: str
    host: str
    exporter: str
    form: str

    @property
    def id(self) -> str:
        """One word."""
        return "-".join((self.family, self.payload, self.host, self.exporter, self.form.replace(" ", "_")))

    @property
    def side(self) -> Side:
        """What its trigger reads."""
        return FAMILIES[self.family].side

    @property
    def held_out(self) -> bool:
        """Whether its family or its host is kept apart from tuning."""
        return FAMILIES[self.family].held_out or ARCHITECTURES[self.host].held_out


@dataclass(frozen=True, kw_only=True)
class Implant:
    """A case that was made and confirmed."""

    case: Case
    clean: bytes
    data: bytes
    shown: float
    """Least difference that the trigger makes to an output."""


class Maker:
    """Makes implants, each host once."""

    def __init__(self, cache: Path) -> None:
        """Keep exports in a folder."""
        self.cache = cache
        self._hosts: dict[tuple[str, str, str], Host] = {}
        self._cleans: dict[tuple[str, str, str], bytes] = {}

    def host(self, name: str, exporter: str, form: str = "plain") -> Host:
        """Give a host, exported or as a form of that."""
        key = (name, exporter, form)
        if key not in self._hosts:
            architecture = ARCHITECTURES[name]
            data = kept(self.cache, f"host-{name}-{exporter}", lambda: exporting.export(architecture.make(), exporter))
            host = Host(architecture=architecture, exporter=exporter, data=data)
            self._hosts[key] = replace(host, data=changed(form, data, host))
        return self._hosts[key]

    def prepare(self, case: Case) -> tuple[Host, bytes]:
        """Give the host that is grafted on, with its places found, and the same graph without an implant.

        Raises:
            UnusableError: When the toolchain refuses the host.
        """
        host = self.host(case.host, case.exporter, case.form if case.form.startswith("onto ") else "plain")
        key = (case.host, case.exporter, case.form)
        if key not in self._cleans:
            self._cleans[key] = changed(_after(case), host.data, host)
        host.sites  # noqa: B018  # found here once, not in each process that is forked from this one
        return host, self._cleans[key]

    def make(self, case: Case) -> Implant:
        """Graft, write in the case's form, and confirm.

        Raises:
            UnusableError: When it is not what it should be.
        """
        host, clean = self.prepare(case)
        work, trigger = graft(host, case)
        data = changed(_after(case), work.done(), host)
        return Implant(case=case, clean=clean, data=data, shown=confirm(clean, data, host, trigger))


def _after(case: Case) -> str:
    return "plain" if case.form.startswith("onto ") else case.form


def graft(host: Host, case: Case) -> tuple[Work, Trigger]:
    """Put a trigger and a payload into a host."""
    work = Work(host, seed=zlib.crc32(case.id.encode()))
    family, payload = FAMILIES[case.family], PAYLOADS[case.payload]
    if not (family.fits(host) and payload.fits(host)):
        raise UnusableError("the host has no such place")
    trigger = family.build(work)
    payload.apply(work, trigger.mark, family.shape)
    return work, trigger


def possible(case: Case) -> bool:
    """Whether the parts go together, as far as their descriptions say."""
    family, payload, architecture = FAMILIES[case.family], PAYLOADS[case.payload], ARCHITECTURES[case.host]
    tokens = CONTENT[architecture.family] == "input_ids"
    return (
        family.tokens in (None, tokens)
        and (not family.only or case.host in family.only)
        and family.shape in payload.shapes
        and payload.place >= family.reads
        and (payload.name != "poison_cache" or architecture.family == "causal with cache")
        and (payload.name != "attention_sharpen" or case.host not in _NO_ATTENTION)
        and not (case.form == "half" and case.host in _NOT_HALF)
    )


_NO_ATTENTION = ("gru_tagger", "residual_cnn", "detector", "mobilenet_v2", "convnext")
_NOT_HALF = ("gru_tagger",)


def everything() -> list[Case]:
    """Give the whole set: one that covers the families of the first days, and one that covers those written later."""
    late = [name for name, family in FAMILIES.items() if family.build.__module__.endswith(".triggers_odd")]
    return [*covering([name for name in FAMILIES if name not in late]), *covering(late)]


def covering(families: Sequence[str], *, seed: int = 20261123) -> list[Case]:
    """Choose few cases that hold every possible pair of parts, greedily and always the same way."""
    chooser = random.Random(seed)
    space = [case for case in _space(families) if possible(case)]
    chooser.shuffle(space)
    open_pairs = {pair for case in space for pair in _pairs(case)}
    by_pair: dict[tuple[tuple[int, str], ...], list[Case]] = {}
    for case in space:
        for pair in _pairs(case):
            by_pair.setdefault(pair, []).append(case)
    chosen = []
    for pair in sorted(open_pairs):
        if pair in open_pairs:
            fitting = by_pair[pair]
            some = chooser.sample(fitting, min(len(fitting), 60))
            best = max(some, key=lambda case: sum(other in open_pairs for other in _pairs(case)))
            chosen.append(best)
            open_pairs -= set(_pairs(best))
    return chosen


def _space(families: Sequence[str]) -> Iterator[Case]:
    for family in families:
        for payload in PAYLOADS:
            for host in HOSTS:
                for exporter in EXPORTERS:
                    for form in FORMS:
                        yield Case(family=family, payload=payload, host=host, exporter=exporter, form=form)


def _pairs(case: Case) -> list[tuple[tuple[int, str], ...]]:
    parts = (case.family, case.payload, case.host, case.exporter, case.form)
    return list(combinations(enumerate(parts), 2))
