"""`conversion.convert`: honest torch files become safetensors; everything else becomes a reason and no folder."""

from __future__ import annotations

import hashlib
import json
import pickle
import struct
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import jsonschema
import pytest

torch = pytest.importorskip("torch", reason="converting needs torch, which is not installed")

from safetensors import safe_open  # noqa: E402

from gatekeeper import conversion as line  # noqa: E402
from gatekeeper import tensors  # noqa: E402
from gatekeeper.errors import InputError  # noqa: E402
from gatekeeper.tensors.job import job  # noqa: E402
from tests.support import samples  # noqa: E402


def convert(source: Path, destination: Path, **options: Any) -> tensors.Conversion:
    conversion = line.convert(str(source.absolute()), destination, **options)
    if conversion.refusals:
        assert not destination.exists()
        assert not conversion.converted
    else:
        jsonschema.validate(record(destination), tensors.json_schema())
    assert not [path for path in destination.parent.iterdir() if path.name.startswith(".")]
    return conversion


def record(destination: Path) -> dict[str, Any]:
    parsed = json.loads((destination / "conversion.json").read_text("ascii"))
    assert isinstance(parsed, dict)
    return parsed


def asked(source: Path, *, key: str = "") -> dict[str, Any]:
    """Run the child's job here: its rules are the same, its walls are not what these tests are about."""
    told: list[bytes] = []
    request = {"source": str(source), "target": str(source) + ".out", "size": source.stat().st_size, "key": key}
    job(json.dumps({**request, "most": 1000}).encode(), told.append)
    (answer,) = map(json.loads, told)
    assert ("refused" in answer) != Path(str(source) + ".out").exists()
    assert isinstance(answer, dict)
    return answer


def refusal(source: Path, **options: Any) -> str:
    return str(asked(source, **options)["refused"])


def raw(tensor: Any) -> bytes:
    flat = tensor.detach().contiguous().reshape(-1)
    return flat.view(torch.uint8).numpy().tobytes() if flat.numel() else b""


KINDS: dict[str, Any] = {
    "float32": torch.arange(12, dtype=torch.float32).reshape(3, 4),
    "not a number": torch.tensor([0x7FC00001, -0x3EDCBB, 0x7F800001], dtype=torch.int32).view(torch.float32),
    "bfloat16": torch.tensor([1.5, -2.25], dtype=torch.bfloat16),
    "float16": torch.tensor([1.5], dtype=torch.float16),
    "float64": torch.tensor([1e300], dtype=torch.float64),
    "fp8 e4m3": torch.ones(5).to(torch.float8_e4m3fn),
    "fp8 e5m2": torch.ones(5).to(torch.float8_e5m2),
    "int64": torch.tensor([-(1 << 62)]),
    "uint16": torch.tensor([65535], dtype=torch.uint16),
    "bool": torch.tensor([True, False]),
    "complex": torch.tensor([1 + 2j], dtype=torch.complex64),
    "no dimension": torch.tensor(3.5),
    "empty": torch.zeros(0, 3),
    "transposed": torch.arange(6.0).reshape(2, 3).t(),
    "strided": torch.arange(10.0)[::3],
    "channels last": torch.arange(24.0).reshape(1, 2, 3, 4).to(memory_format=torch.channels_last),
    "parameter": torch.nn.Parameter(torch.ones(2)),
}  # fmt: skip


