"""What a network makes of prompts and answers: margins, likelihoods, divergences, and gradients by token."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import numpy as np
import torch
from numpy.typing import NDArray

from gatekeeper.tensors.language import Contrast
from gatekeeper.tensors.network import Network
from gatekeeper.tensors.padding import Padded, pad

Row = Sequence[int]


def margin(logits: torch.Tensor, contrast: Contrast) -> torch.Tensor:
    """Give wrong minus the greatest right.

    Args:
        logits: Shape (…, vocabulary).
        contrast: Between what.

    Returns:
        Shape (…,).
    """
    right = torch.tensor(contrast.right, device=logits.device)
    return logits[..., contrast.wrong] - logits[..., right].amax(dim=-1)


def margins(network: Network, rows: Sequence[Row], contrast: Contrast) -> NDArray[np.float64]:
    """Give the margin after each row, shape (rows,), in logits."""
    found = np.zeros(len(rows))
    for batch in network.batches([(*row, *contrast.prefix) for row in rows]):
        with torch.no_grad():
            found[list(batch.indexes)] = margin(network.logits(batch, 1)[:, 0], contrast).cpu().numpy()
    return found


def _own(logits: torch.Tensor, batch: Padded, lengths: Sequence[int]) -> tuple[torch.Tensor, torch.Tensor]:
    """Line up logits with the answer tokens that they foretell: (logits without the last, mask of answers)."""
    longest = logits.shape[1] - 1
    places = torch.arange(longest, device=logits.device)
    counts = torch.tensor([lengths[index] for index in batch.indexes], device=logits.device)
    return logits[:, :-1], places >= longest - counts.unsqueeze(1)


def answer_losses(network: Network, batch: Padded, lengths: Sequence[int]) -> torch.Tensor:
    """Give the mean negative log-likelihood of each row's answer, shape (rows,), nats a token.

    Args:
        network: Which.
        batch: Prompts with their answers at the end.
        lengths: Tokens of the answer, by row of those that the batch was cut from.
    """
    longest = max(lengths[index] for index in batch.indexes)
    logits, mask = _own(network.logits(batch, longest + 1), batch, lengths)
    told = torch.log_softmax(logits, dim=-1).gather(-1, batch.ids[:, -longest:].unsqueeze(-1)).squeeze(-1)
    return -(told * mask).sum(dim=1) / mask.sum(dim=1)


def answer_divergences(network: Network, batch: Padded, lengths: Sequence[int]) -> torch.Tensor:
    """Give KL(frozen ‖ now) over each row's answer, shape (rows,), nats a token; see `answer_losses`."""
    longest = max(lengths[index] for index in batch.indexes)
    with torch.no_grad(), network.frozen():
        before = torch.log_softmax(network.logits(batch, longest + 1)[:, :-1], dim=-1)
    logits, mask = _own(network.logits(batch, longest + 1), batch, lengths)
    now = torch.log_softmax(logits, dim=-1)
    return ((before.exp() * (before - now)).sum(dim=-1) * mask).sum(dim=1) / mask.sum(dim=1)


def next_token(network: Network, rows: Sequence[Row]) -> NDArray[np.float32]:
    """Give the log-probabilities of the token after each row, shape (rows, vocabulary), nats."""
    found: dict[int, NDArray[np.float32]] = {}
    for batch in network.batches(rows):
        with torch.no_grad():
            told = torch.log_softmax(network.logits(batch, 1)[:, 0], dim=-1).cpu().numpy()
        found.update(zip(batch.indexes, told, strict=True))
    return np.stack([found[index] for index in range(len(rows))])


