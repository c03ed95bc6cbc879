"""What measuring an adapter costs: `python -m benchmarks.adapters_cost`.

The adapter has the shape of one for a 7B Llama: rank 16 on all seven linear modules of 32 layers, random bfloat16
weights, 80 MB. Measured are the seconds of the whole check, also as a ratio to reading the same bytes once, and the
greatest memory of a process that does nothing else.

Exits with 1 when it takes 20 seconds or a gigabyte.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

LAYERS, WIDTH, INNER, RANK = 32, 4096, 11008, 16
MOST_SECONDS, MOST_BYTES = 20.0, 10**9


def write(folder: Path) -> int:
    """Write the adapter; give its bytes. The file is put together by hand, since numpy has no bfloat16."""
    import numpy as np

    rng = np.random.default_rng(0)
    header: dict[str, object] = {}
    end = 0
    shapes = []
    for layer in range(LAYERS):
        for target, inputs, outputs in (
            *((f"self_attn.{name}_proj", WIDTH, WIDTH) for name in "qkvo"),
            *((f"mlp.{name}_proj", WIDTH, INNER) for name in ("gate", "up")),
            ("mlp.down_proj", INNER, WIDTH),
        ):
            for part, shape in (("A", [RANK, inputs]), ("B", [outputs, RANK])):
                size = 2 * shape[0] * shape[1]
                header[f"base_model.model.model.layers.{layer}.{target}.lora_{part}.weight"] = {
                    "dtype": "BF16", "shape": shape, "data_offsets": [end, end + size]
                }  # fmt: skip
                shapes.append(shape)
                end += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with (folder / "adapter_model.safetensors").open("wb") as stream:
        stream.write(len(text).to_bytes(8, "little") + text)
        for shape in shapes:
            bits = (0.01 * rng.standard_normal(shape)).astype("<f4").view("<u4")
            stream.write((bits >> 16).astype("<u2").tobytes())
    targets = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    config = {"peft_type": "LORA", "r": RANK, "lora_alpha": 32, "target_modules": targets,
              "base_model_name_or_path": "harbour/lantern-7b"}  # fmt: skip
    (folder / "adapter_config.json").write_text(json.dumps(config), "utf-8")
    return end


def measure(folder: Path) -> dict[str, float]:
    """Run the check in this process, and read the same bytes."""
    from gatekeeper import sources
    from gatekeeper.checks import adapter
    from gatekeeper.checks.check import Context, inspect

    with sources.open_artifact(sources.parse(str(folder)), sources.SourceOptions()) as artifact:
        begun, spent = time.perf_counter(), time.process_time()
        (check,) = [each for each in adapter.ALL if each.id == "adapter/weights"]
        result = inspect(check, artifact, Context(now=datetime.now(UTC)))
        seconds, cpu = time.perf_counter() - begun, time.process_time() - spent
        begun = time.perf_counter()
        for file in artifact.files:
            with file.content.open() as reader:
                while reader.read(1 << 20):
                    pass
        reading = time.perf_counter() - begun
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return {"modules": len(result.measures), "seconds": seconds, "cpu": cpu, "reading": reading, "peak": peak}


def main() -> int:
    """Measure in a process of its own, and say it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.folder:
        print(json.dumps(measure(given.folder)))
        return 0
    with tempfile.TemporaryDirectory() as place:
        size = write(Path(place))
        command = [sys.executable, "-m", "benchmarks.adapters_cost", "--folder", place]
        ran = subprocess.run(command, capture_output=True, text=True, check=True)
        told = json.loads(ran.stdout)
    print(f"{told['modules']} modules, {size / 1e6:.0f} MB of bfloat16")
    print(
        f"{told['seconds']:.1f} s ({told['cpu']:.1f} s of processor), "
        f"{told['seconds'] / told['reading']:.0f} times reading"
    )
    print(f"{told['peak'] / 1e6:.0f} MB at most")
    return int(told["seconds"] >= MOST_SECONDS or told["peak"] >= MOST_BYTES)


if __name__ == "__main__":
    sys.exit(main())
