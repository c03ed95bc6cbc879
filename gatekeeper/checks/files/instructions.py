"""Sentences that speak to a machine that reads the repo, in families; each alone is honest somewhere.

A card of a model for chats shows prompts, a data set of attacks quotes them, a guide tells what to install. So no
family counts alone: `what` says which are there, and the check weighs that by whether a person would have seen it.
"""

from __future__ import annotations

import html
import re
import unicodedata
from enum import StrEnum


class Family(StrEnum):
    """What a sentence wants of a machine."""

    OVERRIDE = "to drop its instructions"
    OPENING = "that opens instructions of its own"
    ADDRESS = "addressed as a reviewer"
    VERDICT = "to come to a verdict"
    SILENCE = "to keep something from its user"
    ACTION = "to run, send or fetch something"


_MACHINE = (
    r"(?<![-/.@\w])(?:a\.?i\.?|llms?|(?:large )?language models?|(?:ai|llm|automated|automatic)[- ](?:based )?\w*\s?"
    r"(?:assistants?|agents?|reviewers?|scanners?|auditors?|models?|tools?|bots?|systems?)|chatgpt|gpt-?\d\w*|claude|gemini"
    r"|copilot|(?:code|security|model|automated) (?:reviewers?|review (?:bots?|agents?|assistants?)|scann\w+))"
)
_PATTERNS: dict[Family, tuple[str, ...]] = {
    Family.OVERRIDE: (
        r"\b(?:ignor(?:e|ing)|disregard(?:ing)?|forget|overrid(?:e|ing)|bypass|discard|do not follow|stop following)\b"
        r".{0,30}\b(?:previous|prior|above|earlier|preceding|all|any|your|system|other|initial|original|existing)\b"
        r".{0,30}\b(?:instructions?|prompts?|rules|guidelines|directives?|guardrails|polic(?:y|ies)|constraints|orders)\b",
        r"\b(?:ignor(?:e|ing)|disregard(?:ing)?|override|bypass|discard)\b.{0,15}\b(?:scann?(?:er|ing|s)?|security|audit\w*"
        r"|moderation|malware|antivirus)(?:'s)? (?:\w+ )?(?:output|results?|findings?|warnings?|reports?|alerts?"
        r"|verdicts?)\b",
    ),
    Family.OPENING: (
        r"\b(?:new|updated|revised|real|actual|hidden|secret|system) (?:system )?(?:instructions?|prompt|directive"
        r"|override)(?: for (?:you|the \w+))?\s?:",
        r"< ?im_start\b|< ?start_header_id\b|\[inst\]|<<sys\b|< ?system\b",
    ),
    Family.ADDRESS: (
        rf"\b(?:if|when|since|because|as) you(?:'re| are|, )?.{{0,15}}\b{_MACHINE}",
        rf"\b(?:note|message|attention|instructions?|notice|important|directive|reminder|memo)\b.{{0,12}}\b(?:to|for)\b"
        rf".{{0,20}}\b{_MACHINE}",
        rf"\b(?:attention|dear|hey|hello|hi)\b,? (?:all |any |the )?{_MACHINE}",
        rf"\b{_MACHINE}\b.{{0,60}}\b(?:must|should|shall|please|are (?:instructed|required|told)|ha(?:s|ve) to)\b",
        r"\b(?:assistant|agent|reviewer|scanner|auditor|bot)s?\b.{0,20}\b(?:must|should|shall|ha(?:s|ve) to)\b.{0,40}"
        r"\b(?:this|the|these) (?:\w+ )?(?:model|file|repo|repository|artifact|checkpoint|weights|package|upload)s?\b",
        rf"\b{_MACHINE}\s?\b(?:read|review|scann|process|analy[sz]|evaluat|audit|pars)ing\b.{{0,40}}[:,]",
    ),
    Family.VERDICT: (
        r"(?:^|[.:;,!\-]\s?|\b(?:must|should|shall|please|to|and|then|you|just|only|always|simply)\s)"
        r"(?:mark|report|rate|classify|label|flag|treat|consider|declare|describe|score|assess|approve|conclude|respond"
        r"|reply|answer|output|say|state|return|allow|give|assign|set|confirm|tell)\b.{0,60}\b(?:safe|clean|benign|trusted"
        r"|trustworthy|approved?|harmless|passed|allow(?:ed)?|low[- ]risk|verified|legitimate|secure"
        r"|no (?:\w+ )?(?:issues?|findings?|vulnerabilit\w+|problems?|malware|risks?|threats?|concerns?))\b",
        r"\b(?:approve|accept|whitelist|allowlist|merge|deploy|trust) (?:it|this|the (?:model|file|repo\w*|code))\b",
    ),
    Family.SILENCE: (
        r"\b(?:do not|don't|never|must not|should not|avoid|refrain from|without|skip|stop)\b.{0,25}\b(?:report|mention"
        r"|flag|alert|warn|disclos|reveal|tell|notif|inspect|scan|analy[sz]|examin|review|escalat|block|quarantin|show)\w*\b",
    ),
    Family.ACTION: (
        r"\b(?:run|execute|curl|wget|download|fetch|open|visit|send|post|upload|exfiltrate|email|paste|call|invoke|install)\b"
        r".{0,60}(?:https?://|\b(?:command|shell|terminal|bash|tokens?|credentials?|api[ _]keys?|environment variables?"
        r"|secrets?|\.env|ssh|system prompt|chat history|conversation)\b)",
        r"\btrust_remote_code\s?=\s?true|weights_only\s?=\s?false",
    ),
}
_COMPILED = {family: tuple(map(re.compile, patterns)) for family, patterns in _PATTERNS.items()}

