"""Each loader's way of asking for code is told, beside an honest configuration of the same loader that is not."""

from __future__ import annotations

import io
import json
from pathlib import PurePosixPath
from typing import Any

import pytest

from gatekeeper.checks.files.asks.judge import judge_config
from gatekeeper.checks.files.callables import Trust, trust
from gatekeeper.checks.files.remote_code import RemoteCode
from gatekeeper.evidence import Hazard, Status
from gatekeeper.limits import DEFAULT_LIMITS
from tests.support.artifacts import look, slugs


def asked(path: str, content: Any, **others: bytes) -> set[str]:
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    return slugs(look(RemoteCode(), {path: data, **others}))


PAIRS: list[tuple[str, Any, set[str], Any]] = [
    ("config.json", {"auto_map": {"AutoModel": "org/repo--m.X"}}, {"foreign-code"}, {"auto_map": None}),
    ("tokenizer_config.json", {"auto_map": ["absent.T", None]}, {"missing-code"},
     {"tokenizer_class": "LlamaTokenizer"}),
    ("processor_config.json", {"auto_map": {"AutoImageProcessor": {"pil": "org/r--m.X"}}}, {"foreign-code"}, {}),
    ("generation_config.json", {"custom_generate": "org/generate"}, {"foreign-code"}, {"do_sample": True}),
    ("adapter_config.json", {"auto_mapping": {"parent_library": "torch.hub", "base_model_class": "load"}},
     {"foreign-module"}, {"auto_mapping": {"parent_library": "torch.nn", "base_model_class": "Linear"}}),
    ("adapter_config.json", {"auto_mapping": {"parent_library": "transformers_modules.org.m", "base_model_class": "M"}},
     {"target"}, {"peft_type": "LORA", "auto_mapping": None}),
    ("model_index.json", {"unet": ["subprocess", "Popen"]}, {"runs-code"},
     {"unet": ["diffusers", "UNet2DConditionModel"]}),
    ("model_index.json", {"unet": ["evil_package", "Unet"]}, {"foreign-module"},
     {"safety_checker": ["stable_diffusion", "StableDiffusionSafetyChecker"], "feature_extractor": [None, None]}),
    ("model_index.json", {"unet": ["torch.hub", "load"]}, {"foreign-module"}, {"scheduler": ["flux2", "X"]}),
    ("model_index.json", {"_class_name": ["pipeline", "Own"]}, {"missing-code"}, {"_class_name": "FluxPipeline"}),
    ("modular_model_index.json", {"vae": ["diffusers", "A", {"pretrained_model_name_or_path": "a/b"}]},
     {"unpinned-part"}, {"vae": ["diffusers", "AutoencoderKL", {"type_hint": ["diffusers", "AutoencoderKL"]}]}),
    ("modular_model_index.json",
     {"vae": ["diffusers", "A", {"repo": "a/b", "type_hint": ["subprocess", "run"]}]}, {"runs-code", "unpinned-part"},
     {"vae": ["diffusers", "A", {"repo": "a/b", "revision": "0" * 40}]}),
    ("modules.json", [{"type": "os.system"}], {"runs-code"},
     [{"type": "sentence_transformers.models.Transformer"}, {"type": "sentence_transformers.models.Normalize"}]),
    ("2_Dense/config.json", {"activation_function": "builtins.eval"}, {"runs-code"},
     {"activation_function": "torch.nn.modules.activation.Tanh"}),
    ("config.json", {"model": {"_target_": "torch.hub.load"}}, {"target"}, {"model": {"_target_": "torch.nn.Linear"}}),
    ("model_config.yaml", b"a:\n  _target_: builtins.exec\n", {"runs-code"},
     b"encoder:\n  _target_: nemo.collections.asr.modules.ConformerEncoder\n  feat_in: ${model.n}\n"),
    ("train.yaml", b"a: {class_path: os.system, init_args: {}}\n", {"runs-code"}, b"a: {target: os, params: {}}\n"),
    ("v1.yaml", b"model:\n  target: own.Model\n  params: {a: 1}\n", {"target"},
     b"model:\n  target: ldm.models.diffusion.ddpm.LatentDiffusion\n  params: {a: 1}\n"),
    ("config.yaml", b"a: ${eval:'1+1'}\n", {"target"}, b"a: ${model.width}\nb: ${.c}\nd: ${oc.select:x,1}\n"),
    ("config.yaml", b"a: ${oc.env:HF_TOKEN}\n", {"reads-surroundings"}, b"a: ${b}\n"),
    ("hyperparams.yaml", b"a: !apply:os.system [true]\n", {"runs-code"},
     b"a: !new:torch.nn.Linear\n  n: !ref <size>\nb: !name:torch.optim.Adam\nc: !apply:torch.manual_seed [1]\n"),
    ("hyperparams.yaml", b"a: !new:own_interface.Encoder {}\n", {"target"},
     b"a: !new:speechbrain.dataio.encoder.CTCTextEncoder\nb: !tuple (1, 2)\nc: !copy <a>\n"),
    ("a.yaml", b"!!python/object/new:os.system [true]\n", {"runs-code"}, b"a: !!python/tuple [1, 2]\n"),
    ("a.yaml", b"a: !!python/name:own.thing\n", {"yaml-object"}, b"a: !!set {b, c}\n"),
    ("a.yaml", b"a: !<tag:yaml.org,2002:python/object/apply:subprocess.Popen> [x]\n", {"runs-code"}, b"a: !!str 1\n"),
    ("a.yaml", b"a: !!%70ython/object/apply:os.system [x]\n", {"runs-code"}, b"a: '!!python/object:os.system'\n"),
    ("a.yaml", b"%TAG !x! tag:yaml.org,2002:python/object/\n---\na: !x!apply:os.system [x]\n", {"runs-code"},
     b"# !!python/object/apply:os.system\na: 1\n"),
    ("a.yaml", b"a: &a [x,x,x,x,x,x,x,x,x,x]\n" + b"".join(
        b"%c: &%c [*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c]\n" % (n, n, *[n - 1] * 10) for n in range(98, 108)),
     {"yaml-bomb"}, b"base: &b {x: 1}\none: {<<: *b}\ntwo: {<<: *b, x: 2}\n"),
    ("config.yaml", b"a: {_target_: os.system, _target_: torch.nn.Linear}\n", {"runs-code", "duplicate-key"},
     b"- {a: 1}\n- {a: 2}\n"),
    ("config.yaml", b"a: [\n", {"unreadable-config"}, b"a: []\n"),
    ("notes.yaml", b"a: [\n", {"unreadable-data"}, b""),
    ("MLmodel", b"flavors:\n  python_function:\n    loader_module: os\n", {"runs-code"},
     b"flavors:\n  python_function:\n    loader_module: mlflow.sklearn\n    model_path: model.pkl\n"),
    ("MLmodel", b"flavors:\n  python_function: {loader_module: mlflow.pyfunc.model, code: code}\n", {"local-code"},
     b"flavors: {python_function: {loader_module: mlflow.pyfunc.model, code: null}}\n"),
    ("cog.yaml", b"predict: predict.py:Predictor\n", {"local-code"}, b"build: {gpu: true}\n"),
    ("config.cfg", b'[a]\n@misc = "own.reader.v1"\n', {"target"},
     b'[a]\n@architectures = "spacy.Tok2Vec.v2"\n@optimizers = "Adam.v1"\n'),
    ("requirements.txt", b"--extra-index-url https://host/simple\nx\n", {"installs-elsewhere"},
     b"torch>=2\n# git+https\n"),
    ("requirements.txt", b"x @ git+https://host/x.git\n", {"installs-elsewhere"},
     b"numpy==2.0 ; python_version > '3'\n"),
    ("requirements.txt", b"--extra http://host/simple\n", {"installs-elsewhere"}, b"--index-url https://pypi.org/simple\n"),
    ("requirements.txt", b"-ihttps://pypi.org@host/simple\n", {"installs-elsewhere"}, b"-c constraints.txt\n"),
    ("requirements.txt", b"git\\\n+https://host/x\n", {"installs-elsewhere"}, b"gitpython\nsvn-tools\n"),
    ("requirements.txt", "-r https://host/r\n".encode("utf-16"), {"installs-elsewhere"}, b"x --hash=sha256:00\n"),
    ("requirements.txt", b"--find-links ./wheels\n", {"installs-elsewhere"}, b"--prefer-binary\n"),
    ("environment.yml", b"channels: [https://host/c]\n", {"installs-elsewhere"},
     b"name: env-file\nchannels:\n- conda-forge\n- https://conda.anaconda.org/pytorch\n"),
    ("conda.yaml", b"dependencies:\n- pip:\n  - git+https://host/x\n", {"installs-elsewhere"},
     b"dependencies:\n- python=3.11\n- pip:\n  - mlflow\n"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "asking", "slug", "honest"), PAIRS)
