"""Every way in which a configuration asks for code is told, and configuration that asks for none is left alone."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gatekeeper.checks.files.remote_code import CONFIGS, RemoteCode
from gatekeeper.evidence import Hazard, Status
from tests.support.artifacts import look, slugs

CODE = {"modeling_own.py": b"class Model: ...\n"}


def config(value: Any, name: str = "config.json") -> dict[str, bytes]:
    return {name: json.dumps(value).encode()}


@pytest.mark.parametrize(
    ("files", "slug", "hazard"),
    [
        (config({"auto_map": {"AutoModel": "modeling_own.Model"}}) | CODE, "local-code", Hazard.UNVERIFIED),
        (config({"auto_map": {"AutoTokenizer": ["modeling_own.T", None]}}, "tokenizer_config.json") | CODE,
         "local-code", Hazard.UNVERIFIED),
        (config({"auto_map": {"AutoModel": "org/name--modeling_own.Model"}}) | CODE, "foreign-code",
         Hazard.SUSPICIOUS),
        (config({"text_config": {"auto_map": {"AutoModel": "a/b--c.D"}}}), "foreign-code", Hazard.SUSPICIOUS),
        (config({"auto_map": {"AutoModel": "absent.Model"}}), "missing-code", Hazard.SUSPICIOUS),
        (config({"trust_remote_code": True}), "local-code", Hazard.UNVERIFIED),
        (config({"trust_remote_code": "yes"}), "local-code", Hazard.UNVERIFIED),
        (config({"custom_pipelines": {"own": {"impl": "modeling_own.Pipeline"}}}) | CODE, "local-code",
         Hazard.UNVERIFIED),
        (config({"auto_mapping": {"parent_library": "os"}}, "adapter_config.json"), "foreign-module",
         Hazard.SUSPICIOUS),
        (config({"auto_mapping": {"parent_library": "transformers_evil.x"}}, "adapter_config.json"),
         "foreign-module", Hazard.SUSPICIOUS),
        (config([{"type": "modeling_own.Pooling"}], "modules.json") | CODE, "module-type", Hazard.UNVERIFIED),
        (config({"unet": ["own_unet", "Net"], "_class_name": "P"}, "model_index.json") | {"unet/own_unet.py": b""},
         "local-code", Hazard.UNVERIFIED),
        ({"config.json": b"{"}, "unreadable-config", Hazard.SUSPICIOUS),
        ({"config.json": b'{"a": 1, "a": 2}'}, "unreadable-config", Hazard.SUSPICIOUS),
        ({"config.json": b"[]"}, "unreadable-config", Hazard.SUSPICIOUS),
        ({"config.json": b"[" * 5000}, "unreadable-config", Hazard.SUSPICIOUS),
        (config({"auto_map": "modeling.Model"}), "unreadable-config", Hazard.SUSPICIOUS),
        (config({"auto_map": {"AutoModel": 5}}), "unreadable-config", Hazard.SUSPICIOUS),
        (config([{"path": ""}], "modules.json"), "unreadable-config", Hazard.SUSPICIOUS),
    ],
)  # fmt: skip
def test_asking_for_code_is_a_finding(files: dict[str, bytes], slug: str, hazard: Hazard) -> None:
    result = look(RemoteCode(), files)
    found = [finding for finding in result.findings if finding.id.endswith(slug)]
    assert [finding.hazard for finding in found] == [hazard]
    assert result.facts["files.remote_code"] is True


@pytest.mark.parametrize(
    "files",
    [
        config({"model_type": "bert", "auto_class": None, "trust_remote_code": False}),
        config({"auto_mapping": None}, "adapter_config.json"),
        config({"auto_mapping": {"base_model_class": "M", "parent_library": "transformers.models.bert"}},
               "adapter_config.json"),
        config([{"idx": 0, "type": "sentence_transformers.models.Transformer"}], "modules.json"),
        config({"unet": ["diffusers", "UNet2DConditionModel"], "_class_name": "P"}, "model_index.json"),
        config({"auto_map": {"AutoModel": "other/repo--x.Y"}}, "training_notes.json"),
    ],
)  # fmt: skip
def test_configuration_that_asks_for_none_passes(files: dict[str, bytes]) -> None:
    result = look(RemoteCode(), files)
    assert result.status is Status.PASS
    assert result.facts["files.remote_code"] is False


def test_code_that_nothing_asks_for_is_only_said() -> None:
    result = look(RemoteCode(), CODE | config({}))
    assert slugs(result) == {"python-file"}
    assert result.status is Status.PASS
    named = look(RemoteCode(), CODE | config({"auto_map": {"AutoModel": "modeling_own.Model"}}))
    assert slugs(named) == {"local-code"}


def test_one_unreadable_configuration_hides_no_other() -> None:
    files = {"config.json": b"{", **config({"auto_map": {"A": "a/b--c.D"}}, "tokenizer_config.json")}
    assert slugs(look(RemoteCode(), files)) == {"unreadable-config", "foreign-code"}


def test_a_configuration_that_is_too_large_is_a_gap() -> None:
    result = look(RemoteCode(), config({"a": "x" * 100}), json_bytes=50)
    assert result.status is Status.UNKNOWN
    assert result.facts["files.remote_code"] is True


@pytest.mark.parametrize("name", sorted(CONFIGS))
@pytest.mark.parametrize("value", [{}, [], None, 1, "x", {"auto_map": None}, [{"type": "sentence_transformers.m.T"}]])
def test_no_shape_of_configuration_crashes_it(name: str, value: Any) -> None:
    result = look(RemoteCode(), config(value, f"sub/{name}"))
    assert result.status is not Status.UNKNOWN
