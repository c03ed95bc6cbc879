"""Models of inference engines: what is whole is silent, what is cut, moved or lengthened is told."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping

import pytest

from gatekeeper.checks.files import ALL
from gatekeeper.checks.files.coverage import Coverage
from gatekeeper.checks.files.formats_check import Formats
from gatekeeper.checks.files.runtime_models import RuntimeModels
from gatekeeper.checks.files.runtimes.crc32c import masked_crc32c
from gatekeeper.evidence import Hazard, Severity, Status
from tests.support import runtime_samples as made
from tests.support.artifacts import look, slugs

HONEST: dict[str, tuple[str, Callable[[], Mapping[str, bytes]]]] = {
    "tf-checkpoint": ("m.ckpt-1.index", made.checkpoint),
    "ctranslate2": ("model.bin", lambda: {"model.bin": made.ctranslate2(aliases=[("v", "w")])}),
    "fasttext": ("lid.bin", lambda: {"lid.bin": made.fasttext()}),
    "fasttext-quantised": ("lid.ftz", lambda: {"lid.ftz": made.fasttext(words=300, quantised=True)}),
    "whisper": ("ggml-tiny.bin", lambda: {"ggml-tiny.bin": made.whisper()}),
    "tflite": ("m.tflite", lambda: {"m.tflite": made.tflite()}),
    "openvino": ("m.xml", lambda: {"m.xml": made.openvino(), "m.bin": bytes(24)}),
    "pmml": ("m.pmml", lambda: {"m.pmml": made.pmml()}),
    "spacy": ("tagger/model", made.spacy),
    "coreml": ("m.mlmodel", lambda: {"m.mlmodel": made.coreml()}),
}


def silent(files: Mapping[str, bytes]) -> bool:
    """Whether nobody says anything; the scanners are left out, which see none of these."""
    results = [look(check, files) for check in ALL if check.id not in ("files/scanners", "files/load-path")]
    found = [finding for result in results for finding in result.findings if finding.severity > Severity.INFO]
    return not found and not any(result.gaps for result in results)


@pytest.mark.parametrize("kind", HONEST)
def test_an_honest_model_is_judged_and_passes(kind: str) -> None:
    _, make = HONEST[kind]
    assert silent(make())
    assert look(RuntimeModels(), make()).status is Status.PASS


@pytest.mark.parametrize("kind", HONEST)
def test_a_model_that_is_cut_anywhere_is_never_silent(kind: str) -> None:
    name, make = HONEST[kind]
    files = make()
    data = files[name]
    cuts = {len(data) * part // 16 for part in range(16)} | {len(data) - 1, len(data) - 2}
    assert [cut for cut in sorted(cuts) if silent({**files, name: data[:cut]})] == []


@pytest.mark.parametrize("kind", sorted(set(HONEST) - {"coreml"}))
def test_what_follows_a_model_is_told(kind: str) -> None:
    name, make = HONEST[kind]
    files = make()
    assert not silent({**files, name: files[name] + b"\1more"})


def test_every_byte_of_an_index_is_covered_by_a_checksum_or_a_place() -> None:
    files = made.checkpoint()
    data = files["m.ckpt-1.index"]
    for at in range(len(data)):
        broken = data[:at] + bytes([data[at] ^ 0x40]) + data[at + 1 :]
        assert not silent({**files, "m.ckpt-1.index": broken}), at


def test_the_checksum_is_that_of_the_standard() -> None:
    crc = 0xE3069283  # of these nine digits, in RFC 3720 and everywhere else
    assert masked_crc32c(b"123456789") == ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


A, B = made.entry([2, 3], 0, 24), made.entry([4], 24, 16)


@pytest.mark.parametrize(
    ("files", "slug"),
    [
        (made.checkpoint({"a": A, "b": made.entry([4], 16, 16)}), "spans"),
        (made.checkpoint({"a": A, "b": made.entry([4], 28, 16)}, data=44), "spans"),
        (made.checkpoint(data=39), "spans"),
        (made.checkpoint(data=41), "trailing"),
        (made.checkpoint({"a": A, "b": made.entry([5], 24, 16)}), "malformed"),
        (made.checkpoint({"a": A, "b": made.entry([4], 24, 16, dtype=99)}), "malformed"),
        (made.checkpoint({"a": A, "b": made.entry([4], 24, 16, shard=1)}), "malformed"),
        (made.checkpoint({"a": made.entry([2**62, 2**62], 0, 40)}), "malformed"),
        (made.checkpoint(shards=0), "malformed"),
        (made.checkpoint(shards=2), "missing-part"),
        (made.checkpoint({"a": made.entry([], 0, 40, dtype=20)}), "own-values"),
        ({"model.bin": made.ctranslate2(made.variable("w", [2, 3], 0, 20))}, "malformed"),
        ({"model.bin": made.ctranslate2(made.variable("w", [2], 9, 8))}, "malformed"),
        ({"model.bin": made.ctranslate2(*[made.variable("w", [2], 1, 2)] * 2)}, "malformed"),
        ({"model.bin": made.ctranslate2(aliases=[("v", "nothing")])}, "malformed"),
        ({"model.bin": made.ctranslate2(aliases=[("w", "w_scale")])}, "malformed"),
        ({"a.bin": made.fasttext(rows=2)}, "malformed"),
        ({"a.bin": made.fasttext().replace(struct.pack("<iii", 5, 3, 2), struct.pack("<iii", 5, 2, 3))}, "malformed"),
        ({"a.bin": made.fasttext().replace(struct.pack("<ii", 12, 4), struct.pack("<ii", 12, -4))}, "malformed"),
        ({"a.bin": made.whisper(made.ggml_tensor("a", [4]), made.ggml_tensor("a", [4]))}, "malformed"),
        ({"a.bin": made.whisper(made.ggml_tensor("a", [4], kind=99))}, "malformed"),
        ({"m.tflite": made.tflite(held=20)}, "malformed"),
        ({"m.tflite": made.tflite(to=2)}, "malformed"),
        ({"m.tflite": made.tflite({0: ("b", 32), 1: "FlexWriteFile", 3: 32})}, "reaches-out"),
        ({"m.tflite": made.tflite({0: ("b", 32), 1: "Mine", 3: 32})}, "own-operator"),
        ({"m.xml": made.openvino(offset=8), "m.bin": bytes(24)}, "spans"),
        ({"m.xml": made.openvino(size=20), "m.bin": bytes(24)}, "malformed"),
        ({"m.xml": made.openvino(), "m.bin": bytes(500)}, "trailing"),
        ({"m.xml": made.openvino(origin="extension"), "m.bin": bytes(24)}, "own-operator"),
        ({"m.xml": made.openvino("<layer>"), "m.bin": bytes(24)}, "malformed"),
        ({"m.pmml": made.pmml(function="com.example.Function")}, "own-operator"),
        ({"m.pmml": made.pmml('<TableLocator x="y"/>')}, "reaches-out"),
        ({"m.mlmodel": made.coreml(body=made.message((1, made.message((500, b"\x52\x01C")))))}, "own-operator"),
        ({"m.mlmodel": made.coreml(555, b"\x52\x01C")}, "own-operator"),
        ({"m.mlmodel": made.coreml(556, b"")}, "reaches-out"),
        ({"m.mlmodel": made.coreml_program("@model_path/../../etc/passwd")}, "reaches-out"),
        ({"m.mlmodel": made.coreml_program("/etc/passwd")}, "reaches-out"),
        ({"m.mlmodel": made.coreml_program()}, "missing-part"),
        ({"m.mlmodel": made.coreml_program(), "weights/weight.bin": bytes(64)}, "spans"),
        ({"m.index": b""}, "cut-off"),
        (made.spacy(model=b"\x91\xc7\x01\x01a"), "malformed"),
        (made.spacy(model=b"\x91" * 200 + b"\xc0"), "malformed"),
        (made.spacy(model=b"\xdf\xff\xff\xff\xff"), "cut-off"),
        (made.spacy(key2row=b"\x81\xc0\xc0\xc0"), "trailing"),
    ],
)  # fmt: skip
def test_a_model_that_breaks_its_promise_is_told(files: Mapping[str, bytes], slug: str) -> None:
    assert slug in slugs(look(RuntimeModels(), files))


@pytest.mark.parametrize(
    ("files", "part"),
    [
        (made.checkpoint(kind=1), "snappy"),
        ({"m.data-00000-of-00001": b"\xf7" * 9}, "no index"),
        ({"model.bin": made.ctranslate2(spec="OtherSpec")}, "OtherSpec"),
        ({"a.bin": struct.pack("<ii", 793712314, 13) + bytes(400)}, "version 13"),
        ({"a.bin": b"lmgg" + bytes(400)}, "before GGUF"),
        ({"m.xml": made.openvino().replace(b'version="11"', b'version="7"')}, "version 10 or 11"),
        ({"m.mlmodel": made.coreml(3000)}, "3000"),
    ],
)
def test_what_is_not_judged_is_a_gap(files: Mapping[str, bytes], part: str) -> None:
    result = look(RuntimeModels(), files)
    assert result.status is Status.UNKNOWN
    assert part in result.reason


def test_operators_of_known_helpers_pass() -> None:
    layer = '<layer id="2" name="t" type="BPETokenizer" version="extension" />'
    assert silent({"m.xml": made.openvino(layer), "m.bin": bytes(24)})
    assert silent({"m.tflite": made.tflite({0: ("b", 32), 1: "FlexStringLower", 3: 32})})
    assert silent({"m.pmml": made.pmml('<DefineFunction name="own"/>', "own")})


def test_a_constant_that_two_layers_share_is_no_overlap() -> None:
    data = '<data element_type="f32" shape="6" offset="0" size="24"/>'
    again = f'<layer id="2" name="v" type="Const" version="opset1">{data}</layer>'
    assert silent({"m.xml": made.openvino(again), "m.bin": bytes(24)})


def test_a_checkpoint_of_the_old_format_is_known() -> None:
    old = made.table([(b"", made.message((1, b"\x0a\x00")))])
    assert look(Formats(), {"model.ckpt": old}).status is Status.PASS
    assert "before 2016" in look(RuntimeModels(), {"model.ckpt": old}).reason


def test_the_graph_beside_a_checkpoint_is_judged() -> None:
    node = made.message((1, "n"), (2, "WriteFile"))
    files = {**made.checkpoint(), "m.ckpt-1.meta": made.message((1, b"\x0a\x00"), (2, made.message((1, node))))}
    found = {finding.id: finding.hazard for check in ALL[4:8] for finding in look(check, files).findings}
    assert found == {"files/model-code/tensorflow-writes": Hazard.PAYLOAD}


def test_an_index_that_repeats_long_keys_is_bounded() -> None:
    body = b"\0" + made.varint(4000) + b"\0" + b"k" * 4000
    body += b"".join(made.varint(4000) + b"\x97\x01\0" + bytes(151) for _ in range(100))
    body += struct.pack("<II", 0, 1) + b"\0"
    data = body + masked_crc32c(body).to_bytes(4, "little")
    meta = made.block([])
    root = made.block([(b"\xff", made.varint(0) + made.varint(len(data) - 5))])
    footer = (
        made.varint(len(data)) + made.varint(len(meta) - 5) + made.varint(len(data + meta)) + made.varint(len(root) - 5)
    )
    index = data + meta + root + footer.ljust(40, b"\0") + made.table([])[-8:]
    assert "malformed" in slugs(look(RuntimeModels(), {"m.ckpt-1.index": index}))


@pytest.mark.parametrize(
    ("name", "data", "limits"),
    [
        ("m.ckpt-1.index", made.checkpoint()["m.ckpt-1.index"], {"checkpoint_index_bytes": 10}),
        ("m.ckpt-1.index", made.checkpoint()["m.ckpt-1.index"], {"tensors": 1}),
        ("a.bin", made.fasttext(), {"fasttext_words": 1}),
        ("m.tflite", made.tflite(), {"flatbuffer_tables": 3}),
        ("m.xml", made.openvino(), {"xml_bytes": 10}),
        ("m.pmml", made.pmml(), {"xml_bytes": 10}),
        ("m.pmml", made.pmml(), {"xml_elements": 3}),
        ("m.pmml", made.pmml("<!--" + "a" * 2_000_000 + "-->"), {}),
        ("m.mlmodel", made.coreml(), {"coreml_fields": 3}),
    ],
)
def test_over_a_budget_is_a_gap(name: str, data: bytes, limits: dict[str, int]) -> None:
    assert look(RuntimeModels(), {name: data}, **limits).gaps


def test_a_part_of_too_many_values_is_a_gap() -> None:
    assert look(RuntimeModels(), made.spacy(), msgpack_values=5).gaps


def test_what_lies_beside_no_pipeline_is_unknown_still() -> None:
    parts = {path: data for path, data in made.spacy().items() if path != "meta.json"}
    assert look(Formats(), parts).gaps


def test_a_file_that_was_not_downloaded_is_a_gap() -> None:
    from dataclasses import replace

    from tests.support.artifacts import artifact

    subject = artifact({"a.bin": made.fasttext()})
    remote = replace(subject, files=(replace(subject.files[0], sha256=None),))
    assert look(RuntimeModels(), remote).gaps


def test_no_format_that_is_judged_is_called_unjudged() -> None:
    for _, make in HONEST.values():
        assert look(Coverage(), make()).status is Status.PASS
