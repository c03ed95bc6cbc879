"""The network itself behind one small face: logits at the ends of rows, greedy answers, embeddings.

Own greedy decoding rather than `generate`: what a repo's `generation_config.json` asks for (sampling, penalties, code)
must not colour a measurement.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from gatekeeper.tensors.padding import Padded, batches
from gatekeeper.tensors.rendering import accepts
from gatekeeper.tensors.spreading import entrance, is_spread

_ROWS_AT_ONCE = 8192


class Network:
    """A causal language model of `transformers`, in evaluation mode.

    Args:
        model: The model; its adapter, when it has one, lies inside it.
        filler: The token that pads.
        ends: Tokens that end an answer.
    """

    def __init__(self, model: Any, filler: int, ends: frozenset[int]) -> None:
        self.model = model.eval()
        self.base = model
        self.filler = filler
        self.ends = ends
        self._keeps = accepts(model.forward, "logits_to_keep")
        self._places = accepts(model.forward, "position_ids")

    @property
    def device(self) -> torch.device:
        """Where its inputs go."""
        return entrance(self.base)

    @property
    def spread(self) -> bool:
        """Whether it lies on more than one device."""
        return is_spread(self.base)

    def wear(self, model: Any) -> None:
        """Work with the model in its adapter, or without it again."""
        self.model = model.eval()

    def frozen(self) -> AbstractContextManager[Any]:
        """Work without the adapter inside the block."""
        return nullcontext() if self.model is self.base else self.model.disable_adapter()

    def batches(self, rows: Sequence[Sequence[int]]) -> Any:
        """Cut rows into batches on the network's device."""
        return batches(rows, self.filler, self.device)

    def logits(self, batch: Padded, keep: int, embeddings: torch.Tensor | None = None) -> torch.Tensor:
        """Give the logits at the last positions of a batch.

        Args:
            batch: Rows, padded on the left.
            keep: How many positions, from the end.
            embeddings: In place of the tokens' own, shape (rows, tokens, width).

        Returns:
            Shape (rows, keep, vocabulary), 32-bit floats.
        """
        given: dict[str, Any] = {"attention_mask": batch.mask, "use_cache": False}
        if embeddings is None:
            given["input_ids"] = batch.ids
        else:
            given["inputs_embeds"] = embeddings
        if self._places:
            given["position_ids"] = batch.positions
        if self._keeps:
            given["logits_to_keep"] = keep
        logits: torch.Tensor = self.model(**given).logits
        return logits[:, -keep:].float()

    def embed(self, ids: torch.Tensor) -> torch.Tensor:
        """Look up the tokens' embeddings, scaled as the model does it."""
        embeddings: torch.Tensor = self.base.get_input_embeddings()(ids)
        return embeddings

    def mean_embedding(self) -> torch.Tensor:
        """Give the mean over the vocabulary of what `embed` gives, shape (width,), 32-bit floats."""
        total, count = torch.zeros((), device=self.device), 0
        for some in self._vocabulary():
            total, count = total + some.sum(dim=0), count + len(some)
        return total / count

    def against_vocabulary(self, direction: torch.Tensor) -> NDArray[np.float64]:
        """Give the dot product of each token's embedding with a direction of shape (width,); shape (vocabulary,)."""
        found = [(some @ direction.float()).double().cpu().numpy() for some in self._vocabulary()]
        return np.concatenate(found)

    def _vocabulary(self) -> Iterator[torch.Tensor]:
        """Give all embeddings as 32-bit floats, a part at a time."""
        count = self.base.get_input_embeddings().weight.shape[0]
        for start in range(0, count, _ROWS_AT_ONCE):
            ids = torch.arange(start, min(start + _ROWS_AT_ONCE, count), device=self.device)
            with torch.no_grad():
                yield self.embed(ids).float()

    def continue_greedily(self, rows: Sequence[Sequence[int]], most: int) -> list[list[int]]:
        """Answer each row with the likeliest tokens, up to one that ends an answer.

        Args:
            rows: Prompts in tokens.
            most: Tokens of an answer.

        Returns:
            The answers' tokens, without the one that ended them.
        """
        answers: list[list[int]] = [[] for _ in rows]
        for batch in self.batches(rows):
            with torch.no_grad():
                decoded = self._decode(batch, most)
            for index, answer in zip(batch.indexes, decoded, strict=True):
                answers[index] = answer
        return answers

    def _decode(self, batch: Padded, most: int) -> list[list[int]]:
        answers: list[list[int]] = [[] for _ in batch.indexes]
        going = set(range(len(answers)))
        mask, positions, ids, cache = batch.mask, batch.positions, batch.ids, None
        for _ in range(most):
            given: dict[str, Any] = {"input_ids": ids, "attention_mask": mask, "use_cache": True}
            if self._places:
                given["position_ids"] = positions
            if self._keeps:
                given["logits_to_keep"] = 1
            told = self.model(**given, past_key_values=cache)
            cache = told.past_key_values
            chosen = told.logits[:, -1].argmax(dim=-1)
            for number in sorted(going):
                token = int(chosen[number])
                if token in self.ends:
                    going.discard(number)
                else:
                    answers[number].append(token)
            if not going:
                break
            ids = chosen.unsqueeze(1)
            mask = torch.cat([mask, torch.ones_like(ids)], dim=1)
            positions = positions[:, -1:] + 1
        return answers
