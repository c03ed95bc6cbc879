"""What a configuration asks PEFT for besides a product of factors, and why an adapter is not handed to PEFT.

Fields as in PEFT 0.21 (`tuners/lora/config.py`). Some repeat or change the base before the adapter is laid on it, some
switch the adapter on for certain tokens alone, some compute another sum. What is measured with such an adapter is not
`W + scale · B · A`, and what is then called the base's answer may not be the base's.
"""

from __future__ import annotations

from collections.abc import Mapping

from gatekeeper.checks.adapter.config import AdapterConfig
from gatekeeper.checks.adapter.layout import Adapter
from gatekeeper.checks.adapter.pattern_tree import PatternError
from gatekeeper.checks.adapter.patterns import is_costly
from gatekeeper.checks.adapter.targets import patterns_of
from gatekeeper.text import printable

_OTHERWISE: Mapping[str, str] = {
    "alora_invocation_tokens": "it acts only behind certain tokens, and does nothing on other prompts",
    "layer_replication": "it repeats layers of the base",
    "use_qalora": "it groups inputs",
    "use_bdlora": "its factors are diagonal blocks",
    "arrow_config": "it chooses among adapters by the prompt",
    "kasa_config": "it cuts directions out of the base's weights",
    "monteclora_config": "its factors are drawn anew",
    "velora_config": "it packs activations",
    "megatron_config": "it imports another library's layers",
}
"""Field → what it asks for, as soon as it is anything but empty."""

_PLAIN_STARTS = frozenset({"gaussian", "orthogonal", "eva"})
"""How factors are drawn before they are trained, where that leaves the base's weights as they are."""

_MEGATRON = "megatron."
_FREE_RANK = 512
"""Highest rank that a configuration may name without any tensor of it: at most a fraction of the base's own size."""


def variants(config: AdapterConfig) -> dict[str, str]:
    """Give the fields that ask for more than a product of factors, each with what it asks for.

    Args:
        config: Of an adapter of type LORA; others have fields of their own.
    """
    if config.peft_type != "LORA":
        return {}
    found = {name: words for name, words in _OTHERWISE.items() if config.values.get(name)}
    start = config.values.get("init_lora_weights")
    plain = start is None or isinstance(start, bool) or (isinstance(start, str) and start in _PLAIN_STARTS)
    if not plain:
        found["init_lora_weights"] = f"{printable(str(start), 40)!r} changes the base's weights before it is laid on"
    return found


def foreign_import(config: AdapterConfig) -> str:
    """Give the module of Python that loading would import at the configuration's wish; empty when there is none.

    Before PEFT held it against a list of its own, whatever stands there was imported as soon as `megatron_config` does.
    """
    named = config.values.get("megatron_core")
    if named is None or (isinstance(named, str) and f"{named}.".startswith(_MEGATRON)):
        return ""
    return printable(str(named), 80)


def unfit_for_loading(adapter: Adapter) -> str:
    """Say why an adapter is not handed to PEFT; empty when it may be.

    Args:
        adapter: As read, without troubles of its files.
    """
    config = adapter.config
    if config is None:
        return ""
    if asked := variants(config):
        name, words = next(iter(asked.items()))
        return f"{name}: {words}"
    if module := foreign_import(config):
        return f"megatron_core names {module!r}, which would be imported"
    for text in patterns_of(config):
        try:
            if is_costly(text):
                return f"matching the pattern {printable(text, 80)!r} may take for ever"
        except PatternError as error:
            return f"the pattern {printable(text, 80)!r} is not followed: {error}"
    held = max((module.rank or 0 for module in adapter.modules), default=0)
    claimed = max([config.rank or 0, *config.ranks.values()])
    if claimed > max(held, _FREE_RANK):
        return f"the configuration names rank {claimed}, and its tensors have {held} at most"
    return ""