def test_a_request_is_told_and_its_honest_kin_is_not(path: str, asking: Any, slug: set[str], honest: Any) -> None:
    assert asked(path, asking) == slug
    assert asked(path, honest) == set()


@pytest.mark.parametrize(
    ("files", "path"),
    [
        ({"1/model.py": b"", "config.pbtxt": b""}, "1/model.py"),
        ({"model/model.py": b"", "config.yaml": b""}, "model/model.py"),
        ({"hubconf.py": b""}, "hubconf.py"),
        ({"handler.py": b""}, "handler.py"),
        ({"custom.py": b"", "hyperparams.yaml": b"a: 1\n"}, "custom.py"),
    ],
)
def test_code_that_a_server_runs_by_its_place_is_told(files: dict[str, bytes], path: str) -> None:
    found = {finding.id.rsplit("/", 1)[1]: finding.location.path for finding in look(RemoteCode(), files).findings}
    assert found == {"local-code": path}
    assert slugs(look(RemoteCode(), {path: b""} if "/" in path else {f"x/{path}": b""})) == {"python-file"}


@pytest.mark.parametrize(
    "path", ["setup.py", "Dockerfile", "Makefile", ".github/workflows/a.yml", "hooks/post-checkout"]
)
def test_what_builds_and_installs_is_only_said(path: str) -> None:
    result = look(RemoteCode(), {path: b""})
    assert (slugs(result), result.status, result.facts["files.remote_code"]) == ({"build-file"}, Status.PASS, False)


