"""The schema of skops archives."""

from __future__ import annotations

from gatekeeper.checks.files.formats import Format
from gatekeeper.checks.files.skops_schema import judge_skops
from tests.fuzz import laws, seeds
from tests.fuzz.judging import MODEL_CODE, Answer, judged
from tests.support.samples import zipped

_SCHEMA = b'{"__class__": "dict", "__module__": "builtins", "__loader__": "DictNode", "content": {}}'

SEEDS = seeds.both(seeds.of(Format.SKOPS), seeds.named("schema.json"), lambda: [_SCHEMA])
TOKENS = (
    b'"__class__"', b'"__module__"', b'"__loader__"', b'"__id__"', b'"content"', b'"FunctionNode"', b'"os"',
    b'"system"', b"{", b"}",
    b"[", b"]", b"null", b'{"content":', b'"OperatorFuncNode"', b'"file"', b'"../x"',
)  # fmt: skip


def answer(data: bytes) -> Answer:
    return judged(judge_skops, "m.skops", data if data[:2] == b"PK" else zipped({"schema.json": data}), MODEL_CODE)


def one_input(data: bytes) -> None:
    laws.same_twice(answer, data)
