"""The parts of an adapter: which tensors it holds, which module of the base model each belongs to, and how they count.

Shapes are told as torch has them. Everything that is a text comes from the repo: hostile.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath

from gatekeeper.artifact import ArtifactFile
from gatekeeper.checks.adapter.config import AdapterConfig


class Style(StrEnum):
    """By whose custom the tensors are named."""

    PEFT = "PEFT"
    DIFFUSERS = "Diffusers"
    KOHYA = "kohya"
    UNKNOWN = "unknown"


class Method(StrEnum):
    """How the tensors of a module become a change of its weight."""

    LORA = "LoRA"
    """scale · B·A (arXiv 2106.09685)."""

    DORA = "DoRA"
    """As LoRA, and each row of the sum is brought to a length of its own (arXiv 2402.09353)."""

    ADALORA = "AdaLoRA"
    """scale · B·diag(E)·A (arXiv 2303.10512)."""

    IA3 = "IA3"
    """A factor for each input or output (arXiv 2205.05638)."""

    LOHA = "LoHa"
    """scale · (W1a·W1b) ∘ (W2a·W2b) (arXiv 2108.06098)."""

    LOKR = "LoKr"
    """scale · W1 ⊗ W2 (arXiv 2212.10650)."""

    VERA = "VeRA"
    """diag(b)·B·diag(d)·A with A and B drawn at random for all modules (arXiv 2310.11454)."""

    OTHER = "other"
    """Tensors of an adapter that nothing here reads."""


class Part(StrEnum):
    """What a tensor is to its module."""

    A = "A"
    """(rank, in), or (rank, in, height, width) of a convolution."""

    B = "B"
    """(out, rank), or (out, rank, 1, 1)."""

    MID = "mid"
    """(rank, rank, height, width): what LyCORIS puts between the factors of a convolution."""

    B_BIAS = "B_bias"
    """(out): added to the bias, times the scale."""

    MAGNITUDE = "magnitude"
    """(out): lengths of DoRA."""

    E = "E"
    """(rank, 1): singular values of AdaLoRA."""

    RANKNUM = "ranknum"
    EMBEDDING_A = "embedding_A"
    """(rank, vocabulary)."""

    EMBEDDING_B = "embedding_B"
    """(width, rank)."""

    ALPHA = "alpha"
    """(): kohya writes it beside each module."""

    IA3 = "ia3"
    HADA_W1_A = "hada_w1_a"
    HADA_W1_B = "hada_w1_b"
    HADA_W2_A = "hada_w2_a"
    HADA_W2_B = "hada_w2_b"
    HADA_T1 = "hada_t1"
    HADA_T2 = "hada_t2"
    LOKR_W1 = "lokr_w1"
    LOKR_W1_A = "lokr_w1_a"
    LOKR_W1_B = "lokr_w1_b"
    LOKR_W2 = "lokr_w2"
    LOKR_W2_A = "lokr_w2_a"
    LOKR_W2_B = "lokr_w2_b"
    LOKR_T2 = "lokr_t2"
    VERA_B = "vera_lambda_b"
    VERA_D = "vera_lambda_d"
    UNREAD = "unread"
    """Of a method that nothing here reads."""

    WEIGHT = "weight"
    """A whole weight, which replaces that of the base."""

    BIAS = "bias"
    """A whole bias, which replaces that of the base."""

    TOKENS = "tokens"
    """(tokens, width): new rows of an embedding."""


WHOLE = frozenset({Part.WEIGHT, Part.BIAS, Part.TOKENS})
"""Parts that replace what the base has instead of being added to it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AdapterTensor:
    """One tensor of a safetensors file."""

    module: str
    """The module of the base that it belongs to, without the prefix of PEFT; empty when the name tells none."""

    part: Part
    name: str
    """As in the header."""

    dtype: str
    """As in the header."""

    shape: tuple[int, ...]
    file: ArtifactFile
    offset: int
    """Byte offset in the file."""

    size: int
    """Bytes."""

    @property
    def elements(self) -> int:
        """How many numbers it holds."""
        return math.prod(self.shape)


