"""Two processes answer, measure and learn as one does; whatever happens to one of them, the first one says it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gatekeeper.codec import ShapeError
from gatekeeper.errors import GatekeeperError, InputError
from gatekeeper.tensors import Batch, Contrast, Example, Prompt, Tuning, launched, load_model
from tests.support.together import Ended, place, together

torch = pytest.importorskip("torch", reason="language models need torch, which is not installed")
pytest.importorskip("transformers", reason="language models need transformers, which is not installed")
pytest.importorskip("peft", reason="tuning needs peft, which is not installed")
pytest.importorskip("accelerate", reason="processes are joined by accelerate, which is not installed")

from safetensors.torch import load_file  # noqa: E402 - comes with transformers

from gatekeeper.tensors import calls  # noqa: E402 - its room needs torch
from gatekeeper.tensors.calls import Call, Reply, Source  # noqa: E402 - as above
from gatekeeper.tensors.shared_model import device_of  # noqa: E402 - needs torch
from tests.support.tiny_llm import company  # noqa: E402 - needs torch
from tests.support.tiny_llm.shelf import BASE  # noqa: E402 - needs torch

Pair = tuple[list[Ended], dict[str, Any], Path]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """What two processes made of a model before the second one died: (their ends, what was found, folder)."""
    out = tmp_path_factory.mktemp("pair")
    ended = together(2, "tests.support.tiny_llm.company", "measure", str(BASE), str(out))
    assert (out / "found.json").is_file(), [each.err for each in ended]
    return ended, json.loads((out / "found.json").read_text("ascii")), out


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    out = tmp_path_factory.mktemp("alone")
    model = load_model(BASE, device="cpu", dtype="float32")
    return company.measured(model, out / "adapter"), out


def test_two_processes_answer_and_measure_as_one(pair: Pair, alone: tuple[dict[str, Any], Path]) -> None:
    found, expected = pair[1], alone[0]
    assert found["device"] == "cpu, float32 in 2 processes"
    for when in ("before", "after", "frozen"):
        assert found[when]["answers"] == expected[when]["answers"]
        assert found[when]["certain_runs"] == expected[when]["certain_runs"]
        for what in ("margins", "log_likelihoods", "divergences"):
            np.testing.assert_allclose(found[when][what], expected[when][what], atol=1e-3)
    for what in ("margins", "log_likelihoods"):
        np.testing.assert_allclose(found["frozen"][what], found["before"][what], atol=1e-6)
    assert found["frozen"]["answers"] == found["before"]["answers"]
    assert found["after"]["answers"] != found["before"]["answers"]
    assert max(found["before"]["certain_runs"]) > 0


def test_the_adapter_that_two_learn_is_the_one_that_one_learns(pair: Pair, alone: tuple[dict[str, Any], Path]) -> None:
    np.testing.assert_allclose(pair[1]["steps"], alone[0]["steps"], atol=1e-4)
    one, both = (load_file(folder / "adapter" / "adapter_model.safetensors") for folder in (alone[1], pair[2]))
    assert one.keys() == both.keys()
    moved = max(float(weight.abs().max()) for name, weight in one.items() if "lora_B" in name)
    apart = max(float((one[name] - both[name]).abs().max()) for name in one)
    assert moved > 1000 * apart, (moved, apart)


def test_memory_that_one_process_lacks_ends_the_tuning_and_nothing_else(pair: Pair) -> None:
    _, found, _ = pair
    assert "memory does not suffice" in found["short"]
    assert found["after_short"] == found["before"]["answers"]


def test_an_adapter_that_one_process_alone_can_not_lay_on_keeps_none_waiting(pair: Pair) -> None:
    _, found, _ = pair
    assert len(found["unlaid"]) == 2
    assert all("memory does not suffice" in told for told in found["unlaid"])
    assert found["after_unlaid"] == found["before"]["answers"]


def test_a_process_that_dies_ends_the_others(pair: Pair) -> None:
    ended, found, _ = pair
    assert [each.code for each in ended] == [3, 9]
    assert found["lost"] == "another of the processes that work together has ended"


def test_a_whole_repair_by_two_processes_is_verified_and_told_by_the_first_alone(tmp_path: Path) -> None:
    first, second = together(2, "tests.support.tiny_llm.company", "patch", str(tmp_path))
    assert (first.code, second.code) == (0, 0), first.err + second.err
    assert second.out == second.err == ""
    assert "repaired and verified" in first.out
    remedy = json.loads((tmp_path / "repair" / "remedy.json").read_text("utf-8"))
    assert remedy["verified"]
    assert remedy["device"] == "cpu, float32 in 2 processes"
    assert {path.name for path in (tmp_path / "repair" / "patched").iterdir()} == {"adapter", "merged"}


def test_a_repair_that_loses_a_process_writes_nothing_and_says_why(tmp_path: Path) -> None:
    first, second = together(2, "tests.support.tiny_llm.company", "patch", str(tmp_path), "dies")
    assert (first.code, second.code) == (3, 9)
    assert first.err.startswith("error: another of the processes that work together has ended")
    assert "Traceback" not in first.err
    assert list((tmp_path / "repair").iterdir()) == []


def test_a_call_comes_through_as_it_was_told() -> None:
    prompt = Prompt(text="half a pair: \ud83d", system="s", before=(("user", "a"), ("assistant", "\n")))
    example = Example(prompt=prompt, response='"', ended=False)
    told = (
        Call(method="margins", model=3, forget=(1, 2), frozen=True, prompts=(prompt,),
             contrast=Contrast(prefix=(5,), wrong=6, right=(7, 8))),
        Call(method=calls.STEP, number=4, batch=Batch(targets=(example,), anchors=())),
        Call(method=calls.BEGIN, tuning=Tuning(modules=("a.b",))),
        Call(method=calls.LOAD, source=Source(folder="f", adapter=None, device="cpu", dtype="float32", int8=True)),
        Call(method="certain_runs", examples=(example,) * 20_000, least=0.5),
    )  # fmt: skip
    for call in told:
        assert calls.read(calls.written(call)) == call
    with pytest.raises(ShapeError):
        calls.read(b'{"method": 3}')


def test_a_failure_is_told_as_what_it_was() -> None:
    kinds = {InputError("a", hint="b"): InputError, MemoryError("c"): MemoryError, KeyError("d"): GatekeeperError}
    for raised, expected in kinds.items():
        told = calls.reply_read(calls.reply_written(calls.failed(raised)))
        with pytest.raises(expected) as caught:
            calls.raise_failure(1, told)
        assert type(caught.value) is expected
    calls.raise_failure(1, calls.failed(calls.PeerFailedError()))
    calls.raise_failure(1, Reply(values=(1.0, "x")))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"LOCAL_WORLD_SIZE": "1"}, "not all on this machine"),
        ({"LOCAL_WORLD_SIZE": ""}, "not all on this machine"),
        ({"RANK": "2"}, "name no place"),
        ({"RANK": "-1"}, "name no place"),
        ({"WORLD_SIZE": "100000"}, "name no place"),
        ({"MASTER_PORT": ""}, "name no place"),
        ({"ACCELERATE_USE_FSDP": "true"}, "FSDP is not offered"),
        ({"ACCELERATE_USE_DEEPSPEED": "1"}, "DeepSpeed is not offered"),
    ],
)
def test_a_launch_that_can_not_be_followed_is_refused(
    changes: dict[str, str], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {**place(1, 2, 29500), **changes}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(InputError, match=told):
        launched()


def test_a_process_knows_whether_it_is_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert launched() is None
    for rank, size in ((0, 1), (1, 2)):
        for name, value in place(rank, size, 29500).items():
            monkeypatch.setenv(name, value)
        here = launched()
        assert (here and (here.rank, here.size)) == (None if size == 1 else (rank, size))


@pytest.mark.parametrize("device", ["all", "cuda:1", "cuda:\x1b"])
def test_processes_do_not_share_a_device(device: str) -> None:
    with pytest.raises(InputError, match="can't share the device") as caught:
        device_of(device, 0, 2)
    assert "\x1b" not in caught.value.message


def test_each_process_has_a_gpu_of_its_own_or_none_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert [device_of("auto", rank, 2) for rank in (0, 1)] == ["cuda:0", "cuda:1"]
    with pytest.raises(InputError, match="3 processes need as many GPUs, and there are 2"):
        device_of("auto", 0, 3)
    assert device_of("cpu", 2, 3) == "cpu"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert device_of("auto", 1, 2) == "cpu"
    with pytest.raises(InputError, match="there are 0"):
        device_of("cuda", 0, 2)