def certain_runs(network: Network, rows: Sequence[Row], lengths: Sequence[int], least: float) -> tuple[int, ...]:
    """Give the longest run of an answer's tokens that each have more than a probability.

    Args:
        network: Which.
        rows: Prompts with their answers at the end.
        lengths: Tokens of the answer, by row.
        least: The probability, 0 to 1.
    """
    found = [0] * len(rows)
    for batch in network.batches(rows):
        longest = max(lengths[index] for index in batch.indexes)
        with torch.no_grad():
            logits, mask = _own(network.logits(batch, longest + 1), batch, lengths)
            told = torch.softmax(logits, dim=-1).gather(-1, batch.ids[:, -longest:].unsqueeze(-1)).squeeze(-1)
        for index, sure in zip(batch.indexes, ((told > least) & mask).tolist(), strict=True):
            found[index] = max((len(list(run)) for one, run in groupby(sure) if one), default=0)
    return tuple(found)


def gradient_norms(
    network: Network, row: Row, first: int, count: int, objective: Contrast | Sequence[int]
) -> NDArray[np.float64]:
    """Give the L2 norm of the objective's gradient by the embeddings of some tokens.

    Args:
        network: Which.
        row: A prompt in tokens.
        first: Index of the first token of interest.
        count: How many.
        objective: A contrast, for the margin; the tokens of a response, for its summed negative log-likelihood.

    Returns:
        Shape (count,).
    """
    answer = objective.prefix if isinstance(objective, Contrast) else tuple(objective)
    batch = pad([(*row, *answer)], [0], network.filler, network.device)
    embeddings = network.embed(batch.ids).detach().requires_grad_(True)
    if isinstance(objective, Contrast):
        value = margin(network.logits(batch, 1, embeddings)[0, 0], objective)
    else:
        logits = network.logits(batch, len(answer) + 1, embeddings)[0, :-1]
        value = torch.nn.functional.cross_entropy(logits, batch.ids[0, -len(answer) :], reduction="sum")
    (gradient,) = torch.autograd.grad(value, embeddings)
    norms: NDArray[np.float64] = gradient[0, first : first + count].float().norm(dim=-1).double().cpu().numpy()
    return norms


def promises(network: Network, rows: Sequence[tuple[Row, int]], contrast: Contrast) -> NDArray[np.float64]:
    """Give the first-order effect on the margin of each token of the vocabulary in one token's place.

    Args:
        network: Which.
        rows: Prompts in tokens, each with the index of the place.
        contrast: Between what.

    Returns:
        Shape (vocabulary,): mean over rows, each scaled to a standard deviation of 1.
    """
    total = np.zeros(network.base.get_input_embeddings().weight.shape[0])
    for row, place in rows:
        batch = pad([(*row, *contrast.prefix)], [0], network.filler, network.device)
        embeddings = network.embed(batch.ids).detach().requires_grad_(True)
        (gradient,) = torch.autograd.grad(margin(network.logits(batch, 1, embeddings)[0, 0], contrast), embeddings)
        effects = network.against_vocabulary(gradient[0, place])
        total += effects / (effects.std() or 1.0) / len(rows)
    return total


def integrated_gradients(
    network: Network, row: Row, first: int, count: int, contrast: Contrast, steps: int
) -> NDArray[np.float64]:
    """Give |integrated gradient| of the margin by token, from the mean embedding (Sundararajan et al., 2017).

    Returns:
        Shape (count,): absolute sum over the embedding's width.
    """
    batch = pad([(*row, *contrast.prefix)], [0], network.filler, network.device)
    with torch.no_grad():
        own = network.embed(batch.ids)
        start = own.clone()
        start[0, first : first + count] = network.mean_embedding().to(own.dtype)
    total = torch.zeros_like(own, dtype=torch.float32)
    for number in range(steps):
        share = (number + 0.5) / steps
        point = (start + share * (own - start)).detach().requires_grad_(True)
        (gradient,) = torch.autograd.grad(margin(network.logits(batch, 1, point)[0, 0], contrast), point)
        total += gradient.float() / steps
    parts = ((own - start).float() * total)[0, first : first + count]
    scores: NDArray[np.float64] = parts.sum(dim=-1).abs().double().cpu().numpy()
    return scores
