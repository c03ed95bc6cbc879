"""What an adapter's configuration claims, held against its tensors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from gatekeeper.checks.adapter.config import AdapterConfig
from gatekeeper.checks.adapter.layout import Adapter, Method, Module, Part
from gatekeeper.checks.adapter.pattern_tree import PatternError
from gatekeeper.checks.adapter.patterns import is_costly
from gatekeeper.checks.adapter.targets import patterns_of, suffixes
from gatekeeper.checks.adapter.variants import foreign_import, variants
from gatekeeper.text import plural, printable

PRODUCTS = frozenset({Method.LORA, Method.DORA, Method.ADALORA})
"""Methods whose change is a product of two factors."""

_RANKED = PRODUCTS | {Method.LOHA, Method.LOKR, Method.VERA}
_BY_TYPE = {
    "LORA": frozenset({Method.LORA, Method.DORA}),
    "ADALORA": frozenset({Method.ADALORA}),
    "IA3": frozenset({Method.IA3}),
    "LOHA": frozenset({Method.LOHA}),
    "LOKR": frozenset({Method.LOKR}),
    "VERA": frozenset({Method.VERA}),
}
KNOWN_TYPES = frozenset({
    *_BY_TYPE, "ADAMSS", "ADAPTION_PROMPT", "BEFT", "BOFT", "BONE", "C3A", "CARTRIDGE", "CPT", "DEFT", "DELORA",
    "FOURIERFT", "FROD", "GLORA", "GRALORA", "HIRA", "HRA", "LILY", "LN_TUNING", "MISS", "MULTITASK_PROMPT_TUNING",
    "OFT", "OSF", "P_TUNING", "PEANUT", "POLY", "PREFIX_TUNING", "PROMPT_TUNING", "PSOFT", "PVERA", "RANDLORA", "ROAD",
    "SHADOW", "SHIRA", "SUPERTUNING", "TINYLORA", "TRAINABLE_TOKENS", "UNILORA", "VBLORA", "WAVEFT", "XLORA",
})  # fmt: skip
"""Methods of PEFT 0.21 (`utils/peft_types.py`), and one that it had before."""

_FEW = 3
_MOST_PATTERNS = 1_000
"""As many as are followed (`targets`)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Disagreement:
    """One thing that does not fit another."""

    slug: str
    """Rule of `adapter/claims`."""

    message: str
    """One sentence, printable."""

    path: str
    detail: str = ""
    """Module, tensor or field, as found."""


def few(names: Sequence[str]) -> str:
    """Write the first names of a list and how many more there are, printable."""
    shown = ", ".join(repr(printable(name, 80)) for name in names[:_FEW])
    return f"{shown} and {len(names) - _FEW:,} more" if len(names) > _FEW else shown


def disagreements(adapter: Adapter) -> Iterator[Disagreement]:
    """Give everything in which an adapter contradicts itself or what it says of itself.

    Args:
        adapter: As read.
    """
    path = str(adapter.files[0].path) if adapter.files else str(adapter.folder)
    yield from _shapes(adapter, path)
    yield from _names(adapter, path)
    if adapter.config is not None:
        yield from _fields(adapter.config)
        yield from _variants(adapter.config)
        yield from _patterns(adapter.config)
        yield from _methods(adapter, adapter.config)
        yield from _targets(adapter, adapter.config)
        yield from _ranks(adapter, adapter.config)


def _where(
    modules: Iterable[Module], wrong: Callable[[Module], bool], slug: str, words: str, path: str
) -> Iterator[Disagreement]:
    """Tell of all modules of which something holds, in one sentence."""
    found = [module for module in modules if wrong(module)]
    if found:
        named = few([module.name for module in found])
        yield Disagreement(
            slug=slug, message=f"{plural(len(found), 'module')} {words}: {named}.", path=path, detail=found[0].name
        )


def _shapes(adapter: Adapter, path: str) -> Iterator[Disagreement]:
    yield from _where(adapter.modules, _is_broken, "factors", "with factors that make no product", path)
    yield from _where(adapter.modules, _is_empty, "rank-zero", "with tensors that hold nothing", path)
    yield from _where(
        adapter.modules, _is_giant, "giant-rank", "of a higher rank than the weight that it changes can have", path
    )
    yield from _where(
        adapter.modules, _is_reversed, "scale", "with an alpha that switches the change off or turns it round", path
    )


def _is_broken(module: Module) -> bool:
    if module.method in PRODUCTS:
        return module.rank is None and not _is_empty(module)
    return module.method is Method.LOHA and module.rank is None


def _is_empty(module: Module) -> bool:
    # Of AdaLoRA, a module of which no direction was kept is saved so.
    return module.method is not Method.ADALORA and any(tensor.elements == 0 for tensor in module.tensors)


def _is_giant(module: Module) -> bool:
    sides = [side for side in (module.in_features, module.out_features) if side]
    return module.method in PRODUCTS and len(sides) == 2 and (module.rank or 0) > min(sides)


def _is_reversed(module: Module) -> bool:
    written = module.tensor(Part.ALPHA) is not None
    return (module.scale is not None and module.scale <= 0) or (written and module.alpha is None)


