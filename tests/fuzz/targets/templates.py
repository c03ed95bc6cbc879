"""Chat templates, by themselves and in each of the files that hold some."""

from __future__ import annotations

import json
from pathlib import PurePosixPath

from gatekeeper.checks.files.formats import Format
from gatekeeper.checks.files.template_go import judge_go
from gatekeeper.checks.files.template_judge import judge_template, judge_templates
from gatekeeper.limits import DEFAULT_LIMITS
from tests.fuzz import laws, seeds
from tests.fuzz.judging import TEMPLATES, Answer, chosen
from tests.support.honest_templates import GO, HONEST
from tests.support.samples import SSTI

_FILES = (
    ("chat_template.jinja", Format.JINJA),
    ("tokenizer_config.json", Format.JSON),
    ("chat_template.txt", Format.TEXT),
    ("m.gguf", Format.GGUF),
)
_PLAIN, _GO = len(_FILES), len(_FILES) + 1


def _sources() -> list[bytes]:
    texts = [*HONEST.values(), *GO]
    return [text.encode() for text in texts] + [json.dumps({"chat_template": text}).encode() for text in texts[:3]]


SEEDS = seeds.chosen_by_first_byte(
    seeds.both(seeds.of(Format.JINJA, Format.GGUF), seeds.named("tokenizer_config.json", "Modelfile"), _sources),
    _GO + 1,
)
TOKENS = tuple(
    word.encode()
    for word in (
        "{{", "}}", "{%", "%}", "{#", "#}", "{%-", "-%}", "for m in messages", "endfor", "if", "elif", "else", "endif",
        "set x = ",
        "set ns = namespace(x='')", "ns.x", "macro f(a)", "endmacro", "f(", "call", "endcall", "filter upper",
        "endfilter", "raw",
        "endraw", "m['content']", "m.role", "|replace('a','b')", "|attr('__class__')", "~", "+", " in ", "not ", "and",
        "or", "[::-1]",
        "'sudo'", "strftime_now('%Y')", "cycler", "lipsum.__globals__", "range(9**9)", "**", "include 'x'", "import",
        "block", "loop.index",
        "is defined", "\\x5f", "(", ")", "[", "]", "{", "}", ",", "|join", "|map(attribute='x')", "|format", "%s",
        ".split('x')[0]", "\u202e",
        "{{ .System }}", "{{ range .Messages }}", "{{ end }}", "{{ if", "recursive", "break", "continue", "trans",
        "do", "with", "autoescape",
    )
)  # fmt: skip


def answer(data: bytes) -> Answer:
    number, data = chosen(data, _GO + 1)
    if number >= _PLAIN:
        text = data.decode("utf-8", "replace")
        go = judge_go(text, PurePosixPath("Modelfile"), DEFAULT_LIMITS) if number == _GO else ()
        return laws.well_said(go or judge_template(text, DEFAULT_LIMITS), TEMPLATES)
    name, kind = _FILES[number]
    found = judge_templates(laws.Counted(data), PurePosixPath(name), len(data), kind, DEFAULT_LIMITS)
    return laws.well_said(found, TEMPLATES)


def one_input(data: bytes) -> None:
    laws.same_twice(answer, data)
    after = {problem.slug for problem in answer(bytes([_PLAIN]) + SSTI.encode() + data[1:])}
    if not after & {"reach", "unreadable"}:
        raise laws.LawError("a reach for code is not seen for what follows it")
