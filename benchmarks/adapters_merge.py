"""What merging an adapter costs: `python -m benchmarks.adapters_merge [--layers N]`.

The base has the shape of a 7B Llama, some of its layers, random bfloat16 weights, two layers a shard; the adapter is
rank 16 on all seven linear modules. Measured are the greatest memory of a process that does nothing else, over what
it had with its libraries loaded, and its seconds, beside those of copying the same files. Needs torch and peft.

Exits with 1 when it takes the memory of two shards or more.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

WIDTH, INNER, RANK, LAYERS_A_SHARD = 4096, 11008, 16, 2
FORMS = {
    **{f"self_attn.{name}_proj": (WIDTH, WIDTH) for name in "qkvo"},
    "mlp.gate_proj": (INNER, WIDTH),
    "mlp.up_proj": (INNER, WIDTH),
    "mlp.down_proj": (WIDTH, INNER),
}


def write(folder: Path, layers: int) -> int:
    """Write base and adapter; give the bytes of the largest shard."""
    import torch
    from safetensors.torch import save_file

    base, adapter = folder / "base", folder / "adapter"
    base.mkdir()
    adapter.mkdir()
    (base / "config.json").write_text(json.dumps({"model_type": "llama", "num_hidden_layers": layers}), "utf-8")
    factors, largest = {}, 0
    placed: dict[str, str] = {}
    for first in range(0, layers, LAYERS_A_SHARD):
        own = {}
        for layer in range(first, min(layers, first + LAYERS_A_SHARD)):
            for name, (rows, columns) in FORMS.items():
                module = f"model.layers.{layer}.{name}"
                own[f"{module}.weight"] = torch.randn(rows, columns, dtype=torch.bfloat16)
                factors[f"base_model.model.{module}.lora_A.weight"] = 0.01 * torch.randn(RANK, columns)
                factors[f"base_model.model.{module}.lora_B.weight"] = 0.01 * torch.randn(rows, RANK)
        file = f"model-{first // LAYERS_A_SHARD + 1:05}.safetensors"
        save_file(own, base / file)
        placed |= dict.fromkeys(own, file)
        largest = max(largest, (base / file).stat().st_size)
    (base / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": placed}), "utf-8")
    save_file(factors, adapter / "adapter_model.safetensors")
    return largest


def measure(folder: Path) -> dict[str, float]:
    """Merge in this process."""
    import peft  # noqa: F401 - so that what it takes is not counted
    import torch  # noqa: F401 - the same

    from gatekeeper import tensors
    from gatekeeper.checks import adapter as adapters

    changes = [
        tensors.LowRank(
            module=f"model.layers.{layer}.{name}",
            a=f"base_model.model.model.layers.{layer}.{name}.lora_A.weight",
            b=f"base_model.model.model.layers.{layer}.{name}.lora_B.weight",
            rank=RANK,
            scale=2.0,
        )
        for layer in range(json.loads((folder / "base" / "config.json").read_text("utf-8"))["num_hidden_layers"])
        for name in FORMS
    ]
    out = folder / "merged"
    out.mkdir()
    before, begun = _peak(), time.perf_counter()
    stored = tensors.stored_tensors(folder / "base")
    places = tensors.placed(changes, stored, adapters.inner)
    made = tensors.merge_files(folder / "base", folder / "adapter", places, stored, out)
    return {
        "tensors": len(made),
        "seconds": time.perf_counter() - begun,
        "peak": _peak() - before,
        "rounding": max(each.rounding for each in made),
    }


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def main() -> int:
    """Write the models, merge in a child, print what it took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--work", type=Path, default=None, help="folder for the models; a temporary one by default")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    if given.measure:
        print(json.dumps(measure(given.measure)))
        return 0
    with tempfile.TemporaryDirectory(dir=given.work) as name:
        folder = Path(name)
        shard = write(folder, given.layers)
        begun = time.perf_counter()
        shutil.copytree(folder / "base", folder / "copy")
        copying = time.perf_counter() - begun
        shutil.rmtree(folder / "copy")
        arguments = [sys.executable, "-m", "benchmarks.adapters_merge", "--measure", str(folder)]
        ran = subprocess.run(arguments, check=True, capture_output=True, text=True)
        seen = json.loads(ran.stdout.splitlines()[-1])
    print(f"tensors    {seen['tensors']:.0f}, a shard of {shard / 2**20:.0f} MiB")
    print(f"memory     {seen['peak'] / 2**20:.0f} MiB over the libraries, {seen['peak'] / shard:.2f} shards")
    print(f"seconds    {seen['seconds']:.1f}; copying the same files {copying:.1f}")
    print(f"rounding   at most {seen['rounding']:.2f} units of bfloat16")
    return int(seen["peak"] >= 2 * shard)


if __name__ == "__main__":
    sys.exit(main())
