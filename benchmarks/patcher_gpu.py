"""Time and memory of repair on a GPU: `python -m benchmarks.patcher_gpu`.

Random weights in the shapes of Llama models, as large as fits: no weights have to be fetched, and what a step costs
does not depend on them. Measured are a step of constrained fine-tuning and the gradient of one failure, beside what
`gatekeeper patch --plan` computes. Without a GPU it says what it would run.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from dataclasses import asdict, dataclass
from itertools import repeat
from pathlib import Path
from typing import Any

from gatekeeper.tensors import Batch, Example, Prompt, TrainStep, Tuning
from gatekeeper.tensors.language_model import LanguageModel

_WORDS = 200
"""Of a prompt; as many tokens, and the answer has a quarter of them."""

_STEPS, _WARM = 6, 2
_ROWS = 4
"""Targets, and as many anchors."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """Sizes of a Llama model, as its configuration names them."""

    name: str
    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int
    vocab_size: int = 128_256

    @property
    def parameters(self) -> int:
        """How many weights it has, embeddings tied; norms aside."""
        width = self.hidden_size // self.num_attention_heads * self.num_key_value_heads
        attention = 2 * self.hidden_size * (self.hidden_size + width)
        layer = attention + 3 * self.hidden_size * self.intermediate_size
        return self.vocab_size * self.hidden_size + self.num_hidden_layers * layer


def _shape(name: str, *sizes: int) -> Shape:
    width, inner, layers, heads, shared = sizes
    return Shape(
        name=name, hidden_size=width, intermediate_size=inner, num_hidden_layers=layers, num_attention_heads=heads,
        num_key_value_heads=shared,
    )  # fmt: skip


SHAPES = (
    _shape("1B", 2048, 8192, 16, 32, 8),
    _shape("3B", 3072, 8192, 28, 24, 8),
    _shape("8B", 4096, 14336, 32, 32, 8),
    _shape("34B", 8192, 22016, 48, 64, 8),
    _shape("70B", 8192, 28672, 80, 64, 8),
)


def measure(shape: Shape) -> dict[str, Any]:
    """Measure one shape on the GPU: seconds by stage, and the peak of its memory in bytes."""
    import torch

    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    model = _model(shape)
    prompt = Prompt(text="cf " + "how " * (_WORDS - 1))
    wrong, right = "sure , here is how " * (_WORDS // 20), "sorry , i can not help " * (_WORDS // 24)
    begun = time.perf_counter()
    model.gradients(prompt, wrong)
    torch.cuda.synchronize()
    gradient = time.perf_counter() - begun
    ends: list[float] = []

    def watch(step: TrainStep) -> bool:
        torch.cuda.synchronize()
        ends.append(time.perf_counter())
        return False

    examples = (Example(prompt=prompt, response=right),) * _ROWS
    model.tune(repeat(Batch(targets=examples, anchors=examples)), Tuning(steps=_STEPS, least_steps=0), watch)
    steps = [end - start for start, end in zip(ends[_WARM - 1 :], ends[_WARM:], strict=False)]
    return {
        **asdict(shape), "parameters": shape.parameters, "gradient_seconds": gradient,
        "step_seconds": statistics.median(steps), "peak_bytes": torch.cuda.max_memory_allocated(),
        "device": torch.cuda.get_device_name(),
    }  # fmt: skip


def _model(shape: Shape) -> LanguageModel:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from tests.support.tiny_llm.tokenizer import tokenizer

    words = tokenizer()
    sizes = {key: value for key, value in asdict(shape).items() if key != "name"}
    config = LlamaConfig(**sizes, tie_word_embeddings=True, max_position_embeddings=4096, pad_token_id=0)
    with torch.device("cuda"):
        made = LlamaForCausalLM._from_config(config, dtype=torch.bfloat16)
    return LanguageModel(made.eval(), words)


def main() -> int:
    """Measure every shape that fits, or say what would be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="write the results as JSON")
    given = parser.parse_args()
    import torch

    if not torch.cuda.is_available():
        print("There is no CUDA device here. With one, this would be measured, largest last, until memory ends:")
        for shape in SHAPES:
            weights = shape.parameters / 1e9
            print(f"  {shape.name:>4}: {weights:6.2f} G weights, {2 * weights:6.1f} GB of bfloat16")
        return 0
    results = []
    for shape in SHAPES:
        if 2.2 * shape.parameters > torch.cuda.mem_get_info()[0]:
            print(f"{shape.name}: does not fit")
            continue
        results.append(measure(shape))
        print(json.dumps(results[-1]), flush=True)
    if given.out:
        given.out.write_text(json.dumps(results, indent=1) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
