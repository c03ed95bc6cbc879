"""Words and markup in the constant text of chat templates: which text a model would read as something said."""

from __future__ import annotations

import re

_MARKUP = re.compile(
    r"<[|\uff5c]?/?[\w:.\u2581\-]{1,60}/?[|\uff5c]?>"  # <|im_start|>, </think>, <tool_call>, and DeepSeek's wide bars
    r"|\[/?\|?[\w:.\-]{1,40}\|?\]"  # [INST], [|assistant|]
    r"|<[\w:]{1,60} \w{1,30}=|<!\[\w{1,20}\["  # <param name=, <![CDATA[
    r"|<<?/?\w{1,20}>>?"  # <<SYS>>
    r"|\|\w{1,30}\|"
    r"|(?<!\w)/\w{1,20}"  # /no_think
    r"|&\w{1,8};"  # &quot;
    r"|(?<![\w.\-])[\w.\-]*_[\w.\-]*"  # identifiers: tool_call_id, im_start
    r'|"[\w.\-]{1,30}"\s*:'  # "name":
)
"""Text that is structure to a model and not speech. Nothing in it has a space, so no sentence fits."""

_WORD = re.compile(r"[^\W\d_]{2,}|[ぁ-ヿ㐀-鿿가-힯]")

LABELS = frozenset(
    {
        *("user", "assistant", "system", "tool", "tools", "function", "human", "gpt", "bot", "ai", "model", "ipython"),
        *("instruction", "instructions", "input", "response", "output", "observation", "thought", "action", "question"),
        *("answer", "name", "description", "parameters", "arguments", "content", "role", "type", "result", "results"),
        *("error", "query", "call", "calls", "developer", "environment", "documents", "document", "title", "text"),
        *("image", "images", "video", "audio", "picture", "file", "context", "python", "json", "none", "null", "true"),
        *("false", "final", "analysis", "commentary", "string", "number", "integer", "boolean", "object", "array"),
        *("any", "id", "end", "start", "begin", "turn", "message", "think", "thinking", "value", "key", "begin", "of"),
    }
)
"""Words that templates use to name roles, turns and parts."""


_SWITCH = re.compile(
    r"/?(?:no_?|system_)?think(?:ing)?(?:\s*[:=]?\s*(?:on|off))?|detailed thinking (?:on|off)|/?system_override"
    r"|reasoning[ _](?:effort|strength|mode)(?:\s*:?\s*\w+)?",
    re.IGNORECASE,
)


def words(text: str) -> list[str]:
    """Give the words of a text that a model would read as speech: letters outside markup, without labels.

    Args:
        text: Constant text of a template.
    """
    found = _WORD.findall(_MARKUP.sub(" ", text))
    return [word for word in found if word.lower() not in LABELS]


def is_word_like(literal: str) -> bool:
    """Whether a constant that content is held against is something that a person would write, and no markup."""
    bare = _MARKUP.sub(" ", literal)
    return any(run.lower() not in LABELS for run in re.findall(r"[^\W_]+", bare))


def is_switch(literal: str) -> bool:
    """Whether a constant is one of the switches that publishers document for turning reasoning on, off, up or down.

    Args:
        literal: What a system message is held against.
    """
    return _SWITCH.fullmatch(literal.strip()) is not None