def _names(adapter: Adapter, path: str) -> Iterator[Disagreement]:
    tensors = [tensor.name for tensor in adapter.tensors if _is_strange(tensor.name)]
    if tensors:
        message = f"{plural(len(tensors), 'tensor')} with a name that is none of a module: {few(tensors)}."
        yield Disagreement(slug="strange-name", message=message, path=path, detail=tensors[0])
    config = adapter.config
    if config is None:
        return
    listed = [*(config.targets or ()), *config.saved, *config.excluded, *config.parameters, *config.tokens]
    patterns = [config.target_pattern, config.exclude_pattern, *config.ranks, *config.alphas, *config.layer_names]
    wrong = [name for name in listed if name and _is_strange(name)]
    wrong += [text for text in patterns if "/" in text or printable(text, len(text) or 1) != text]
    if wrong:
        message = f"The configuration names what is no module: {few(wrong)}."
        yield Disagreement(slug="strange-name", message=message, path=config.path, detail=wrong[0])


def _is_strange(name: str) -> bool:
    """Whether no module can be called so: its path has empty parts, or signs of other paths, or what nobody sees."""
    plain = printable(name, len(name)) == name
    return not plain or any(sign in name for sign in "/\\ ") or not all(name.split("."))


def _fields(config: AdapterConfig) -> Iterator[Disagreement]:
    for problem in config.problems:
        yield Disagreement(slug="field-type", message=f"{problem}.", path=config.path, detail=problem.split(" ")[0])
    if config.peft_type not in KNOWN_TYPES:
        shown = f"is {printable(config.peft_type, 40)!r}" if config.peft_type else "is missing"
        message = f"peft_type {shown}, which is no method that is known."
        yield Disagreement(slug="unknown-method", message=message, path=config.path, detail="peft_type")


def _variants(config: AdapterConfig) -> Iterator[Disagreement]:
    for name, words in variants(config).items():
        yield Disagreement(slug="variant", message=f"{name}: {words}.", path=config.path, detail=name)
    if module := foreign_import(config):
        message = f"megatron_core names the module {module!r}, which loaders import."
        yield Disagreement(slug="import", message=message, path=config.path, detail="megatron_core")


def _patterns(config: AdapterConfig) -> Iterator[Disagreement]:
    costly: list[str] = []
    refused: dict[str, str] = {}
    for text in patterns_of(config)[:_MOST_PATTERNS]:
        try:
            costly += [text] if is_costly(text) else []
        except PatternError as error:
            refused[text] = str(error)
    for text, reason in list(refused.items())[:1]:
        message = f"{plural(len(refused), 'pattern')} that can't be followed: {printable(text, 80)!r}: {reason}."
        yield Disagreement(slug="pattern-refused", message=message, path=config.path, detail=text)
    if costly:
        message = f"Matching {few(costly)} can take time that grows steeply with the names of modules."
        yield Disagreement(slug="costly-pattern", message=message, path=config.path, detail=costly[0])


def _methods(adapter: Adapter, config: AdapterConfig) -> Iterator[Disagreement]:
    expected = _BY_TYPE.get(config.peft_type, frozenset({Method.OTHER}))
    if config.peft_type not in KNOWN_TYPES:
        return
    for method in sorted(adapter.methods - expected):
        of_it = [module.name for module in adapter.modules if module.method is method]
        message = f"peft_type is {config.peft_type}, the tensors of {few(of_it)} are of {method.value}."
        yield Disagreement(slug="method", message=message, path=config.path, detail=of_it[0])
    if config.peft_type == "LORA":
        yield from _where(
            adapter.modules,
            lambda module: module.method in expected and (module.tensor(Part.MAGNITUDE) is not None) is not config.dora,
            "method", f"against use_dora, which is {str(config.dora).lower()}", config.path,
        )  # fmt: skip
        yield from _where(
            adapter.modules,
            lambda module: module.tensor(Part.B_BIAS) is not None and not config.lora_bias,
            "method", "with a bias, which lora_bias denies", config.path,
        )  # fmt: skip


def _targets(adapter: Adapter, config: AdapterConfig) -> Iterator[Disagreement]:
    yield from _where(
        adapter.modules,
        lambda module: module.targeted is False,
        "not-targeted", "with tensors, which target_modules does not name", config.path,
    )  # fmt: skip
    names = [*(module.name for module in adapter.modules), *(tensor.module for tensor in adapter.whole)]
    there = {suffix for name in names for suffix in suffixes(name)}
    missing = [name for name in config.targets or () if name not in there]
    if missing and adapter.modules:
        message = f"target_modules names {few(missing)}, of which there are no tensors."
        yield Disagreement(slug="no-tensors", message=message, path=config.path, detail=missing[0])
    layers = {module.layer for module in adapter.modules}
    absent = [str(layer) for layer in config.layers or () if layer not in layers]
    if absent and adapter.modules:
        message = f"layers_to_transform names {few(absent)}, of which there are no tensors."
        yield Disagreement(slug="no-tensors", message=message, path=config.path, detail="layers_to_transform")


def _ranks(adapter: Adapter, config: AdapterConfig) -> Iterator[Disagreement]:
    ranked = [module for module in adapter.modules if module.method in _RANKED]
    if ranked and config.rank == 0 and config.peft_type in _BY_TYPE:
        yield Disagreement(slug="rank-zero", message="r is 0.", path=config.path, detail="r")
        return
    wrong = [module for module in ranked if module.rank and module.claimed_rank not in (None, module.rank)]
    if wrong:
        first = wrong[0]
        message = (
            f"{plural(len(wrong), 'module')} of another rank than the configuration says: {first.claimed_rank} is said "
            f"of {printable(first.name, 80)!r}, its tensors have {first.rank}."
        )
        yield Disagreement(slug="rank", message=message, path=config.path, detail=first.name)
