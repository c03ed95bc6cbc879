"""Files that one reader takes and another does not, and other roads to the same loaders: each with an honest twin."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping

import pytest

from gatekeeper.checks.files.coverage import Coverage
from gatekeeper.checks.files.model_code import ModelCode
from gatekeeper.checks.files.remote_code import RemoteCode
from gatekeeper.checks.files.scanners import Scanners
from gatekeeper.checks.files.structure import Structure
from gatekeeper.checks.files.templates_check import Templates
from tests.support import samples
from tests.support.artifacts import look, slugs
from tests.support.samples import zipped

STATE = samples.tensor_state("w")


def torch_file(**words: bytes) -> bytes:
    return zipped({"a/data.pkl": STATE, "a/data/0": bytes(16), "a/version": b"3\n",
                   **{f"a/{name}": word for name, word in words.items()}})  # fmt: skip


@pytest.mark.parametrize(
    "words", [{"version": b"three"}, {"version": b""}, {"version": b"3" * 100}, {"byteorder": b"middle"}]
)
def test_words_that_torch_refuses_are_findings(words: dict[str, bytes]) -> None:
    assert slugs(look(Structure(), {"m.pt": torch_file(**words)})) == {"torch-version"}


@pytest.mark.parametrize("words", [{"version": b"10"}, {"byteorder": b"big"}, {"byteorder": b"little"}])
def test_words_that_torch_writes_are_none(words: dict[str, bytes]) -> None:
    assert not slugs(look(Structure(), {"m.pt": torch_file(**words)}))


def test_a_pickle_without_a_byte_is_none() -> None:
    assert "torch-pickle" in slugs(look(Structure(), {"m.pt": torch_file(**{"data.pkl": b""})}))


def array(header: bytes) -> bytes:
    header = header.ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + bytes(4)


def test_an_array_with_two_types_is_a_finding() -> None:
    twice = array(b"{'descr': '|O', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}")
    assert slugs(look(Structure(), {"a.npy": twice})) == {"npy-header"}


def test_an_array_with_a_field_of_that_name_is_none() -> None:
    field = array(b"{'descr': [('descr', '<f4')], 'fortran_order': False, 'shape': (1,)}")
    assert not slugs(look(Structure(), {"a.npy": field}))


LAMBDA = {"class_name": "Lambda", "config": {"function": ["4wEAAAAAAAAAAAAA", None, None], "function_type": "lambda"}}
DENSE = {"module": "keras.layers", "class_name": "Dense", "config": {"units": 2, "activation": "relu"}}


def described(layer: Mapping[str, object]) -> bytes:
    return json.dumps({"class_name": "Sequential", "config": {"name": "s", "layers": [layer]}}).encode()


@pytest.mark.parametrize("name", ["model.json", "config.json", "architecture/model.json"])
def test_a_lambda_in_a_json_file_is_code(name: str) -> None:
    assert slugs(look(ModelCode(), {name: described(LAMBDA)})) == {"keras-lambda"}


def test_a_key_with_an_escape_in_it_hides_nothing() -> None:
    hidden = described(LAMBDA).replace(b"class_name", b"class\\u005fname")
    assert slugs(look(ModelCode(), {"model.json": hidden})) == {"keras-lambda"}


def test_a_model_of_plain_layers_in_json_is_none() -> None:
    assert not slugs(look(ModelCode(), {"model.json": described(DENSE)}))


def test_json_that_describes_no_model_is_not_judged_as_one() -> None:
    other = json.dumps({"tools": [LAMBDA], "class_name": "x"}).encode()
    assert not slugs(look(ModelCode(), {"tools.json": other}))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("saved_model.pbtxt", b'meta_graphs {\n  graph_def {\n    node { name: "a" op: "ReadFile" }\n  }\n}\n'),
        ("graph.pbtxt", b'node <\n  name: "a"\n  op: "WriteFile"\n>\n'),
        ("deploy.prototxt", b'name: "n"\nlayer { type: "Python" python_param { module: "os" layer: "system" } }\n'),
    ],
)
def test_a_graph_that_is_written_as_text_is_a_gap(name: str, text: bytes) -> None:
    assert look(Coverage(), {name: text}).gaps


def test_settings_in_the_same_notation_are_none() -> None:
    server = b'name: "bert"\nplatform: "onnxruntime_onnx"\ninput [ { name: "ids" dims: [ -1 ] } ]\n'
    labels = b'item {\n  id: 1\n  name: "cat"\n}\n'
    assert not look(Coverage(), {"config.pbtxt": server, "label_map.pbtxt": labels}).gaps


@pytest.mark.parametrize("text", ["{{ '%*d'|format(99999999, 1) }}", "{{ '%.*f' % (99999999, 1.0) }}"])
def test_a_width_that_is_computed_is_greedy(text: str) -> None:
    assert "greedy" in slugs(look(Templates(), {"chat_template.jinja": text.encode()}))


def test_a_plain_format_is_not_greedy() -> None:
    text = "{{ '%s: %5.2f 100%%*'|format(messages[0]['role'], 1.0) }}"
    assert "greedy" not in slugs(look(Templates(), {"chat_template.jinja": text.encode()}))


def test_the_small_floats_of_jax_are_known() -> None:
    known = samples.stack_call("ml_dtypes", "bfloat16")
    assert not slugs(look(Scanners(), {"a.pkl": known}))
    assert "unknown-global" in slugs(look(Scanners(), {"a.pkl": samples.stack_call("ml_dtypes", "finfo")}))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_yaml_in_another_encoding_hides_no_tag(encoding: str) -> None:
    text = "\ufeffa: !!python/object/apply:os.system ['true']\n".encode(encoding)
    assert "runs-code" in slugs(look(RemoteCode(), {"conf.yaml": text}))
    assert not slugs(look(RemoteCode(), {"conf.yaml": "\ufeffa: 1\n".encode(encoding)}))


def test_code_that_a_server_runs_by_its_place_is_said() -> None:
    assert "local-code" in slugs(look(RemoteCode(), {"code/inference.py": b"import os\n"}))
    assert "local-code" not in slugs(look(RemoteCode(), {"scripts/inference.py": b"import os\n"}))
