"""Templates, configurations and places by which loaders come to run code: each is said, and its honest kin is not."""

from __future__ import annotations

import json

import pytest

from gatekeeper.checks.files.remote_code import RemoteCode
from gatekeeper.checks.files.template_reach import TemplateError, reaches
from gatekeeper.checks.files.templates_check import Templates
from gatekeeper.evidence import Hazard, Status
from tests.support import samples
from tests.support.artifacts import look, slugs

REACHING = [
    "{{ ''['__class__'] }}",
    "{{ ''['\\x5f\\x5fclass\\x5f\\x5f'] }}",
    "{{ messages|map(attribute='__class__')|list }}",
    "{{ messages|map(attribute='content.__class__')|list }}",
    "{% include '/etc/passwd' %}",
    "{% import 'x' as y %}",
    "{% extends 'x' %}",
    "{{ self._TemplateReference__context }}",
    "{{ ().mro }}",
    "{{ '{0.__class__}'.format(1) }}",
    "{{ '{0._x}'.format(messages) }}",
    "{{ joiner.__init__ }}",
    "{{ messages.gi_frame.f_globals }}",
]
PLAIN = [
    samples.HONEST_TEMPLATE,
    "{{ '<__media__>' }}{{ '__media__' }}",
    "{% generation %}{{ messages[0]['content'] }}{% endgeneration %}",
    "{%- for m in messages %}{% if loop.index0 > 3 %}{% break %}{% endif %}{{ m.content | trim }}{% endfor -%}",
    "{% set ns = namespace(found=false) %}{% set ns.found = true %}{{ '%s __init__ %s' % (1, 2) }}",
    "def __init__(self): pass {{ bos_token }}",
    "{% macro tool(t) %}{{ t | tojson(indent=4) }}{% endmacro %}{{ tool(tools) if tools is defined }}",
]


@pytest.mark.parametrize("template", REACHING)
def test_a_template_that_reaches_for_code_is_told(template: str) -> None:
    assert reaches(template)


@pytest.mark.parametrize("path", ["tokenizer_config.json", "additional_chat_templates/tool_use.jinja"])
def test_reaching_for_code_is_a_payload_wherever_templates_are_read(path: str) -> None:
    data = json.dumps({"chat_template": REACHING[0]}) if path.endswith("json") else REACHING[0]
    result = look(Templates(), {path: data.encode()})
    assert "files/templates/reach" in {finding.id for finding in result.findings if finding.hazard is Hazard.PAYLOAD}


@pytest.mark.parametrize("template", PLAIN)
def test_a_plain_template_reaches_for_nothing(template: str) -> None:
    assert reaches(template) == []


def test_plain_templates_are_no_finding() -> None:
    files = {f"{number}.jinja": template.encode() for number, template in enumerate(PLAIN)}
    assert look(Templates(), files).status is Status.PASS


@pytest.mark.parametrize("template", ["{% if %}", "{{ " + "(" * 50_000, "{{ a }}" * 200_000, "{#" * 50_000])
def test_a_template_that_cannot_be_read_is_refused(template: str) -> None:
    with pytest.raises(TemplateError):
        reaches(template)


def test_a_template_that_cannot_be_read_is_told() -> None:
    assert slugs(look(Templates(), {"chat_template.jinja": b"{% if %}"})) == {"unreadable"}


ASKING = {
    "kernels": ("config.json", {"attn_implementation": "evil/kernel"}, "foreign-code"),
    "kernels of a part": ("config.json", {"text_config": {"_attn_implementation": {"a": "evil/kernel"}}},
                          "foreign-code"),
    "called": ("2_Dense/config.json", {"activation_function": "os.abort"}, "runs-code"),
    "called by a cross-encoder": ("config.json", {"sentence_transformers": {"activation_fn": "os.abort"}},
                                  "runs-code"),
    "target": ("config.json", {"model": [{"_target_": "os.system"}]}, "runs-code"),
    "router": ("router_config.json", {"types": {"query": "evil.Module"}}, "module-type"),
    "deep": ("config.json", {"a": {"b": [{"c": {"auto_map": {"AutoModel": "org/repo--m.X"}}}]}}, "foreign-code"),
    "another file": ("audio_config.json", {"auto_map": {"AutoModel": "org/repo--m.X"}}, "foreign-code"),
}  # fmt: skip


@pytest.mark.parametrize("name", ASKING)
def test_a_configuration_that_asks_for_code_is_a_finding(name: str) -> None:
    path, config, slug = ASKING[name]
    result = look(RemoteCode(), {path: json.dumps(config).encode()})
    assert (slugs(result), result.facts["files.remote_code"]) == ({slug}, True)


def test_an_honest_configuration_is_none() -> None:
    config = {
        "attn_implementation": "flash_attention_2",
        "activation_function": "gelu_new",
        "sentence_transformers": {"activation_fn": "torch.nn.modules.activation.Sigmoid"},
        "layers": [{"_target_": "torch.nn.Linear"}, {"size": 3}],
    }
    files = {"config.json": json.dumps(config).encode(), "hparams.yaml": b"lr: 0.1\nmodel:\n  _target_: nemo.core.X\n"}
    result = look(RemoteCode(), files)
    assert (slugs(result), result.facts["files.remote_code"]) == (set(), False)


def test_data_under_a_name_like_a_configuration_is_none() -> None:
    files = {"data_config.json": b'[{"name": "a", "weight": 1}]', "train_config.json": b'{"loss": NaN}'}
    assert look(RemoteCode(), files).status is Status.PASS


def test_a_million_requests_are_said_a_few_times() -> None:
    text = b"".join(b"_target_: x%d.y\n" % number for number in range(20_000))
    assert len(look(RemoteCode(), {"config.yaml": text}).findings) == 50


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        (b"a: !!python/object/apply:os.system ['true']\n", "runs-code"),
        (b"a: !<tag:yaml.org,2002:python/name:os.system>\n", "runs-code"),
        (b"%TAG ! tag:yaml.org,2002:python/\n---\na: !name:os.system\n", "runs-code"),
        (b"model: {_target_: os.system, command: 'true'}\n", "runs-code"),
    ],
)
def test_yaml_that_makes_objects_is_a_finding(text: bytes, slug: str) -> None:
    assert slugs(look(RemoteCode(), {"config.yaml": text})) == {slug}


@pytest.mark.parametrize("path", ["custom_generate/generate.py", "handler.py"])
def test_code_that_runs_by_its_place_is_a_finding(path: str) -> None:
    assert slugs(look(RemoteCode(), {path: b"pass\n"})) == {"local-code"}
    assert slugs(look(RemoteCode(), {f"examples/{path}": b"pass\n"})) == {"python-file"}
