"""Whether a file can name a model at all, told by its bytes before anybody parses it.

Most files of a large change name none, and a syntax tree costs a thousand times what looking for words does. What is
passed over here holds no word that any extractor starts from; in case of doubt the answer is no.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache, reduce
from operator import or_
from posixpath import splitext

from gatekeeper.ci.extractor import is_wide

_STRONG = (
    *(b"or_path", b"or-path", b"orpath", b"base_model", b"base-model", b"basemodel", b"lora", b"peft", b"pretrained"),
    *(b"model_id", b"model-id", b"modelid", b"model_repo", b"model-repo", b"modelrepo", b"model_hub", b"modelhub"),
    *(b"model_hf", b"modelhf", b"model_ur", b"model-ur", b"modelur", b"repo", b"hf", b"huggingface", b"gatekeeper"),
    *(b"renovate", b"vllm", b"sglang", b"transformers", b"litgpt", b"lmdeploy", b"optimum", b"text-generation"),
    *(b"infinity_emb", b"llama", b"mlx", b"mlc", b"trtllm", b"tune", b"adapter", b"from_", b"download", b"pipeline"),
)
"""Words of settings and programs that take any text as a model."""

_WEAK = (
    *(b"model", b"llm", b"tokenizer", b"processor", b"checkpoint", b"embed", b"rerank", b"vae", b"controlnet"),
    *(b"encoder", b"draft", b"weights"),
)
"""Words of settings whose value is one when it looks like one."""

_LOADERS = (
    *(b"pretrained", b"preset", b"from_model_id", b"single_file", b"pipeline", b"snapshot_download", b"hf_hub"),
    *(b"load_adapter", b"lora", b"ip_adapter", b"textual_inversion", b"transformer", b"encoder", b"huggingface"),
    *(b"flagmodel", b"rerank", b"whispermodel", b"engine", b"trainer", b"llm", b"create_model"),
    *(b"pinned", b"embedding", b"hf", b"sglang", b"lmdeploy", b"litgpt", b"gatekeeper"),
    *(b"renovate", b"mlx_lm", b"optimum"),
)
"""Words of the calls and commands by which Python code loads models, however little else is told."""

_CODE = frozenset({".py", ".pyw"})
_SHELL = frozenset({".bash", ".ksh", ".sh", ".zsh"})

_SLASHED = re.compile(rb"[\"'][^\"'\n]*/|\\[xuUN0-7\r\n]|[\"']{3}")
"""A text with a slash, or one that may hold what is not seen."""

_ID = re.compile(rb"[\"'][\w.-]*/[\w.-]*[\"'\\]|\\[xuUN0-7\r\n]")
"""A text that may be the id of a model or a part of one: what it is bound to may be read elsewhere."""

_REBINDING = (b"global ", b"global\t", b"nonlocal")
"""By these a function sets what others read."""

_ALIAS = re.compile(rb"[ \t]as[ \t]")
_VALUE = re.compile(rb"=[ \t(]{0,8}([\w.]{1,160})[ \t)]{0,8}(?:[#;\r\n]|$)")
_INDIRECT = re.compile(rb"\b(?:partial|getattr)[ \t]{0,8}\(|__call__")
"""How a loader gets another name, or is handed on as a value."""

_BEFORE = 80
"""Bytes before `as` in which the name stands."""

_GIVEN = re.compile(rb"-[\w-]*(?:%(words)s)|(?:%(words)s)[\w.\[\]-]*[\"']?[?:+]?=" % {b"words": b"|".join(_WEAK)})
"""A flag or a variable of a shell that may be a model, in small letters."""

_ANY = frozenset({*_STRONG, *_WEAK, *_LOADERS})

_IS_STRONG, _IS_WEAK, _LOADS = 1, 2, 4
_GROUPS = ((_IS_STRONG, _STRONG), (_IS_WEAK, _WEAK), (_LOADS, _LOADERS))

_PLAIN: set[bytes] = set()
"""Words in which no trace is: files have most of theirs in common, so that each is looked at once."""


@dataclass(frozen=True, slots=True)
class _Text:
    """A text that was looked at."""

    text: bytes
    without: bytes
    """Bytes that were left out of it."""

    traced: frozenset[bytes]
    """Its words, or parts of them, that have a trace."""


_LAST = [_Text(b"", b"", frozenset())]
"""The sides of a change are alike, and follow each other."""

_MOST_TRACED = 16
_NEAR = 512
"""Bytes between which the end of what two texts have in common is not searched further."""

_MOST_PLAIN = 1 << 16
_MOST_AT_ONCE = 1 << 10
_LONGEST_PLAIN = 60
"""Words and their bytes that are kept, whatever a file holds."""

_LETTERS = bytes(
    ord(chr(each).lower()) if (chr(each).isalpha() and each < 128) or each in b"_-" else 32 for each in range(256)
)
"""Small letters for letters, blanks for what no word has."""

_UNSEEN = (b"\\u", b"\\x", b"\\U")
_UNTOLD = (b"/", b"$", b"`", b"{{", b"%", b"<", b"!", b"__", b"@")
"""One of these stands in what looks like a model, or in what is only known when it runs."""

_JOINED = re.compile(rb"\\\r?\n[ \t]*")
"""A word goes on in the next line: after it in shells, after its blanks in YAML."""


def may_name_models(path: str, data: bytes) -> bool:
    """Whether a file may name a model by anything but a marker or a pattern of the team.

    Args:
        path: Its name, by which it is read.
        data: All of it.
    """
    ending = splitext(path)[1].lower()
    if is_wide(data):
        return True
    if ending in _CODE:
        return _of_code(data)
    if ending == ".ipynb":
        return _of_code(data) or _of_settings(data)
    return _of_settings(data) and (ending not in _SHELL or _of_shell(data))


def lines_with_traces(data: bytes) -> list[int] | None:
    """Give the lines, one-based and in order, of a Python file in which a word of the extractors stands.

    None when that can't be told by its bytes.
    """
    if not data.isascii() or b"coding" in data[:200].lower() or b"\r" in data.replace(b"\r\n", b""):
        return None
    small = data.lower()
    if _renames(small):  # then any name may be that of a loader
        return None
    words = b" ".join(_traced_words(data))
    present = [trace for trace in _ANY if trace in words]
    places = {place for trace in (*present, *_REBINDING) for place in _places(small, trace)}
    places.update(found.start() for found in _ID.finditer(data))
    found: list[int] = []
    line, before = 1, 0
    for place in sorted(places):
        line += data.count(b"\n", before, place)
        before = place
        found.append(line)
    return found


def _renames(small: bytes) -> bool:
    """Whether a loader may be called by another name than its own."""
    if (b"partial" in small or b"getattr" in small or b"__call__" in small) and _INDIRECT.search(small):
        return True
    names = {small[max(0, found.start() - _BEFORE) : found.start()] for found in _ALIAS.finditer(small)}
    names.update(_VALUE.findall(small))
    told = b" ".join(names)
    return any(word in told for word in _LOADERS)


def _places(text: bytes, word: bytes) -> Iterator[int]:
    at = text.find(word)
    while at >= 0:
        yield at
        at = text.find(word, at + 1)


def _of_code(data: bytes) -> bool:
    # Identifiers in other letters, or bytes in another encoding, may mean the same.
    if not data.isascii() or b"coding" in data[:200].lower():
        return True
    found = _traces(data)
    if found & _LOADS:
        return True
    return bool(found) and (b"/" in data or b"\\" in data) and bool(_SLASHED.search(data))


def _of_settings(data: bytes) -> bool:
    if b"\\" in data and any(each in data for each in _UNSEEN):
        return True
    found = _traces(_joined(data), b"\"'\\`")  # a shell puts v"ll"m together
    if found & _IS_STRONG:
        return True
    return bool(found & _IS_WEAK) and any(each in data for each in _UNTOLD)


def _of_shell(data: bytes) -> bool:
    """Whether a script that has a trace has it where scripts name models: in a program, a flag or a variable."""
    data = _joined(data)
    if _traces(data, b"\"'\\") & _IS_STRONG:
        return True
    small = data.translate(None, b"\"'\\").lower()
    words = [word for word in _WEAK if word in small]
    return any(_GIVEN.search(line) for line in small.split(b"\n") if any(word in line for word in words))


def _joined(data: bytes) -> bytes:
    return _JOINED.sub(b"", data) if b"\\\n" in data or b"\\\r\n" in data else data


def _traces(data: bytes, without: bytes = b"") -> int:
    """Give the groups that have a word in a text."""
    return reduce(or_, map(_groups, _traced_words(data, without)), 0)


def _traced_words(data: bytes, without: bytes = b"") -> set[bytes]:
    """Give the words, or parts of words, that have a trace; what was in the last text, too, is not read again."""
    last = _LAST[0]
    traced: set[bytes] = set()
    part = data
    if last.without == without:
        part = _differing(data, last.text)
        if last.traced:
            told = data.translate(_LETTERS, without)
            traced.update(word for word in last.traced if word in told)
    words = part.translate(_LETTERS, without).split()
    if not _PLAIN.issuperset(words):
        traced |= _traced(set(words) - _PLAIN)
    if len(traced) <= _MOST_TRACED:
        _LAST[0] = _Text(data, without, frozenset(traced))
    return traced


def _traced(words: set[bytes]) -> set[bytes]:
    """Give the words that have a trace, and keep in mind some that have none."""
    if len(words) > _MOST_AT_ONCE:
        told = b" ".join(words)
        return {part for part in _ANY if part in told}
    found = {word for word in words if _groups(word)}
    if len(_PLAIN) < _MOST_PLAIN:
        _PLAIN.update(word for word in words - found if len(word) <= _LONGEST_PLAIN)
    return found


def _groups(word: bytes) -> int:
    return _known(word) if len(word) <= _LONGEST_PLAIN else _of_word(word)


def _of_word(word: bytes) -> int:
    return sum(group for group, parts in _GROUPS if any(part in word for part in parts))


_known = lru_cache(maxsize=4096)(_of_word)


def _differing(data: bytes, like: bytes) -> bytes:
    """Give whole lines of a text, such that all its other lines stand in the other text, too."""
    most = min(len(data), len(like))
    start = data.rfind(b"\n", 0, _common(data, like, most)) + 1
    common = _common_end(data, like, most)
    if len(data) - start <= _NEAR:
        return data[start:]
    end = data.find(b"\n", len(data) - common) + 1 if common else 0
    return data[start:end] if end else data[start:]


def _common(one: bytes, other: bytes, most: int) -> int:
    """Give how many bytes at least two texts have in common at the start."""
    least = 0
    while most - least > _NEAR:
        middle = (least + most) // 2
        if one[least:middle] == other[least:middle]:
            least = middle
        else:
            most = middle
    return least


def _common_end(one: bytes, other: bytes, most: int) -> int:
    """Give how many bytes at least two texts have in common at the end."""
    least = 0
    while most - least > _NEAR:
        middle = (least + most) // 2
        if one[len(one) - middle : len(one) - least] == other[len(other) - middle : len(other) - least]:
            least = middle
        else:
            most = middle
    return least
