"""Merging, attacked: what is merged is what was judged, nothing half-made is left, and lies have words."""

from __future__ import annotations

import errno
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="merging needs torch, which is not installed")
pytest.importorskip("peft", reason="merging needs peft, which is not installed")
pytest.importorskip("transformers", reason="merging needs transformers, which is not installed")

from safetensors.torch import load_file, save_file  # noqa: E402

from gatekeeper import merging, policy, tensors  # noqa: E402
from gatekeeper.errors import ContentChangedError, InputError  # noqa: E402
from gatekeeper.gate import Run  # noqa: E402
from gatekeeper.limits import DEFAULT_LIMITS  # noqa: E402
from gatekeeper.parsing import front_matter  # noqa: E402
from gatekeeper.sources import SourceOptions  # noqa: E402
from gatekeeper.tensors.stored import MergeRefusedError, stored_tensors  # noqa: E402
from tests.support.allowing import approved  # noqa: E402
from tests.support.tiny_adapters import write_adapter  # noqa: E402
from tests.support.tiny_llm.shelf import BASE  # noqa: E402

ON_DISK = SourceOptions(limits=replace(DEFAULT_LIMITS, memory_file_bytes=1_000))
"""As large files are read: they stay where they are, and somebody may write to them."""

WEIGHTS = "adapter_model.safetensors"


class AtTask:
    """A progress that does something when a task begins."""

    def __init__(self, label: str, act: Callable[[], None]) -> None:
        self._label, self._act = label, act

    @contextmanager
    def task(self, label: str, total: int | None, unit: str) -> Iterator[Callable[[int], None]]:
        if label == self._label:
            self._act()
        yield lambda _units: None


def merge(adapter: Path, base: Path, out: Path, **run: Any) -> merging.Outcome:
    """Merge what somebody has signed off."""
    known = approved(approved(Run(policy=policy.load()), base), adapter, base=base)
    asked = merging.Merging(base=str(base), out=out, logits=False)
    return merging.merge(str(adapter), replace(known, **run), asked)


def refusal(adapter: Path, base: Path, out: Path) -> str:
    made = merge(adapter, base, out)
    nothing_is_left(out)
    assert made.merged is None
    return " ".join(made.merge.refusals)


def nothing_is_left(out: Path) -> None:
    assert not out.exists()
    assert not list(out.parent.glob(".*.tmp"))


def copied(folder: Path) -> Path:
    return Path(shutil.copytree(BASE, folder))


def configured(folder: Path, name: str = "adapter_config.json", **values: Any) -> Path:
    path = folder / name
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))
    return folder


@pytest.mark.parametrize("whose", ["base", "adapter"])
def test_bytes_that_change_while_they_are_merged_leave_nothing(tmp_path: Path, whose: str) -> None:
    base = copied(tmp_path / "base")
    adapter = write_adapter(base, tmp_path / "adapter")
    target = {"base": base / "model.safetensors", "adapter": adapter / WEIGHTS}[whose]

    def spoil() -> None:
        data = bytearray(target.read_bytes())
        data[-1] ^= 1
        target.write_bytes(data)

    with pytest.raises(ContentChangedError):
        merge(adapter, base, tmp_path / "merged", source=ON_DISK, progress=AtTask("merging", spoil))
    nothing_is_left(tmp_path / "merged")


def test_who_gives_up_in_the_middle_finds_nothing(tmp_path: Path) -> None:
    adapter = write_adapter(BASE, tmp_path / "adapter")

    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        merge(adapter, BASE, tmp_path / "merged", progress=AtTask("merging", interrupt))
    nothing_is_left(tmp_path / "merged")


def test_a_full_disk_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    adapter = write_adapter(BASE, tmp_path / "adapter")

    def full() -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(InputError, match="No space left"):
        merge(adapter, BASE, tmp_path / "merged", progress=AtTask("merging", full))
    nothing_is_left(tmp_path / "merged")


def test_a_base_that_brings_an_adapter_is_refused(tmp_path: Path) -> None:
    adapter = write_adapter(BASE, tmp_path / "adapter")
    base = copied(tmp_path / "base")
    for name in ("adapter_config.json", WEIGHTS):
        shutil.copyfile(adapter / name, base / name)
    with pytest.raises(InputError, match="is an adapter itself"):
        merge(adapter, base, tmp_path / "merged")
    # Whoever loads such a folder would get the two of them.
    with pytest.raises(InputError, match="holds an adapter beside a model"):
        tensors.load_model(base, device="cpu")


