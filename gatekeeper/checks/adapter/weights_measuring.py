"""One adapter as statistics see it: every module's spectrum, and what could not be measured."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gatekeeper.checks.adapter.layout import Adapter, Method, Module, Part
from gatekeeper.checks.adapter.population_judging import Sample, shapes_of
from gatekeeper.checks.adapter.spectra import Spectrum, UnmeasurableError, spectrum
from gatekeeper.checks.adapter.spectra_profile import AdapterProfile, ModuleProfile, features, profile
from gatekeeper.checks.adapter.values import UnreadableError, read_factors
from gatekeeper.errors import LimitError
from gatekeeper.limits import DEFAULT_LIMITS, Limits
from gatekeeper.progress import Advance
from gatekeeper.text import plural, printable

_PRODUCTS = frozenset({Method.LORA, Method.DORA, Method.ADALORA})
_FACTORS = frozenset({Part.A, Part.B, Part.E, Part.RANKNUM, Part.MAGNITUDE, Part.EMBEDDING_A, Part.EMBEDDING_B,
                      Part.ALPHA})  # fmt: skip
_NAMED = 3
"""Things of one kind that are named; the others are counted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """What was measured of one adapter."""

    adapter: Adapter
    profile: AdapterProfile
    unmeasured: tuple[str, ...] = ()
    """Modules that could not be measured, and why: a few printable words each. What is known is then not the whole."""

    beside: tuple[str, ...] = ()
    """What the adapter changes by other means than factors, the same."""

    work: int = 0
    """Multiplications that were spent, about; to be counted against `adapter_work`."""

    @property
    def left_out(self) -> tuple[str, ...]:
        """Everything that it changes and nothing here measures."""
        return (*self.unmeasured, *self.beside)

    def sample(self, *, name: str, digest: str) -> Sample:
        """Give what a population has to know.

        Args:
            name: What to call the adapter.
            digest: Of the artifact, hexadecimal.
        """
        config, modules = self.adapter.config, self.adapter.modules
        return Sample(
            name=name,
            digest=digest,
            base=config.base if config else "",
            # An adapter that works by another method is of another kind, whatever its shapes.
            shapes=shapes_of((f"{m.name} {m.method}", m.in_features or 0, m.out_features or 0) for m in modules),
            targets=self.profile.targets,
            ranks=self.profile.ranks,
            features=features(self.profile),
        )


def measure(adapter: Adapter, limits: Limits = DEFAULT_LIMITS, advance: Advance = lambda _: None) -> Measured:
    """Measure every module of an adapter.

    Args:
        adapter: Of a layout.
        limits: `adapter_tensor_bytes` and `adapter_work` bound the work.
        advance: Told of each module.

    Raises:
        ContentChangedError: When a file is no longer the one that was hashed.
    """
    found: list[ModuleProfile] = []
    problems: dict[str, list[str]] = {}
    spent = 0
    for module in adapter.modules:
        advance(1)
        work = _work(module)
        too_much = spent + work > limits.adapter_work
        why = "they would take more work than adapter_work allows" if too_much else _unfit(module)
        spent += 0 if why else work
        measured = None
        if not why:
            try:
                measured = _spectrum(module, limits)
                why = "" if measured else "their factors do not fit each other"
            except (UnmeasurableError, UnreadableError, LimitError) as error:
                why = str(error)
        if measured is None:
            problems.setdefault(why, []).append(module.name)
        else:
            found.append(ModuleProfile(name=module.name, target=module.target, layer=module.layer, spectrum=measured))
    return Measured(
        adapter=adapter,
        profile=profile(found),
        unmeasured=tuple(_told(problems)),
        beside=tuple(_beside(adapter)),
        work=spent,
    )


def _work(module: Module) -> int:
    """Give the multiplications that its QRs take, about."""
    rank = module.rank or 0
    return ((module.in_features or 0) + (module.out_features or 0)) * rank * rank


def _unfit(module: Module) -> str:
    """Say why a module is not measured; empty when it is."""
    if module.method not in _PRODUCTS:
        return f"their method ({module.method.value}) is not one of B and A"
    if module.experts != 1:
        return "they are stacks of matrices"
    if module.scale is None:
        return "their scale can't be told"
    if module.rank is None:
        return "their factors do not fit each other"
    return ""


def _spectrum(module: Module, limits: Limits) -> Spectrum | None:
    factors = read_factors(module, limits)
    if factors is None or module.scale is None:
        return None
    b, a = factors
    if module.tensor(Part.EMBEDDING_A) is not None:  # whose product is the change laid on its side
        b, a = a.T, b.T
    return spectrum(a, b, module.scale)


def _told(problems: dict[str, list[str]]) -> Iterator[str]:
    for why, names in problems.items():
        yield f"{plural(len(names), 'module')} ({_few(names)}): {why}"


def _beside(adapter: Adapter) -> Iterator[str]:
    """Name what is changed by other means than factors."""
    beside = [
        tensor.name
        for module in adapter.modules
        if module.method in _PRODUCTS
        for tensor in module.tensors
        if tensor.part not in _FACTORS
    ]
    for what, names in (
        ("tensors that replace those of the base", [tensor.name for tensor in adapter.whole]),
        ("tensors of no module", [tensor.name for tensor in adapter.shared]),
        ("tensors beside the factors", beside),
        ("files of weights that can't be read without running them", [str(file.path) for file in adapter.pickled]),
    ):
        if names:
            yield f"{what} ({_few(names)})"


def _few(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(printable(name, 80) for name in names[:_NAMED]) + more