@dataclass(frozen=True, kw_only=True, slots=True)
class Module:
    """What an adapter does to one module of the base."""

    name: str
    """Dotted, without the prefix of PEFT; joined by underscores in the style of kohya."""

    layer: int | None
    """The first number in the name; None without one."""

    target: str
    """The last word of the name, such as `q_proj`."""

    method: Method
    rank: int | None
    """As the shapes have it; None when they contradict each other or the method has none."""

    claimed_rank: int | None
    """As the configuration has it; None when it does not say."""

    alpha: float | None
    """As the configuration, or the tensor beside the module, has it."""

    scale: float | None
    """What the product of the factors is multiplied by when it is loaded; None when it can't be told."""

    in_features: int | None
    """Columns of the change, a convolution's laid flat; None when the shapes do not tell."""

    out_features: int | None
    """Rows of the change."""

    targeted: bool | None = None
    """Whether the configuration makes PEFT lay an adapter on it; None when that can't be told."""

    experts: int = 1
    """How many matrices of a stack are changed, each by factors of `claimed_rank` (`target_parameters`)."""

    tensors: tuple[AdapterTensor, ...] = ()
    """In the order of the header."""

    def tensor(self, part: Part) -> AdapterTensor | None:
        """Give the tensor that is such a part, or None."""
        return next((tensor for tensor in self.tensors if tensor.part is part), None)

    @property
    def factors(self) -> tuple[AdapterTensor, AdapterTensor] | None:
        """B and A of LoRA, DoRA and AdaLoRA, an embedding's included; None when one is missing."""
        for left, right in ((Part.B, Part.A), (Part.EMBEDDING_B, Part.EMBEDDING_A)):
            b, a = self.tensor(left), self.tensor(right)
            if b is not None and a is not None:
                return b, a
        return None


@dataclass(frozen=True, kw_only=True, slots=True)
class Trouble:
    """Something of an adapter that could not be read."""

    reason: str
    """One sentence, printable."""

    path: str = ""
    """File concerned."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Adapter:
    """One adapter: a configuration and the tensors beside it, or a file of tensors without a configuration."""

    folder: PurePosixPath
    config: AdapterConfig | None
    """None when there is none that can be read."""

    style: Style
    modules: tuple[Module, ...]
    """Sorted by name; with numbers in it by their size."""

    whole: tuple[AdapterTensor, ...] = ()
    """Tensors that replace those of the base: layers, biases, rows of embeddings."""

    shared: tuple[AdapterTensor, ...] = ()
    """Tensors that belong to no module, such as the projections of VeRA and the prompts of prompt tuning."""

    files: tuple[ArtifactFile, ...] = ()
    """The weights that were read."""

    pickled: tuple[ArtifactFile, ...] = ()
    """Weights of a format that is not read, because reading it is to run it."""

    troubles: tuple[Trouble, ...] = ()

    @property
    def tensors(self) -> tuple[AdapterTensor, ...]:
        """Every tensor, those of modules first."""
        return (*(tensor for module in self.modules for tensor in module.tensors), *self.whole, *self.shared)

    @property
    def methods(self) -> frozenset[Method]:
        """Every method that a module has."""
        return frozenset(module.method for module in self.modules)


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """All adapters of an artifact."""

    adapters: tuple[Adapter, ...]
    """That of the root first, then sorted by folder."""

    troubles: tuple[Trouble, ...] = ()
    """What could not be read and belongs to no adapter that is known."""

    @property
    def by_folder(self) -> Mapping[str, Adapter]:
        """Adapters by their folder, `.` for the root."""
        return {str(adapter.folder): adapter for adapter in self.adapters}


__all__ = [
    "WHOLE",
    "Adapter",
    "AdapterConfig",
    "AdapterTensor",
    "Layout",
    "Method",
    "Module",
    "Part",
    "Style",
    "Trouble",
]
