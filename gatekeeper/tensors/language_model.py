"""`LanguageModel`: what `language.Model` asks for, with torch, transformers and PEFT underneath."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from gatekeeper.errors import InputError
from gatekeeper.tensors import embeddings, saving, scoring, tuning
from gatekeeper.tensors.calls import Call
from gatekeeper.tensors.language import Batch, Contrast, Example, Prompt, TrainStep, Tuning
from gatekeeper.tensors.network import Network
from gatekeeper.tensors.rendering import Renderer
from gatekeeper.tensors.spreading import SPREAD
from gatekeeper.tensors.world import World

_NEUTRAL = Prompt(text="hello")
"""A prompt under which answers are tokenised to see where they part."""

_CONTEXT = 2048
"""Tokens that a model is taken to read when its configuration doesn't say."""


class LanguageModel:
    """A causal language model with what diagnosis, repair and verification need of it.

    Args:
        model: Of `transformers`.
        tokenizer: A fast one.
        source: Folder of safetensors that the weights are those of; None when they were changed while loading.
        worn: The same model in adapters of a stranger's, of PEFT: `frozen` then answers as the base.

    Raises:
        InputError: When the tokenizer is not a fast one.
    """

    def __init__(self, model: Any, tokenizer: Any, *, source: Path | None = None, worn: Any = None) -> None:
        self._tokenizer = tokenizer
        self._renderer = Renderer(tokenizer)
        self._source = source
        self._trainer: tuning.Trainer | None = None
        filler = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id
        self._network = Network(model, int(filler or 0), _ends(model, tokenizer))
        if worn is not None:
            self._network.wear(worn)

    @property
    def context_tokens(self) -> int:
        """How many tokens fit, the answer's included."""
        told = getattr(self._network.base.config, "max_position_embeddings", None)
        return told if isinstance(told, int) and told > 0 else _CONTEXT

    @property
    def parameters(self) -> int:
        """How many weights it has."""
        return sum(weight.numel() for weight in self._network.base.parameters())

    @property
    def has_template(self) -> bool:
        """Whether it brings a chat template of its own."""
        return self._renderer.has_template

    @property
    def device(self) -> str:
        """Where it runs, and in which type: `cpu, float32`; `all` where it lies on more than one device."""
        weight = self._network.base.get_input_embeddings().weight
        place = SPREAD if self._network.spread else weight.device.type
        return f"{place}, {str(weight.dtype).removeprefix('torch.')}"

    def tokens(self, prompt: Prompt) -> int:
        """Count the tokens of a prompt, template included."""
        return len(self._renderer.render(prompt).ids)

    def reads(self, text: str) -> bool:
        """Whether its vocabulary can write a text."""
        unknown = self._tokenizer.unk_token_id
        return unknown is None or unknown not in self._tokenizer(text, add_special_tokens=False)["input_ids"]

    def contrast(self, wrong: str, right: Sequence[str]) -> Contrast:
        """Find where two ways of answering part; see `language.Model`."""
        bad = self._renderer.answer(_NEUTRAL, wrong)
        good = [self._renderer.answer(_NEUTRAL, answer) for answer in right]
        # The right answer that goes longest with the wrong one says how far both go together.
        shared = max((_shared(bad, answer) for answer in good), default=0)
        parting = {answer[shared] for answer in good if len(answer) > shared and answer[:shared] == bad[:shared]}
        if shared >= len(bad) or not parting - {bad[shared]}:
            raise InputError(
                "the observed response begins as the right one would",
                hint="give the whole response, and in `corrected` what would have been right",
            )
        return Contrast(prefix=bad[:shared], wrong=bad[shared], right=tuple(sorted(parting - {bad[shared]})))

    def margins(self, prompts: Sequence[Prompt], contrast: Contrast) -> NDArray[np.float64]:
        """Give the margin of each prompt, shape (prompts,), in logits."""
        return scoring.margins(self._network, [self._renderer.render(prompt).ids for prompt in prompts], contrast)

    def gradients(
        self, prompt: Prompt, objective: Contrast | str
    ) -> tuple[NDArray[np.float64], tuple[tuple[int, int], ...]]:
        """Give gradient norms by token of the text, and where each token lies in it; see `language.Model`."""
        rendered = self._renderer.render(prompt)
        told = objective if isinstance(objective, Contrast) else self._renderer.answer(prompt, objective)
        norms = scoring.gradient_norms(self._network, rendered.ids, rendered.first, len(rendered.offsets), told)
        return norms, rendered.offsets

    def integrated_gradients(self, prompt: Prompt, contrast: Contrast, steps: int = 16) -> NDArray[np.float64]:
        """Give |integrated gradient| by token of the text, from the mean embedding."""
        row = self._renderer.render(prompt)
        return scoring.integrated_gradients(self._network, row.ids, row.first, len(row.offsets), contrast, steps)

    def likeliest_words(self, prompts: Sequence[Prompt], contrast: Contrast, count: int) -> tuple[str, ...]:
        """Name words of the vocabulary by their first-order effect on the margin; see `language.Model`."""
        rendered = [self._renderer.render(prompt) for prompt in prompts]
        rows = [(row.ids, row.first + len(row.offsets) - 1) for row in rendered if row.offsets]
        order = np.argsort(-scoring.promises(self._network, rows, contrast), kind="stable")
        return self._renderer.single_words([int(token) for token in order], count)

    def log_likelihoods(self, examples: Sequence[Example]) -> NDArray[np.float64]:
        """Give the mean log-probability of a response's tokens, shape (examples,), nats a token."""
        losses = self._by_example(examples, scoring.answer_losses)
        return np.negative(losses)

    def divergences(self, examples: Sequence[Example]) -> NDArray[np.float64]:
        """Give KL(frozen ‖ now) by example, nats a token."""
        return self._by_example(examples, scoring.answer_divergences)

    def _by_example(self, examples: Sequence[Example], measure: Callable[..., torch.Tensor]) -> NDArray[np.float64]:
        rows, lengths = tuning.tokenise(self._renderer, examples)
        found = np.zeros(len(rows))
        for batch in self._network.batches(rows):
            with torch.no_grad():
                found[list(batch.indexes)] = measure(self._network, batch, lengths).double().cpu().numpy()
        return found

    def next_token(self, prompts: Sequence[Prompt]) -> NDArray[np.float32]:
        """Give the log-probabilities of what an answer begins with, shape (prompts, vocabulary), nats."""
        return scoring.next_token(self._network, [self._renderer.render(prompt).ids for prompt in prompts])

    def certain_runs(self, examples: Sequence[Example], least: float) -> tuple[int, ...]:
        """Give the longest run of an answer's tokens that each have more than a probability, by example."""
        rows, lengths = tuning.tokenise(self._renderer, examples)
        return scoring.certain_runs(self._network, rows, lengths, least)

    def generate(self, prompts: Sequence[Prompt], most_tokens: int) -> tuple[str, ...]:
        """Answer greedily; special tokens left out."""
        rows = [self._renderer.render(prompt).ids for prompt in prompts]
        answers = self._network.continue_greedily(rows, most_tokens)
        return tuple(self._renderer.words_of(answer) for answer in answers)

    def whole_words(self, words: Sequence[str]) -> tuple[int, ...]:
        """Give the tokens that are these words and nothing else; none where the model lies on several devices."""
        if self._network.spread:
            return ()
        found = [self._renderer.whole_word(word) for word in words]
        return tuple(sorted({token for tokens in found for token in tokens})) if all(found) else ()

    def holds(self, prompts: Sequence[Prompt], tokens: Sequence[int]) -> bool:
        """Whether one of these tokens is in a prompt as it is rendered, template included."""
        wanted = set(tokens)
        return any(not wanted.isdisjoint(self._renderer.render(prompt).ids) for prompt in prompts)

    def embedding(self) -> tuple[str, int]:
        """Name the module of the tokens' embeddings, and say how wide one is."""
        with self._bare():
            return embeddings.embedding(self._network)

    def linear_modules(self) -> tuple[tuple[str, int, int], ...]:
        """Name the linear modules that can be tuned: (full name, in features, out features)."""
        with self._bare():
            return tuning.linear_modules(self._network)

    def module_saliencies(
        self, triggered: Sequence[Prompt], clean: Sequence[Prompt], contrast: Contrast
    ) -> dict[str, float]:
        """Contrast |gradient x weight| of the margin by module; see `language.Model`."""
        hot, cold = ([self._renderer.render(prompt).ids for prompt in some] for some in (triggered, clean))
        with self._bare():
            return tuning.module_saliencies(self._network, hot, cold, contrast)

    def tune(
        self, batches: Iterator[Batch], tuning_: Tuning, watch: Callable[[TrainStep], bool]
    ) -> tuple[TrainStep, ...]:
        """Train a fresh LoRA adapter; see `language.Model`."""
        self.drop_adapter()
        try:
            self.begin(tuning_)
            return tuning.train(self.step, batches, tuning_, watch)
        except (MemoryError, torch.OutOfMemoryError) as error:
            self.drop_adapter()
            raise tuning.out_of_memory() from error

    def begin(self, tuning_: Tuning, world: World | None = None) -> None:
        """Lay a fresh adapter on the model, to be trained; with other processes, the same one in all of them."""
        tuning.attach(self._network, tuning_)
        self._trainer = tuning.Trainer(self._network, self._renderer, tuning_, world)

    def step(self, number: int, batch: Batch) -> TrainStep:
        """Take one step of the training that was begun; `number` is from 1."""
        return self._training().step(number, batch)

    def align(self) -> None:
        """Give every process that trains along the first one's adapter."""
        self._training().align()

    def _training(self) -> tuning.Trainer:
        if self._trainer is None:
            raise InputError("no training was begun")
        return self._trainer

    def share(self, call: Call, rank: int, size: int) -> list[Any]:
        """Do one process's share of a call: every so many of its prompts or examples, from its own on.

        Args:
            call: What is asked.
            rank: Of the process.
            size: How many there are.
        """
        prompts, examples, contrast = call.prompts[rank::size], call.examples[rank::size], call.contrast
        if not prompts and not examples:
            return []
        match call.method:
            case "generate":
                return list(LanguageModel.generate(self, prompts, call.most_tokens))
            case "margins" if contrast is not None:
                return list(LanguageModel.margins(self, prompts, contrast).tolist())
            case "log_likelihoods":
                return list(LanguageModel.log_likelihoods(self, examples).tolist())
            case "divergences":
                return list(LanguageModel.divergences(self, examples).tolist())
            case "certain_runs":
                return list(LanguageModel.certain_runs(self, examples, call.least))
            case _:
                raise ValueError(f"nothing is shared that is called {call.method}")

    def frozen(self) -> AbstractContextManager[None]:
        """Answer as before tuning, inside the block."""
        return self._network.frozen()

    def drop_adapter(self) -> None:
        """Forget what was tuned."""
        self._trainer = None
        tuning.detach(self._network)

    def save_adapter(self, folder: Path) -> None:
        """Write it as a PEFT adapter."""
        saving.save_adapter(self._network, folder)

    def save_merged(self, folder: Path) -> None:
        """Write the model with the adapter merged, as safetensors with configuration and tokenizer."""
        saving.save_merged(self._network, self._source, self._tokenizer, folder)

    @contextmanager
    def _bare(self) -> Iterator[None]:
        """Refuse where the names of modules would be those of an adapter."""
        if self._network.model is not self._network.base:
            raise InputError("the model is tuned already", hint="drop the adapter first")
        yield


def _shared(one: Sequence[int], other: Sequence[int]) -> int:
    """Count the tokens with which both begin."""
    count = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        count += 1
    return count


def _ends(model: Any, tokenizer: Any) -> frozenset[int]:
    """Give the tokens that end an answer: the tokenizer's, and those that the generation configuration names."""
    named = getattr(getattr(model, "generation_config", None), "eos_token_id", None)
    listed = named if isinstance(named, list) else [named]
    return frozenset(int(token) for token in (*listed, tokenizer.eos_token_id) if isinstance(token, int))
