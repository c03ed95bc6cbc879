"""What becomes of each file, how shards are indexed anew, and how a result takes its name. Needs no torch."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path, PurePosixPath

import pytest

from gatekeeper.errors import InputError
from gatekeeper.limits import DEFAULT_LIMITS
from gatekeeper.tensors.index import IndexRefusedError, Shard, rewrite
from gatekeeper.tensors.plan import Fate, plan
from gatekeeper.tensors.readback import ReadbackError, read_back
from gatekeeper.tensors.staging import check_destination, staged
from tests.support import samples
from tests.support.artifacts import artifact

TORCH = b"PK\x03\x04 and so on"
LEGACY = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."


def planned(files: dict[str, bytes], *, copy_code: bool = False) -> dict[str, tuple[Fate, str]]:
    steps = plan(artifact(files).files, lambda file: file.content.read(1 << 20)[:16], copy_code=copy_code)
    assert len(steps) == len(files)
    assert all(bool(step.reason) == (step.fate is Fate.LEFT_OUT) for step in steps)
    return {str(step.file.path): (step.fate, str(step.target)) for step in steps}


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("pytorch_model.bin", "model.safetensors"),
        ("pytorch_model.fp16.bin", "model.fp16.safetensors"),
        ("pytorch_model-00001-of-00002.bin", "model-00001-of-00002.safetensors"),
        ("unet/diffusion_pytorch_model.bin", "unet/diffusion_pytorch_model.safetensors"),
        ("adapter_model.bin", "adapter_model.safetensors"),
        ("v1-5.ckpt", "v1-5.safetensors"),
        ("a.b.pth", "a.b.safetensors"),
    ],
)
def test_torch_files_get_the_names_that_loaders_look_for(name: str, target: str) -> None:
    assert planned({name: TORCH})[name] == (Fate.CONVERTED, target)
    assert planned({name: LEGACY})[name] == (Fate.CONVERTED, target)


def test_indexes_are_made_anew_and_safe_ones_copied() -> None:
    fates = planned({
        "pytorch_model.bin.index.json": b"{}", "a/x.bin.index.fp16.json": b"{}", "b/model.safetensors.index.json": b"{}"
    })  # fmt: skip
    assert fates == {
        "pytorch_model.bin.index.json": (Fate.REWRITTEN, "model.safetensors.index.json"),
        "a/x.bin.index.fp16.json": (Fate.REWRITTEN, "a/x.safetensors.index.fp16.json"),
        "b/model.safetensors.index.json": (Fate.COPIED, "b/model.safetensors.index.json"),
    }


def test_data_is_copied_and_code_and_pickles_are_not() -> None:
    files = dict.fromkeys(("config.json", "tokenizer.model", "LICENSE", "README.md", "x.safetensors"), b"x")
    files |= dict.fromkeys(("modeling.py", "run.sh", "vectors.pkl", "libx.so", "noise.bin", "conversion.json"), b"x")
    fates = planned(files)
    assert {name for name, (fate, _) in fates.items() if fate is Fate.COPIED} == set(list(files)[:5])
    assert {name for name, (fate, _) in fates.items() if fate is Fate.LEFT_OUT} == set(list(files)[5:])
    assert planned(files, copy_code=True)["modeling.py"][0] is Fate.COPIED


@pytest.mark.parametrize("name", ["training_args.bin", "optimizer.pt", "scheduler.bin", "rng_state_0.pth", "scaler.pt"])
def test_states_of_training_are_left_out(name: str) -> None:
    assert planned({name: TORCH})[name][0] is Fate.LEFT_OUT
    assert planned({f"my_{name}": TORCH})[f"my_{name}"][0] is Fate.CONVERTED


def test_two_files_never_become_one() -> None:
    fates = planned({"pytorch_model.bin": TORCH, "model.safetensors": b"x", "m.pt": TORCH, "M.pth": TORCH})
    assert fates["model.safetensors"][0] is Fate.COPIED
    assert fates["pytorch_model.bin"][0] is Fate.LEFT_OUT
    assert sorted([fates["m.pt"][0], fates["M.pth"][0]]) == [Fate.CONVERTED, Fate.LEFT_OUT]


SHARDS = {
    PurePosixPath(f"d/pytorch_model-{number}.bin"): Shard(
        target=PurePosixPath(f"d/model-{number}.safetensors"),
        names=frozenset({f"w{number}"}),
        aliases=frozenset({"tied"}) if number == 1 else frozenset(),
        tensor_bytes=8,
    )
    for number in (1, 2)
}


def index(**weights: str) -> bytes:
    return json.dumps({"metadata": {"total_size": 1, "by": "x"}, "weight_map": weights}).encode()


def test_an_index_names_the_new_shards_and_their_true_size() -> None:
    old = index(w1="pytorch_model-1.bin", tied="pytorch_model-1.bin", w2="pytorch_model-2.bin")
    assert json.loads(rewrite(old, PurePosixPath("d"), SHARDS, depth=8)) == {
        "metadata": {"total_size": 16, "by": "x"},
        "weight_map": {"w1": "model-1.safetensors", "w2": "model-2.safetensors"},
    }


@pytest.mark.parametrize(
    "bad",
    [b"{", b"{}", b'{"weight_map": {"a": 1}}', index(w1="pytorch_model-3.bin"), index(w2="pytorch_model-1.bin"),
     index(w1="../d/pytorch_model-1.bin"), index(w1="/etc/passwd")],
)  # fmt: skip
def test_an_index_that_does_not_fit_is_refused(bad: bytes) -> None:
    with pytest.raises(IndexRefusedError):
        rewrite(bad, PurePosixPath("d"), SHARDS, depth=8)


def test_what_is_read_back_is_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(samples.honest_safetensors(b=2, a=3))
    back = read_back(path, DEFAULT_LIMITS)
    assert [(tensor.name, tensor.shape) for tensor in back.tensors] == [("a", (3,)), ("b", (2,))]
    assert back.tensor_bytes == 20


@pytest.mark.parametrize(
    "data",
    [b"", b"{}", samples.safetensors(b"{"), samples.safetensors({}, b"x"), samples.honest_safetensors(a=2)[:-1],
     samples.honest_safetensors(a=2) + b"x", samples.safetensors({"a": []}), samples.safetensors({}, length=1 << 60),
     samples.safetensors({"a": {"dtype": "U8", "shape": [1], "data_offsets": [1, 2]}}, b"xx")],
)  # fmt: skip
def test_a_broken_result_is_not_believed(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a").write_bytes(data)
    with pytest.raises(ReadbackError):
        read_back(tmp_path / "a", DEFAULT_LIMITS)


def test_a_result_that_leads_elsewhere_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "honest").write_bytes(samples.honest_safetensors())
    (tmp_path / "link").symlink_to("honest")
    (tmp_path / "hard").hardlink_to(tmp_path / "honest")
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "hard", "pipe", "nothing"):
        with pytest.raises(ReadbackError):
            read_back(tmp_path / name, DEFAULT_LIMITS)


def test_a_destination_must_be_free_and_outside(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "dangling").symlink_to("nothing")
    (tmp_path / "file").write_text("x")
    source = tmp_path / "there"
    for name in ("there", "dangling", "there/inside", "missing/x", "file/x", "a.safetensors"):
        with pytest.raises(InputError) as caught:
            check_destination(tmp_path / name, source)
        assert caught.value.hint
    assert check_destination(tmp_path / "free", source) == tmp_path.resolve() / "free"


def test_a_result_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    with staged(tmp_path / "good") as work:
        (work / "result" / "a").write_text("x")
        assert not (tmp_path / "good").exists()
    assert (tmp_path / "good" / "a").read_text() == "x"
    with pytest.raises(InputError, match="can't be written"), staged(tmp_path / "bad") as work:
        (work / "result" / "a").symlink_to("nothing")
    with staged(tmp_path / "refused") as work:
        (work / "result").rmdir()
    with pytest.raises(InputError), staged(tmp_path / "taken"):
        (tmp_path / "taken").mkdir()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["good", "taken"]


def test_an_interrupt_leaves_nothing(tmp_path: Path) -> None:
    script = (
        "import sys, time, signal, pathlib\n"
        "from gatekeeper.tensors.staging import staged\n"
        "signal.signal(signal.SIGTERM, signal.default_int_handler)\n"
        "with staged(pathlib.Path(sys.argv[1])) as work:\n"
        "    (work / 'result' / 'a').write_text('x')\n"
        "    print('begun', flush=True)\n"
        "    time.sleep(60)\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "out")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"begun\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) != 0
    assert not list(tmp_path.iterdir())