HONEST_REPOS: dict[str, dict[str, Any]] = {
    "language model": {
        "config.json": {"architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3", "rope_scaling": None,
                        "use_sliding_window": False, "transformers_version": "4.51.0", "torch_dtype": "bfloat16"},
        "generation_config.json": {"do_sample": True, "eos_token_id": [1, 2], "temperature": 0.6},
        "tokenizer_config.json": {"added_tokens_decoder": {}, "tokenizer_class": "Qwen2Tokenizer",
                                  "chat_template": "{{ messages }}"},
    },
    "diffusion": {
        "model_index.json": {
            "_class_name": "StableDiffusionXLPipeline", "_diffusers_version": "0.19.0",
            "force_zeros_for_empty_prompt": True, "scheduler": ["diffusers", "EulerDiscreteScheduler"],
            "text_encoder": ["transformers", "CLIPTextModel"], "tokenizer": ["transformers", "CLIPTokenizer"],
            "unet": ["diffusers", "UNet2DConditionModel"], "vae": ["diffusers", "AutoencoderKL"],
            "feature_extractor": [None, None], "image_encoder": [None, None],
        },
        "unet/config.json": {"_class_name": "UNet2DConditionModel", "down_block_types": ["DownBlock2D"]},
    },
    "embeddings": {
        "modules.json": [{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
                         {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"}],
        "config_sentence_transformers.json": {"__version__": {"pytorch": "2.0"}, "prompts": {"query": "query: "}},
        "1_Pooling/config.json": {"word_embedding_dimension": 384, "pooling_mode_cls_token": True},
        "sentence_bert_config.json": {"max_seq_length": 512, "do_lower_case": False},
    },
    "speech": {
        "hyperparams.yaml": "p: org/model\nn: 80\nencoder: !new:speechbrain.lobes.models.ECAPA_TDNN."
        "ECAPA_TDNN\n  input_size: !ref <n>\n  activation: !name:torch.nn.LeakyReLU\nmodules:\n  e: !ref <encoder>\n"
        "pretrainer: !new:speechbrain.utils.parameter_transfer.Pretrainer\n  paths:\n    e: !ref <p>/e\n",
    },
    "speech by NeMo": {
        "model_config.yaml": "preprocessor:\n  _target_: nemo.collections.asr.modules.MelPreprocessor\n"
        "optim:\n  name: adamw\n  betas: [0.9, 0.98]\nvocab: &v [a, b]\njoint:\n  vocabulary: *v\n",
    },
    "voice": {"config.json": {"istftnet": {"upsample_rates": [10, 6]}, "vocab": {";": 1}}},
    "open_clip": {"open_clip_config.json": {"model_cfg": {"embed_dim": 512, "vision_cfg": {"timm_model_name": "vit"}}}},
}  # fmt: skip


@pytest.mark.parametrize("name", HONEST_REPOS)
def test_honest_repos_ask_for_nothing(name: str) -> None:
    repo = HONEST_REPOS[name]
    files = {path: (value if isinstance(value, str) else json.dumps(value)).encode() for path, value in repo.items()}
    result = look(RemoteCode(), files)
    assert (slugs(result), result.status, result.facts["files.remote_code"]) == (set(), Status.PASS, False)


def test_a_repo_with_its_own_code_is_unverified_and_no_more() -> None:
    auto_map = {"AutoConfig": "configuration_own.Config", "AutoModel": "modeling_own.Model"}
    files = {
        "config.json": json.dumps({"auto_map": auto_map}).encode(),
        "configuration_own.py": b"",
        "modeling_own.py": b"",
    }
    assert {finding.hazard for finding in look(RemoteCode(), files).findings} == {Hazard.UNVERIFIED}


@pytest.mark.parametrize(
    ("name", "level"),
    [
        ("torch.nn.Linear", Trust.MODEL), ("sklearn.pipeline.Pipeline", Trust.MODEL), ("builtins.dict", Trust.MODEL),
        ("collections.OrderedDict", Trust.MODEL), ("own.Model", Trust.UNKNOWN), ("torch.hub.load", Trust.REACHES),
        ("numpy.load", Trust.REACHES), ("logging.Formatter", Trust.REACHES), ("os.path.join", Trust.RUNS),
        ("torch.os.system", Trust.RUNS), ("builtins.eval", Trust.RUNS), ("pip.main", Trust.RUNS),
        ("posix.system", Trust.RUNS),
        ("numpy.testing._private.utils.runstring", Trust.RUNS), ("operator.methodcaller", Trust.RUNS),
    ],
)  # fmt: skip
def test_names_are_trusted_as_far_as_they_are_parts_of_models(name: str, level: Trust) -> None:
    assert trust(name) is level


def test_a_judge_works_on_members_of_archives() -> None:
    data = b"a: !!python/object/apply:os.system [true]\n"
    problems = list(judge_config(io.BytesIO(data), PurePosixPath("x/model_config.yaml"), len(data), DEFAULT_LIMITS))
    assert [problem.slug for problem in problems] == ["runs-code"]
    assert list(judge_config(io.BytesIO(b"{"), PurePosixPath("data.bin"), 1, DEFAULT_LIMITS)) == []
    broken = list(judge_config(io.BytesIO(b"{"), PurePosixPath("config.json"), 1, DEFAULT_LIMITS))
    assert [problem.slug for problem in broken] == ["unreadable-config"]


def test_the_interface_that_speechbrain_imports_from_the_repo_is_told() -> None:
    config = b'{"speechbrain_interface": "CustomEncoder"}'
    assert slugs(look(RemoteCode(), {"config.json": config, "custom.py": b""})) == {"local-code"}
    assert slugs(look(RemoteCode(), {"config.json": config})) == set()
    assert slugs(look(RemoteCode(), {"config.json": b"{}", "custom.py": b""})) == {"python-file"}


def test_a_project_file_is_read_for_what_it_installs_and_not_for_its_pages() -> None:
    assert asked("pyproject.toml", b"dependencies = ['x @ https://host/x.whl']\n") == {
        "installs-elsewhere",
        "build-file",
    }
    assert asked("pyproject.toml", b"[project.urls]\nhome = 'https://host/x'\n") == {"build-file"}