@pytest.mark.parametrize("inside", ["base", "adapter"])
def test_no_result_lies_inside_what_went_in(tmp_path: Path, inside: str) -> None:
    base = copied(tmp_path / "base")
    adapter = write_adapter(base, tmp_path / "adapter")
    with pytest.raises(InputError, match="inside the source"):
        merge(adapter, base, tmp_path / inside / "merged")


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"layer_replication": [[0, 2], [1, 2]]}, "repeats layers"),
        ({"alora_invocation_tokens": [5]}, "certain tokens"),
        ({"init_lora_weights": "pissa"}, "changes the base's weights"),
        ({"init_lora_weights": {"a": 1}}, "changes the base's weights"),
        ({"use_qalora": True}, "groups inputs"),
        ({"megatron_config": {}, "megatron_core": "antigravity"}, "antigravity"),
        ({"r": 10**9, "rank_pattern": {"q_proj": 4, "down_proj": 4}}, "names rank 1000000000"),
        ({"modules_to_save": ["(a+)+b"]}, "grows steeply"),
        ({"layers_pattern": "(?P<a>(a+)+)", "layers_to_transform": [0, 1]}, "is not followed"),
        ({"alpha_pattern": {"a)|(b": 3}}, "can't be followed"),
    ],
)
def test_what_is_no_plain_product_is_never_merged_signed_off_or_not(
    tmp_path: Path, values: dict[str, Any], told: str
) -> None:
    adapter = configured(write_adapter(BASE, tmp_path / "adapter"), **values)
    assert told in refusal(adapter, BASE, tmp_path / "merged")


def with_head(folder: Path) -> Path:
    """Give the base an output layer of its own."""
    base = configured(copied(folder), "config.json", tie_word_embeddings=False)
    weights = load_file(base / "model.safetensors")
    weights["lm_head.weight"] = weights["model.embed_tokens.weight"].clone()
    save_file(weights, base / "model.safetensors", metadata={"format": "pt"})
    return base


def on_head(base: Path, folder: Path, *targets: str) -> Path:
    """Write an adapter of the output layer, without the copy of the base's that PEFT puts beside it."""
    adapter = write_adapter(base, folder, target_modules=["lm_head", *targets])
    factors = {name: each for name, each in load_file(adapter / WEIGHTS).items() if "base_layer" not in name}
    save_file(factors, adapter / WEIGHTS, metadata={"format": "pt"})
    return adapter


def test_what_peft_would_drop_is_not_merged(tmp_path: Path) -> None:
    base = with_head(tmp_path / "base")
    adapter = on_head(base, tmp_path / "adapter", "q_proj")
    assert merge(adapter, base, tmp_path / "merged").merge.refusals == ()
    # `all-linear` leaves the output layer out.
    configured(adapter, target_modules="all-linear")
    assert "PEFT lays nothing on it" in refusal(adapter, base, tmp_path / "again")


def test_an_output_layer_that_nobody_calls_untied_is_not_changed(tmp_path: Path) -> None:
    base = with_head(tmp_path / "base")
    adapter = on_head(base, tmp_path / "adapter")
    config = json.loads((base / "config.json").read_text())
    del config["tie_word_embeddings"]
    (base / "config.json").write_text(json.dumps(config))
    assert "tie_word_embeddings" in refusal(adapter, base, tmp_path / "merged")


def test_a_sign_off_of_other_bytes_counts_for_nothing(tmp_path: Path) -> None:
    adapter = write_adapter(BASE, tmp_path / "adapter")
    other = write_adapter(BASE, tmp_path / "other", seed=1)
    run = approved(approved(Run(policy=policy.load()), BASE), other, base=BASE)
    made = merging.merge(str(adapter), run, merging.Merging(base=str(BASE), out=tmp_path / "merged", logits=False))
    assert "the adapter is not allowed: audit" in " ".join(made.merge.refusals)
    nothing_is_left(tmp_path / "merged")


def test_an_adapter_that_is_edited_after_its_sign_off_is_not_merged(tmp_path: Path) -> None:
    adapter = write_adapter(BASE, tmp_path / "adapter")
    run = approved(approved(Run(policy=policy.load()), BASE), adapter, base=BASE)
    configured(adapter, lora_alpha=9)
    made = merging.merge(str(adapter), run, merging.Merging(base=str(BASE), out=tmp_path / "merged", logits=False))
    assert "the adapter is not allowed: audit" in " ".join(made.merge.refusals)
    nothing_is_left(tmp_path / "merged")


def test_a_pickled_adapter_is_not_merged(tmp_path: Path) -> None:
    adapter = write_adapter(BASE, tmp_path / "adapter")
    torch.save(load_file(adapter / WEIGHTS), adapter / "adapter_model.bin")
    (adapter / WEIGHTS).unlink()
    run = Run(policy=policy.load())
    made = merging.merge(str(adapter), run, merging.Merging(base=str(BASE), out=tmp_path / "merged", logits=False))
    assert made.merge.refusals
    nothing_is_left(tmp_path / "merged")