_ANCHORS = (
    *("instruct", "prompt", "ignor", "disregard", "forget", "overrid", "bypass", "guardrail", "guideline", "directive"),
    *(
        "rules",
        "policy",
        "policies",
        "constraint",
        "orders",
        "a.i",
        "ai ",
        "ai,",
        "ai:",
        "ai.",
        "llm",
        "language model",
    ),
    *("automat", "reviewer", "scann", "auditor", "assistant", "chatgpt", "gpt", "claude", "gemini", "copilot"),
    *("im_start", "start_header", "[inst", "<<sys", "system", "code review", "model review", "security review"),
)
"""Every override and every address holds one of these: a search for plain words costs a tenth of one for shapes."""

LOOKALIKES = str.maketrans(
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u0501\u04bb\u051b\u051d\u0432\u043a\u043c\u043d\u0442"
    "\u03bf\u03b1\u03b9\u03ba\u03bd\u03c1\u03c4\u03c5\u03c7\u03b5\u0131\u0261\u0269",
    "aeopcyxijsdhqwbkmhtoaikvptuxeigi",
)
"""Cyrillic and Greek letters that are drawn like Latin ones, for words that are to be read as Latin."""
_DROPPED = frozenset({"Cf", "Mn", "Me"})
_SPACES = re.compile(r"(?:[\s*`~|>#]|(?<!\w)_|_(?!\w))+")


def laid_out(text: str) -> str:
    """Write text in small letters and on one line, without the marks of its layout.

    Args:
        text: Anything.
    """
    text = html.unescape(text) if "&" in text else text
    return _SPACES.sub(" ", text.lower().replace("\u2019", "'")).strip()


def plain(text: str) -> str:
    """Write text as it is meant: laid out, without accents, width variants and characters that show nothing.

    Args:
        text: Anything.
    """
    text = laid_out(text)
    if text.isascii():
        return text
    decomposed = unicodedata.normalize("NFKD", text)
    seen = "".join(character for character in decomposed if unicodedata.category(character) not in _DROPPED)
    return laid_out(seen.translate(LOOKALIKES))


def has_anchor(lowered: str) -> bool:
    """Whether a text can hold an override or an address at all.

    Args:
        lowered: As `plain` gives it, or at least in small letters.
    """
    return any(anchor in lowered for anchor in _ANCHORS)


def what(written: str) -> frozenset[Family]:
    """Say which families a passage holds.

    Args:
        written: As `plain` gives it; a paragraph rather than a book, since parts may stand far from each other.
    """
    return frozenset(family for family, patterns in _COMPILED.items() if any(each.search(written) for each in patterns))


def speaks_to_a_machine(families: frozenset[Family]) -> bool:
    """Whether a passage that no reader sees can only be meant for a machine."""
    if families & {Family.OVERRIDE, Family.OPENING}:
        return True
    return Family.ADDRESS in families and bool(families & {Family.VERDICT, Family.SILENCE, Family.ACTION})


def orders_a_machine(families: frozenset[Family]) -> bool:
    """Whether a passage that describes a file, and may quote the form of its prompts, is an order to a machine."""
    if Family.OVERRIDE in families or (Family.ADDRESS in families and Family.ACTION in families):
        return True
    return steers_a_review(families)


def steers_a_review(families: frozenset[Family]) -> bool:
    """Whether a passage in plain sight tells a machine that reviews what to find or to hide."""
    asks = bool(families & {Family.VERDICT, Family.SILENCE})
    return asks and bool(families & {Family.ADDRESS, Family.OVERRIDE, Family.OPENING})
