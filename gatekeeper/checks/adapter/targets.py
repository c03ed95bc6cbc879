"""What a configuration says of one module: whether it is a target, with which rank, alpha and scale.

As PEFT 0.21 does it (`tuners/tuners_utils.py`, `check_target_module_exists`; `utils/other.py`, `get_pattern_key`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from gatekeeper.checks.adapter.config import AdapterConfig
from gatekeeper.checks.adapter.pattern_tree import PatternError
from gatekeeper.checks.adapter.patterns import Budget, Pattern, is_plain, parse

_STEPS = 4_000_000
"""Work that the patterns of one adapter may cost; one over all linear modules of a 70B model takes 200,000."""

_MOST_PATTERNS = 1_000
"""Patterns with special characters; plain names, which tools write by the hundred, are not counted."""

_FIRST_NUMBER = re.compile(r".*?\.[^.]*\.(\d{1,9})\.")
_RANKNUM_SLACK = 1e-5
_SAVED_WORDS = 12
"""Dotted words of a name in `modules_to_save`: paths of modules have a few more at most."""


class Targets:
    """A configuration ready to be asked about modules.

    Args:
        config: What it says.
    """

    def __init__(self, config: AdapterConfig) -> None:
        self._config = config
        self._budget = Budget(_STEPS)
        self._names = frozenset(config.targets or ())
        self._excluded = frozenset(config.excluded)
        self._saved = frozenset(config.saved)
        self.troubles: list[str] = []
        """Why patterns could not be followed; printable."""

        self._pattern = self._parsed(config.target_pattern)
        self._exclusion = self._parsed(config.exclude_pattern)
        adaptive = config.peft_type == "ADALORA"
        if len(patterns_of(config)) > _MOST_PATTERNS:
            self.troubles.append(f"more than {_MOST_PATTERNS} patterns of module names are not followed")
            self._ranks: dict[str, Pattern | None] = {}
            self._alphas: dict[str, Pattern | None] = {}
            return
        self._ranks = {} if adaptive else {key: self._parsed(key) for key in config.ranks}
        self._alphas = {key: self._parsed(key) for key in config.alphas}

    def is_target(self, module: str) -> bool | None:
        """Whether PEFT lays an adapter on a module of that name; None when that can't be told.

        Args:
            module: Dotted, without the prefix of PEFT.
        """
        config = self._config
        if self.is_parameter(module):
            return True
        if config.all_linear:
            return None
        if any(suffix in self._excluded for suffix in suffixes(module)) or self._is_saved(module):
            return False
        if config.exclude_pattern and self._whole(self._exclusion, module) is not False:
            return None if self._whole(self._exclusion, module) is None else False
        if config.target_pattern:
            return self._whole(self._pattern, module)
        if config.targets is None:
            return None
        if not any(suffix in self._names for suffix in suffixes(module)):
            return False
        return self._is_layer(module) if config.layers is not None and module not in self._names else True

    def is_parameter(self, module: str) -> bool:
        """Whether `target_parameters` names a parameter of the module.

        Args:
            module: Dotted, without the prefix of PEFT.
        """
        return any(
            parameter.rpartition(".")[0] and f".{module}".endswith(f".{parameter.rpartition('.')[0]}")
            for parameter in self._config.parameters
        )

    def rank(self, module: str) -> int | None:
        """Give the rank that PEFT makes a module's factors with; None when the configuration does not say."""
        if self._config.peft_type == "ADALORA":
            left = self._config.ranks.get(f"{module}.lora_E")
            return self._config.rank if left is None else left
        key = self._key(self._ranks, module)
        return self._config.rank if key is None else self._config.ranks[key]

    def alpha(self, module: str) -> float | None:
        """Give the alpha of a module; None when the configuration does not say."""
        key = self._key(self._alphas, module)
        return self._config.alpha if key is None else self._config.alphas[key]

    def scale(self, module: str) -> float | None:
        """Give what the product of a module's factors is multiplied by; None when it can't be told.

        alpha / rank; of rsLoRA alpha / √rank (arXiv 2312.03732); of AdaLoRA alpha over the rank it began with.
        """
        rank, alpha = self.rank(module), self.alpha(module)
        if self._config.peft_type == "ADALORA":
            rank = self._config.rank
            if rank and alpha is not None:
                return (alpha if alpha > 0 else rank) / (rank + _RANKNUM_SLACK)
            return None
        if not rank or alpha is None:
            return None
        return alpha / math.sqrt(rank) if self._config.rslora else alpha / rank

    def _is_saved(self, module: str) -> bool:
        """Whether a module is one that is saved whole, or lies within one."""
        words = module.split(".")
        parts = (words[low : low + size] for low in range(len(words)) for size in range(1, _SAVED_WORDS + 1))
        return bool(self._saved) and any(".".join(part) in self._saved for part in parts)

    def _is_layer(self, module: str) -> bool | None:
        layers = self._config.layers or ()
        if not all(map(is_plain, self._config.layer_names)):
            return None
        if not self._config.layer_names:
            found = _FIRST_NUMBER.match(module)
            return found is not None and int(found[1]) in layers
        words = module.split(".")
        for name in self._config.layer_names:
            length = name.count(".") + 1
            for at in range(len(words) - length - 1):
                number = words[at + length]
                if ".".join(words[at : at + length]) == name and number.isascii() and number.isdecimal():
                    return int(number[:9]) in layers
        return False

    def _parsed(self, text: str) -> Pattern | None:
        try:
            return parse(text) if text else None
        except PatternError as error:
            self._failed(error)
            return None

    def _whole(self, pattern: Pattern | None, module: str) -> bool | None:
        try:
            return pattern.is_whole(module, self._budget) if pattern else None
        except PatternError as error:
            self._failed(error)
            return None

    def _key(self, patterns: dict[str, Pattern | None], module: str) -> str | None:
        try:
            for key, pattern in patterns.items():
                if pattern is not None and pattern.is_tail(module, self._budget):
                    return key
        except PatternError as error:
            self._failed(error)
        return None

    def _failed(self, error: PatternError) -> None:
        reason = f"a pattern of module names can't be followed: {error}"
        if reason not in self.troubles:
            self.troubles.append(reason)


def patterns_of(config: AdapterConfig) -> list[str]:
    """Give the patterns of a configuration that are more than names: PEFT hands `modules_to_save` to `re`, too.

    Args:
        config: What it says.
    """
    texts = (config.target_pattern, config.exclude_pattern, *config.ranks, *config.alphas, *config.layer_names,
             *config.saved)  # fmt: skip
    return [text for text in texts if not is_plain(text)]


def suffixes(module: str) -> Iterator[str]:
    """Give a dotted name and every part of it that begins behind a dot.

    Args:
        module: The name.
    """
    yield module
    at = module.find(".")
    while at >= 0:
        yield module[at + 1 :]
        at = module.find(".", at + 1)