@pytest.mark.parametrize(
    ("cards", "declared", "told"),
    [
        (("mit", "mit"), "mit", "of the base `mit`, of the adapter `mit`"),
        (("llama3.1", "mit"), None, "of the base `llama3.1`, of the adapter `mit`"),
        (("mit", ""), None, "of the base `mit`, of the adapter none"),
        (("a`\n# b", "mit"), None, "of the base `a"),
    ],
)
def test_the_card_says_of_licences_what_was_declared_and_no_more(
    tmp_path: Path, cards: tuple[str, str], declared: str | None, told: str
) -> None:
    base = copied(tmp_path / "base")
    adapter = write_adapter(base, tmp_path / "adapter")
    (base / "LICENSE").write_text("The terms.\n")
    for folder, licence in zip((base, adapter), cards, strict=True):
        if licence:
            (folder / "README.md").write_text(f"---\nlicense: {json.dumps(licence)}\n---\n")
    made = merge(adapter, base, tmp_path / "merged")
    assert made.merge.refusals == ()
    card = (tmp_path / "merged" / "README.md").read_bytes()
    assert front_matter(card, limit=10_000).get("license") == declared
    assert told in card.decode()
    assert card.decode().count("\n# ") == 1
    assert (tmp_path / "merged" / "LICENSE").read_text() == "The terms.\n"


def shards(folder: Path) -> Path:
    """Cut a base in two, with an index."""
    base = copied(folder)
    weights = load_file(base / "model.safetensors")
    names = sorted(weights)
    places: dict[str, str] = {}
    for number in (0, 1):
        own = {name: weights[name] for name in names[number::2]}
        save_file(own, base / f"model-{number}.safetensors", metadata={"format": "pt"})
        places |= dict.fromkeys(own, f"model-{number}.safetensors")
    (base / "model.safetensors").unlink()
    return written(base, places)


def written(base: Path, places: dict[str, Any]) -> Path:
    (base / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": places}))
    return base


def places_of(base: Path) -> dict[str, str]:
    places: dict[str, str] = json.loads((base / "model.safetensors.index.json").read_text())["weight_map"]
    return places


NORM = "model.norm.weight"


def other_shard(base: Path) -> str:
    return next(file for file in sorted(set(places_of(base).values())) if file != places_of(base)[NORM])


@pytest.mark.parametrize(
    ("lie", "told"),
    [
        (lambda base: written(base, {**places_of(base), "ghost.weight": "model-0.safetensors"}), "the truth about 'gh"),
        (lambda base: written(base, {**places_of(base), NORM: other_shard(base)}), "the truth about 'model.norm"),
        (lambda base: written(base, {name: at for name, at in places_of(base).items() if name != NORM}), "the truth"),
        (lambda base: written(base, {**places_of(base), NORM: "../model-0.safetensors"}), "which is not there"),
        (lambda base: written(base, {**places_of(base), NORM: "config.json"}), "which is not there"),
        (lambda base: written(base, {**places_of(base), NORM: 3}), "no weight_map"),
        (lambda base: (base / "model.safetensors.index.json").write_text("{"), "can't be read"),
        (lambda base: shutil.copyfile(BASE / "model.safetensors", base / "model.safetensors"), "has both"),
    ],
)  # fmt: skip
def test_an_index_that_lies_is_refused(tmp_path: Path, lie: Callable[[Path], Any], told: str) -> None:
    base = shards(tmp_path / "base")
    assert len(stored_tensors(base)) == len(load_file(BASE / "model.safetensors"))
    lie(base)
    with pytest.raises(MergeRefusedError, match=told):
        stored_tensors(base)


@pytest.mark.parametrize(
    "entry",
    [
        {"dtype": "F16", "shape": [4], "data_offsets": [0, 6]},
        {"dtype": "F16", "shape": [4], "data_offsets": [-8, 0]},
        {"dtype": "F16", "shape": [10**9], "data_offsets": [0, 2 * 10**9]},
        {"dtype": "F16", "shape": [-2, -2], "data_offsets": [0, 8]},
        {"dtype": "F16", "shape": "4", "data_offsets": {}},
        {"dtype": "F16"},
        [],
    ],
)
def test_a_header_that_lies_is_refused(tmp_path: Path, entry: Any) -> None:
    head = json.dumps({"x.weight": entry}).encode()
    (tmp_path / "model.safetensors").write_bytes(len(head).to_bytes(8, "little") + head + bytes(8))
    with pytest.raises(MergeRefusedError, match="header of"):
        stored_tensors(tmp_path)