def test_every_kind_of_tensor_keeps_its_bits(tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    torch.save(KINDS, tmp_path / "m" / "pytorch_model.bin")
    (tmp_path / "m" / "config.json").write_text('{"a": 1}\n')
    conversion = convert(tmp_path / "m", tmp_path / "out")
    assert conversion.refusals == ()
    same_bits(tmp_path / "out" / "model.safetensors", KINDS)
    (made,) = conversion.converted
    assert {tensor.name: tensor.sha256 for tensor in made.tensors} == {
        name: hashlib.sha256(raw(tensor)).hexdigest() for name, tensor in KINDS.items()
    }
    assert made.source.sha256 == hashlib.sha256((tmp_path / "m" / "pytorch_model.bin").read_bytes()).hexdigest()
    assert made.result.sha256 == hashlib.sha256((tmp_path / "out" / "model.safetensors").read_bytes()).hexdigest()
    assert (tmp_path / "out" / "config.json").read_text() == '{"a": 1}\n'


def same_bits(path: Path, kinds: dict[str, Any]) -> None:
    with safe_open(path, "pt") as back:
        assert set(back.keys()) == set(kinds)
        for name, tensor in kinds.items():
            found = back.get_tensor(name)
            assert (found.dtype, found.shape) == (tensor.dtype, tensor.shape)
            assert raw(found) == raw(tensor)


def test_the_old_format_keeps_its_bits_too(tmp_path: Path) -> None:
    # These types came after the old format, which has no storage for them.
    kinds = {name: kind for name, kind in KINDS.items() if not name.startswith(("uint16", "fp8"))}
    torch.save(kinds, tmp_path / "a.pt", _use_new_zipfile_serialization=False)
    assert asked(tmp_path / "a.pt")["tensors"].keys() == kinds.keys()
    same_bits(tmp_path / "a.pt.out", kinds)


def test_tied_weights_are_written_once_and_views_apart(tmp_path: Path) -> None:
    weight = torch.arange(6.0).reshape(2, 3)
    torch.save({"lm_head": weight, "embed": weight, "row": weight[1], "turned": weight.t()}, tmp_path / "a.pt")
    assert asked(tmp_path / "a.pt")["aliases"] == {"lm_head": "embed"}
    with safe_open(tmp_path / "a.pt.out", "pt") as back:
        assert back.metadata() == {"lm_head": "embed", "format": "pt"}
        assert back.get_tensor("row").tolist() == [3.0, 4.0, 5.0]
        assert back.get_tensor("turned").tolist() == weight.t().tolist()


def test_shards_get_a_new_index(tmp_path: Path) -> None:
    source = tmp_path / "m"
    (source / "sub").mkdir(parents=True)
    weights = {}
    for number in (1, 2):
        name = f"pytorch_model-0000{number}-of-00002.bin"
        tensor = torch.full((number + 1,), float(number))
        torch.save({f"w{number}": tensor, f"tied{number}": tensor}, source / name)
        weights |= {f"w{number}": name, f"tied{number}": name}
    index = {"metadata": {"total_size": 40}, "weight_map": weights}
    (source / "pytorch_model.bin.index.json").write_text(json.dumps(index))
    torch.save({"w": torch.ones(1)}, source / "sub" / "diffusion_pytorch_model.bin")
    conversion = convert(source, tmp_path / "out")
    assert conversion.refusals == ()
    made = json.loads((tmp_path / "out" / "model.safetensors.index.json").read_text())
    assert made == {
        "metadata": {"total_size": 20},
        "weight_map": {"tied1": "model-00001-of-00002.safetensors", "tied2": "model-00002-of-00002.safetensors"},
    }
    assert (tmp_path / "out" / "sub" / "diffusion_pytorch_model.safetensors").is_file()
    assert [file.result.path for file in conversion.rewritten] == ["model.safetensors.index.json"]


def test_a_state_dict_is_found_under_the_keys_that_trainers_use(tmp_path: Path) -> None:
    checkpoint = {"state_dict": OrderedDict(w=torch.ones(1)), "epoch": 3, "optimizer_states": [{"state": {}}]}
    torch.save(checkpoint, tmp_path / "a.ckpt")
    told = asked(tmp_path / "a.ckpt")
    assert told["key"] == "state_dict"
    assert told["dropped"] == ["epoch (int)", "optimizer_states (list)"]
    assert told["tensors"].keys() == {"w"}


def test_the_key_can_be_chosen_and_must_be_when_there_are_two(tmp_path: Path) -> None:
    torch.save({"params": {"w": torch.ones(1)}, "params_ema": {"w": torch.zeros(1)}}, tmp_path / "a.pth")
    assert "--key" in refusal(tmp_path / "a.pth")
    assert "nothing" in refusal(tmp_path / "a.pth", key="nothing")
    assert asked(tmp_path / "a.pth", key="params")["tensors"] == {"w": hashlib.sha256(raw(torch.ones(1))).hexdigest()}


OTHERS: dict[str, tuple[Any, str]] = {
    "optimizer": ({"state": {}, "param_groups": []}, "optimizer"),
    "list": ([torch.ones(1)], "list"),
    "tensor": (torch.ones(1), "Tensor"),
    "empty": ({}, "empty"),
    "number among tensors": ({"w": torch.ones(1), "epoch": 3}, "'epoch' is int"),
    "numbers for names": ({1: torch.ones(1)}, "name"),
    "reserved name": ({"__metadata__": torch.ones(1)}, "name"),
    "nested": ({"state_dict": {"w": {"deep": torch.ones(1)}}}, "'w' is dict"),
    "sparse": ({"w": torch.eye(3).to_sparse()}, "layout"),
    "meta": ({"w": torch.ones(3, device="meta")}, "without bytes"),
    "conjugated": ({"w": torch.ones(2, dtype=torch.complex64).conj()}, "conjugated"),
    "stride of nothing": ({"w": torch.ones(1).expand(1 << 40)}, "claim"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_no_state_dict_is_refused_by_what_it_is(tmp_path: Path, name: str) -> None:
    value, said = OTHERS[name]
    torch.save(value, tmp_path / "a.pt")
    assert said in refusal(tmp_path / "a.pt")


@pytest.mark.filterwarnings("ignore")  # torch calls its own way of quantising old
def test_quantised_tensors_are_refused(tmp_path: Path) -> None:
    torch.save({"w": torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8)}, tmp_path / "a.pt")
    assert "quantised" in refusal(tmp_path / "a.pt")


def test_a_payload_anywhere_means_that_nothing_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    torch.save({"w": torch.ones(1)}, tmp_path / "m" / "a.pt")
    (tmp_path / "m" / "optimizer.pt").write_bytes(samples.torch_zip(samples.SYSTEM))
    found = convert(tmp_path / "m", tmp_path / "out").refusals
    assert found[0].path.startswith("optimizer.pt")
    assert "files/scanners/payload" in found[0].reason


def test_a_reviewed_name_that_torch_does_not_know_is_refused_by_torch(tmp_path: Path) -> None:
    (tmp_path / "a.pt").write_bytes(samples.torch_zip(b"\x80\x02cnumpy\ndtype\nU\x02f4\x85R."))
    assert "torch refuses" in refusal(tmp_path / "a.pt")


@pytest.mark.parametrize("as_zip", [True, False], ids=["zip", "legacy"])
def test_a_file_that_is_cut_off_is_refused(tmp_path: Path, as_zip: bool) -> None:
    torch.save({"w": torch.ones(1000)}, tmp_path / "whole", _use_new_zipfile_serialization=as_zip)
    data = (tmp_path / "whole").read_bytes()
    for part in (0.2, 0.6, 0.99):
        (tmp_path / "a.pt").write_bytes(data[: int(len(data) * part)])
        assert refusal(tmp_path / "a.pt")
    assert convert(tmp_path / "a.pt", tmp_path / "out").refusals


def claiming(elements: int, *, shape: int | None = None, legacy: bool = False) -> bytes:
    """A state dict whose storage and tensor say how long they are, whatever the file holds."""
    number = b"\x8a\x08" + struct.pack("<q", elements)
    extent = b"\x8a\x08" + struct.pack("<q", elements if shape is None else shape)
    return (
        samples.tensor_state("w", elements=4)
        .replace(b"K\x04tQ", number + (b"NtQ" if legacy else b"tQ"))
        .replace(b"K\x04\x85", extent + b"\x85")
    )


@pytest.mark.parametrize(("elements", "shape"), [(1 << 38, None), (8, None), (4, 8), (2, 2)])
def test_a_storage_that_lies_about_its_length_is_refused(tmp_path: Path, elements: int, shape: int | None) -> None:
    data = claiming(elements, shape=shape)
    (tmp_path / "a.pt").write_bytes(samples.torch_zip(data, {"0": bytes(16), "1": bytes(64)}))
    assert refusal(tmp_path / "a.pt")
    data, tail = claiming(elements, shape=shape, legacy=True), struct.pack("<q", 4) + bytes(16)
    (tmp_path / "a.pt").write_bytes(samples.torch_legacy(samples.legacy_streams(data), tail))
    assert refusal(tmp_path / "a.pt")


def test_the_honest_twins_of_those_liars_are_converted(tmp_path: Path) -> None:
    (tmp_path / "zip.pt").write_bytes(samples.torch_zip(claiming(4), {"0": bytes(16)}))
    streams = samples.legacy_streams(claiming(4, legacy=True))
    (tmp_path / "old.pt").write_bytes(samples.torch_legacy(streams, struct.pack("<q", 4) + bytes(16)))
    assert asked(tmp_path / "zip.pt")["tensors"] == asked(tmp_path / "old.pt")["tensors"]


def test_a_child_that_asks_for_a_terabyte_ends_and_says_so(tmp_path: Path) -> None:
    streams = samples.legacy_streams(claiming(1 << 38, legacy=True))
    (tmp_path / "a.pt").write_bytes(samples.torch_legacy(streams, struct.pack("<q", 1 << 38) + bytes(16)))
    (found,) = convert(tmp_path / "a.pt", tmp_path / "out").refusals
    assert found.path == "a.pt"


def test_storages_that_are_packed_are_refused(tmp_path: Path) -> None:
    torch.save({"w": torch.zeros(100)}, tmp_path / "whole")
    with zipfile.ZipFile(tmp_path / "whole") as old, zipfile.ZipFile(tmp_path / "a.pt", "w") as new:
        for member in old.infolist():
            new.writestr(member.filename, old.read(member), zipfile.ZIP_DEFLATED)
    assert refusal(tmp_path / "a.pt")


def test_a_pickle_that_torch_did_not_write_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(pickle.dumps({"a": [1, 2]}))
    assert refusal(tmp_path / "a.bin")


def test_a_source_without_torch_files_is_no_input(tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "a.safetensors").write_bytes(samples.honest_safetensors())
    with pytest.raises(InputError, match="no torch file"):
        convert(tmp_path / "m", tmp_path / "out")


def test_what_is_left_out_is_said(tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    torch.save({"w": torch.ones(1)}, tmp_path / "m" / "a.pt")
    torch.save({"state": {}, "param_groups": []}, tmp_path / "m" / "optimizer.pt")
    (tmp_path / "m" / "model.py").write_text("x = 1\n")
    conversion = convert(tmp_path / "m", tmp_path / "out")
    assert {left.source.path for left in conversion.left_out} == {"model.py", "optimizer.pt"}
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"a.safetensors", "conversion.json"}
