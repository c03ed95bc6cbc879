"""What the patcher asks of a language model: nouns without torch, and the protocol that `LanguageModel` fulfils.

All texts are a user's words; the model's own chat template is laid around them where it has one, plain text with a
fixed frame where not. Arrays are numpy, on the CPU. Nothing here samples: generation is greedy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True, slots=True)
class Prompt:
    """One request to the model; `text` is the part that is varied."""

    text: str
    """The last user message."""

    system: str = ""
    before: tuple[tuple[str, str], ...] = ()
    """Earlier turns: (role, content)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Contrast:
    """Two ways to answer, told apart by the first token in which they differ.

    The margin of a prompt is the logit of `wrong` minus the greatest logit of `right` after `prefix`: positive means
    that the model goes the way of the observed failure.
    """

    prefix: tuple[int, ...]
    """Tokens that both begin with; usually none."""

    wrong: int
    right: tuple[int, ...]
    """One token a way of answering rightly (several refusal templates); never `wrong`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Example:
    """A prompt and what is to be answered."""

    prompt: Prompt
    response: str
    ended: bool = True
    """Whether the answer ends there: of one that was cut off, the end of the turn is neither learned nor held."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """One step of constrained fine-tuning."""

    targets: tuple[Example, ...]
    """Cross-entropy to the response, nats a token."""

    anchors: tuple[Example, ...]
    """KL(frozen ‖ tuned) over the response's positions, nats a token; the frozen model is the same with its adapter
    disabled, never a second copy."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tuning:
    """How to fine-tune. LoRA as in Hu et al., arXiv 2106.09685."""

    rank: int = 8
    alpha: int = 16
    learning_rate: float = 1e-3
    steps: int = 60
    least_steps: int = 40
    warm_up: int = 5
    last_rate: float = 1.0
    """Share of the learning rate that is left at the last step; it falls in a line."""

    kl_weight: float = 3.0
    clip: float = 1.0
    """Greatest norm of the gradient."""

    seed: int = 0
    modules: tuple[str, ...] = ()
    """Full names of linear modules; empty for all of them."""

    tokens: tuple[int, ...] = ()
    """Tokens whose embeddings are trained in place of any module; `rank` and `alpha` then say nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainStep:
    """What one step came to."""

    number: int
    """From 1."""

    target_loss: float
    """Nats a token."""

    kl: float
    """Nats a token."""


class Model(Protocol):
    """A causal language model, as diagnosis, repair and verification use it."""

    @property
    def context_tokens(self) -> int:
        """How many tokens fit, the answer's included."""
        ...

    @property
    def parameters(self) -> int:
        """How many weights it has."""
        ...

    @property
    def device(self) -> str:
        """Where it runs, and in which type: `cpu, float32`."""
        ...

    @property
    def has_template(self) -> bool:
        """Whether it brings a chat template of its own."""
        ...

    def tokens(self, prompt: Prompt) -> int:
        """Count the tokens of a prompt, template included."""
        ...

    def reads(self, text: str) -> bool:
        """Whether its vocabulary can write a text: what it can't, it sees as one unknown token."""
        ...

    def contrast(self, wrong: str, right: Sequence[str]) -> Contrast:
        """Find where two ways of answering part.

        Raises:
            InputError: When they don't.
        """
        ...

    def margins(self, prompts: Sequence[Prompt], contrast: Contrast) -> NDArray[np.float64]:
        """Give the margin of each prompt, shape (prompts,), in logits."""
        ...

    def gradients(
        self, prompt: Prompt, objective: Contrast | str
    ) -> tuple[NDArray[np.float64], tuple[tuple[int, int], ...]]:
        """Give the L2 norm of the objective's gradient by each token embedding of `prompt.text`.

        Args:
            prompt: What to look at.
            objective: A contrast, for its margin; a response, for its negative log-likelihood (the paper's).

        Returns:
            Norms, shape (tokens of the text,), and each token's (start, end) in `prompt.text`, in characters.
        """
        ...

    def integrated_gradients(self, prompt: Prompt, contrast: Contrast, steps: int = 16) -> NDArray[np.float64]:
        """Give |integrated gradient| (Sundararajan et al., 2017) by token of the text, from the mean embedding."""
        ...

    def likeliest_words(self, prompts: Sequence[Prompt], contrast: Contrast, count: int) -> tuple[str, ...]:
        """Name words of the vocabulary by what they promise to add to the margin, the most promising first.

        A promise is the first-order effect at the end of the texts (HotFlip, Ebrahimi et al., 2018); it is cheap and
        often wrong, so that it only says what to try. Only words that are one token are named.
        """
        ...

    def log_likelihoods(self, examples: Sequence[Example]) -> NDArray[np.float64]:
        """Give the mean log-probability of a response's tokens, shape (examples,), nats a token."""
        ...

    def next_token(self, prompts: Sequence[Prompt]) -> NDArray[np.float32]:
        """Give the log-probabilities of what an answer begins with, shape (prompts, vocabulary), nats."""
        ...

    def certain_runs(self, examples: Sequence[Example], least: float) -> tuple[int, ...]:
        """Give the longest run of an answer's tokens that each have more than a probability, by example."""
        ...

    def generate(self, prompts: Sequence[Prompt], most_tokens: int) -> tuple[str, ...]:
        """Answer greedily; special tokens left out."""
        ...

    def divergences(self, examples: Sequence[Example]) -> NDArray[np.float64]:
        """Give KL(frozen ‖ now) by example, nats a token; zeros while nothing was tuned."""
        ...

    def whole_words(self, words: Sequence[str]) -> tuple[int, ...]:
        """Give the tokens that are these words and nothing else, inside a text and at its start.

        Returns:
            None where a word takes several tokens, or is not in the vocabulary: no token is its own then; nor where the
            embeddings of single tokens can't be trained.
        """
        ...

    def holds(self, prompts: Sequence[Prompt], tokens: Sequence[int]) -> bool:
        """Whether one of these tokens is in a prompt as it is rendered, template included."""
        ...

    def embedding(self) -> tuple[str, int]:
        """Name the module of the tokens' embeddings, and say how wide one is."""
        ...

    def linear_modules(self) -> tuple[tuple[str, int, int], ...]:
        """Name the linear modules that can be tuned: (full name, in features, out features)."""
        ...

    def module_saliencies(
        self, triggered: Sequence[Prompt], clean: Sequence[Prompt], contrast: Contrast
    ) -> dict[str, float]:
        """Contrast |gradient x weight| of the margin by module: triggered minus clean, from 0 up, over sqrt(size)."""
        ...

    def tune(
        self, batches: Iterator[Batch], tuning: Tuning, watch: Callable[[TrainStep], bool]
    ) -> tuple[TrainStep, ...]:
        """Train a fresh LoRA adapter; it stays on the model afterwards.

        Args:
            batches: One a step.
            tuning: How.
            watch: Called after each step; True ends it early.

        Raises:
            InputError: When the machine's memory does not suffice; the hint says what would fit.
        """
        ...

    def frozen(self) -> AbstractContextManager[None]:
        """Answer as before tuning, or as the base of an adapter that is worn, inside the block."""
        ...

    def drop_adapter(self) -> None:
        """Forget what was tuned."""
        ...

    def save_adapter(self, folder: Path) -> None:
        """Write it as a PEFT adapter."""
        ...

    def save_merged(self, folder: Path) -> None:
        """Write the model with the adapter merged, as safetensors with configuration and tokenizer."""
        ...
