"""Which models Python code names, as far as the code itself tells; and that nothing of it is run."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from gatekeeper.ci import Mention, Role, collect, extract, wanted
from gatekeeper.errors import LimitError, NotFoundError
from gatekeeper.limits import Limits

SHA = "0123456789abcdef0123456789abcdef01234567"


def told(code: str, ending: str = ".py") -> list[Mention]:
    data = code.encode("utf-8", "surrogatepass")
    return [replace(each, path="") for each in extract(f"code{ending}", data)]


def named(code: str) -> list[str]:
    return [f"{each.name}@{each.revision}" if each.revision else each.name for each in told(code) if each.name]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ('AutoModel.from_pretrained("a/b")', ["a/b"]),
        ('transformers.AutoModel.from_pretrained(pretrained_model_name_or_path="a/b", revision="v1")', ["a/b@v1"]),
        ('pipeline("ner", model="a/b", revision="main")', ["a/b@main"]),
        ('pipeline("ner", "a/b")', ["a/b"]),
        ('pipeline("ner", model="a/b", tokenizer="c/d")', ["a/b", "c/d"]),
        ('snapshot_download("a/b", revision=f"{TAG}")\nTAG = "v2"', ["a/b@v2"]),
        ('hf_hub_download(repo_id="a/b", filename="x.gguf")', ["a/b"]),
        ('hf_hub_download("a/b", "x.json", repo_type="dataset")', []),
        ('api.snapshot_download("a/b", repo_type="model")', ["a/b"]),
        ('PeftModel.from_pretrained(base, "a/lora", revision="r")', ["a/lora@r"]),
        ('PeftModelForCausalLM.from_pretrained(model=base, model_id="a/lora")', ["a/lora"]),
        ('AutoPeftModelForCausalLM.from_pretrained("a/lora")', ["a/lora"]),
        ('model.load_adapter("a/lora", adapter_name="x")', ["a/lora"]),
        ('pipe.load_lora_weights("a/lora", weight_name="x.safetensors")', ["a/lora"]),
        ('SentenceTransformer("all-MiniLM-L6-v2")', ["all-MiniLM-L6-v2"]),
        ('LLM(model="a/b", revision="v")', ["a/b@v"]),
        ('AsyncEngineArgs("a/b")', ["a/b"]),
        ('Llama.from_pretrained(repo_id="a/b-GGUF", filename="*q4.gguf")', ["a/b-GGUF"]),
        ('timm.create_model("hf_hub:a/b")', ["a/b"]),
        ('timm.create_model("resnet50")', []),
        ('LLM("a/b", tokenizer="c/d", tokenizer_revision="t")', ["a/b", "c/d@t"]),
        ('LoRARequest("sql", 1, "a/lora")', ["a/lora"]),
        ('K = {"revision": "r"}\nAutoModel.from_pretrained("a/b", **K)', ["a/b@r"]),
        ('MODEL_ID = "a/b"', ["a/b"]),
        ('MODEL_ID = "a/b"\nAutoModel.from_pretrained(MODEL_ID, revision="r")', ["a/b@r"]),
        ('parser.add_argument("--model_name_or_path", default="a/b")', ["a/b"]),
        ('subprocess.run(["vllm", "serve", "a/b", "--revision", "r"])', ["a/b@r"]),
        ('hub = {"HF_MODEL_ID": "a/b"}', ["a/b"]),
        ('payload = {"model": "a/b"}', []),
        ('AutoModel.from_pretrained("hf://a/b@v3")', ["a/b@v3"]),
        ('AutoModel.from_pretrained("./local")', []),
        ('AutoModel.from_pretrained("/models/x")', []),
        ('SentenceTransformer("weights.safetensors")', []),
        ('AutoModel.from_pretrained("a/b/c")', []),
        ('M = "a/b"\nAutoModel.from_pretrained(M)', ["a/b"]),
        ('def f():\n    m = "a/b"\n    return AutoModel.from_pretrained(m)', ["a/b"]),
        ('def f(m="a/b"):\n    AutoModel.from_pretrained(m)', ["a/b"]),
        ('def f(*, m: str = "a/b"):\n    AutoModel.from_pretrained(m)', ["a/b"]),
        ('ORG = "a"\nAutoModel.from_pretrained(f"{ORG}/b")', ["a/b"]),
        ('ORG = "a"\nAutoModel.from_pretrained(ORG + "/b")', ["a/b"]),
        ('M = "a/b" if big else "a/c"\nAutoModel.from_pretrained(M)', ["a/b", "a/c"]),
        ('AutoModel.from_pretrained(os.environ.get("M", "a/b"))', ["a/b"]),
        ('AutoModel.from_pretrained(os.getenv("M") or "a/b")', ["a/b"]),
        ('class C:\n    M = "a/b"\n    def f(self):\n        AutoModel.from_pretrained(self.M)', ["a/b"]),
        ('class C:\n  def a(self):\n    self.m = "a/b"\n  def b(self):\n    M.from_pretrained(self.m)', ["a/b"]),
        ('class E(Enum):\n    M = "a/b"\nAutoModel.from_pretrained(E.M.value)', ["a/b"]),
        ('D = {"x": "a/b", "y": "a/c"}\nAutoModel.from_pretrained(D["y"])', ["a/c"]),
        ('D = {"x": "a/b", "y": "a/c"}\nAutoModel.from_pretrained(D[k])', ["a/b", "a/c"]),
        ('D = {"x": "a/b"}\nAutoModel.from_pretrained(D.get(k, "a/c"))', ["a/b", "a/c"]),
        ('L = ["a/b", "a/c"]\nAutoModel.from_pretrained(L[0])', ["a/b"]),
        ('for m in ["a/b", "a/c"]:\n    AutoModel.from_pretrained(m)', ["a/b", "a/c"]),
        ('D = {"a/b": 1}\n[AutoModel.from_pretrained(m) for m in D]', ["a/b"]),
        ('D = {"x": "a/b"}\nfor k, m in D.items():\n    AutoModel.from_pretrained(m)', ["a/b"]),
        ('A, B = "a/b", "a/c"\nAutoModel.from_pretrained(B)', ["a/c"]),
        ('AutoModel.from_pretrained(m := "a/b")', ["a/b"]),
        ('m = pinned("a/b")\nAutoModel.from_pretrained(m.id, revision=m.revision)', ["a/b", "a/b"]),
    ],
)  # fmt: skip
def test_names_are_found_where_the_code_has_them(code: str, expected: list[str]) -> None:
    assert named(code) == expected


def test_an_id_and_its_revision_come_from_one_entry() -> None:
    code = (
        'D = {"x": {"id": "a/b", "rev": "1"}, "y": {"id": "a/c", "rev": "2"}}\n'
        'def f(k):\n    return AutoModel.from_pretrained(D[k]["id"], revision=D[k]["rev"])\n'
    )
    assert named(code) == ["a/b@1", "a/c@2"]
    through_a_name = code.replace("    return", "    s = D[k]\n    return").replace("D[k][", "s[")
    assert named(through_a_name) == ["a/b@1", "a/c@2"]


def test_lines_calls_and_roles_are_told() -> None:
    code = '\n\nAutoTokenizer.from_pretrained("a/b")\nPeftConfig.from_pretrained("a/lora")\n'
    first, second = told(code)
    assert (first.line, first.call, first.role) == (3, "AutoTokenizer.from_pretrained", Role.TOKENIZER)
    assert (second.line, second.role) == (4, Role.ADAPTER)


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("AutoModel.from_pretrained(args.model)", "args.model is only known when it runs"),
        ("AutoModel.from_pretrained(sys.argv[1])", "only known"),
        ("def f(m):\n    AutoModel.from_pretrained(m)", "only known"),
        ("AutoModel.from_pretrained(nowhere)", "nowhere is not set in this file"),
        ('AutoModel.from_pretrained(os.environ["M"])', "only known"),
        ('AutoModel.from_pretrained(f"{org}/b")', "put together from parts"),
        ("from x import M\nAutoModel.from_pretrained(M)", "only known"),
        ("m = m\nAutoModel.from_pretrained(m)", "only known"),
        ("d = d[d]\nAutoModel.from_pretrained(d[d])", "only known"),
        ("AutoModel.from_pretrained({}[x])", "only known"),
        ("import from_pretrained (", "not Python"),
        ("pipeline = '\0'", "null bytes"),
        (f"pipeline = {'(' * 5000}{')' * 5000}", "."),
        (f"pipeline = {'-' * 100000}1", "."),
    ],
)
def test_what_can_not_be_told_is_listed_and_never_dropped(code: str, why: str) -> None:
    (mention,) = told(code)
    assert mention.name == ""
    assert re.search(why, mention.unresolved)


def test_what_lets_remote_code_run_is_told() -> None:
    code = 'AutoModel.from_pretrained("a/b", trust_remote_code={}, code_revision="c1")'
    told_of = {given: told(code.format(given))[0] for given in ("True", "False", "None", "args.trust", "1")}
    remote = {given: each.remote_code for given, each in told_of.items()}
    assert remote == {"True": True, "False": False, "None": False, "args.trust": True, "1": True}
    assert {each.code_revision for each in told_of.values()} == {"c1"}
    assert not told('AutoModel.from_pretrained("a/b")')[0].remote_code


def test_a_revision_that_can_not_be_told_is_said_beside_the_name() -> None:
    (mention,) = told('AutoModel.from_pretrained("a/b", revision=args.rev)')
    assert (mention.name, mention.revision) == ("a/b", "")
    assert "its revision can't be told" in mention.unresolved


def test_code_made_to_take_for_ever_is_given_up() -> None:
    """Each name leads to the next in two ways: 2**60 ways in all."""
    lines = [f"n{number} = n{number + 1} or d[n{number + 1}] or n{number + 1}" for number in range(60)]
    code = "\n".join([*lines, "d = {n1: n2, n3: n4}", "AutoModel.from_pretrained(n0)"])
    assert all(not mention.name for mention in told(code))


def test_nothing_is_run(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    source = tmp_path / "evil.py"
    source.write_text(f"open({str(mark)!r}, 'w')\nAutoModel.from_pretrained('a/b')\n")
    assert [each.name for each in collect([tmp_path])] == ["a/b"]
    assert not mark.exists()


def test_notebooks_are_read_as_their_kernel_runs_them(tmp_path: Path) -> None:
    cells = [
        {"cell_type": "markdown", "source": "AutoModel.from_pretrained('x/y')"},
        {"cell_type": "code", "source": ["%pip install x\n", "!ls\n", "M = 'a/b'\n"]},
        {"cell_type": "code", "source": "%%bash\necho"},
        {"cell_type": "code", "source": "# load\nAutoModel.from_pretrained(M)"},
        {"cell_type": "code", "source": "def ("},
        {"cell_type": "code", "source": 7},
        "odd",
    ]
    (tmp_path / "n.ipynb").write_text(json.dumps({"cells": cells}))
    found = [(each.cell, each.line, each.name, each.unresolved) for each in collect([tmp_path])]
    assert found == [(4, 2, "a/b", ""), (5, 1, "", "the cell is not Python")]


@pytest.mark.parametrize("text", ["", "[]", "{", '{"cells": 3}', '{"cells": [{"cell_type": "code", "source": [1]}]}'])
def test_a_notebook_that_is_none_is_no_error(text: str) -> None:
    assert all(not mention.name for mention in told(text, ".ipynb"))


def test_others_code_and_links_are_not_searched(tmp_path: Path) -> None:
    load = "AutoModel.from_pretrained('a/{}')\n"
    for folder in ("src", ".venv/lib", "mine/site-packages", "env/lib", "node_modules/x", "__pycache__"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "m.py").write_text(load.format(folder.split("/")[0].strip("._")))
    (tmp_path / "env" / "pyvenv.cfg").write_text("home = /usr\n")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "src" / "link.py").symlink_to(tmp_path / "env" / "lib" / "m.py")
    assert [each.name for each in collect([tmp_path])] == ["a/src"]


def test_what_lies_on_disk_is_no_model_on_the_hub(tmp_path: Path) -> None:
    (tmp_path / "out" / "best").mkdir(parents=True)
    (tmp_path / "m.py").write_text("AutoModel.from_pretrained('out/best')\n")
    (mention,) = collect([tmp_path])
    assert (mention.name, mention.unresolved) == ("", "out/best is a path here, which loaders prefer")


def test_bounds_are_kept(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\n" * 100)
    (tmp_path / "b.py").write_text("")
    (large,) = collect([tmp_path], Limits(source_bytes=10))
    assert "limit source_bytes" in large.unresolved
    with pytest.raises(LimitError, match="source_files"):
        list(collect([tmp_path], Limits(source_files=1)))
    with pytest.raises(NotFoundError):
        list(collect([tmp_path / "nowhere"]))


def test_places_that_agree_are_one_model_and_those_that_do_not_are_told() -> None:
    mentions = [
        Mention(path="a.py", line=1, name="a/b"),
        Mention(path="b.py", line=2, name="a/b", revision=SHA),
        Mention(path="c.py", line=3, name="a/c", revision="v1"),
        Mention(path="d.py", line=4, name="a/c", revision="v2"),
        Mention(path="e.py", line=5, unresolved="why"),
    ]
    one, two = wanted(mentions)
    assert (one.name, one.revision, len(one.mentions), one.conflict) == ("a/b", SHA, 2, "")
    assert (two.name, two.revision, two.conflict) == ("a/c", "", "v1 in c.py:3, v2 in d.py:4")
