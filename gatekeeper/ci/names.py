"""A written text → the repo on the Hub that it names: ids, addresses, and what looks like them but is none."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from urllib.parse import unquote

from gatekeeper.endings import WEIGHTS
from gatekeeper.lockfile import is_model_id

LONGEST = 400
"""Characters of a text that may be a name; longer ones are prose."""

_SITE = re.compile(r"(?:git\+)?https?://(?:[^@/\s]*@)?(?:www\.)?(?:huggingface\.co|hf\.co)/", re.IGNORECASE)
_SSH = re.compile(r"(?:ssh://)?git@(?:huggingface\.co|hf\.co)[:/]", re.IGNORECASE)
_BARE_SITE = re.compile(r"(?:huggingface\.co|hf\.co)/", re.IGNORECASE)
_SCHEME = re.compile(r"(?:hf|huggingface)://|hf[-_]hub:", re.IGNORECASE)
_OTHER_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(?://|/)|git@")
_LOCAL = re.compile(r"[./~\\]|[A-Za-z]:[\\/]")
_PAGE_WORDS = frozenset({"tree", "blob", "resolve", "raw", "blame", "commit", "commits"})
_NOT_MODELS = frozenset(
    {"datasets", "spaces", "buckets", "kernels", "api", "blog", "collections", "docs", "join", "learn", "login"}
    | {"models", "organizations", "papers", "pricing", "settings", "tasks"}
)
"""First parts of paths on the Hub that lead to no model."""

_FILES = WEIGHTS | {
    *(".bat", ".cfg", ".conf", ".csv", ".db", ".html", ".ini", ".jpg", ".js", ".json", ".jsonl", ".log", ".md", ".mjs"),
    *(".model", ".mp4", ".parquet", ".png", ".py", ".sh", ".sql", ".tar", ".tgz", ".toml", ".ts", ".tsv", ".txt"),
    *(".vocab", ".wav", ".xml", ".yaml", ".yml", ".zip", ".gz"),
}
_FOLDERS = frozenset(
    {"artifacts", "assets", "build", "cache", "checkpoint", "checkpoints", "ckpt", "ckpts", "config", "configs"}
    | {"data", "dist", "export", "exports", "finetuned", "lora", "loras", "local", "local_models", "log", "logs"}
    | {"mlruns", "model", "model_cache", "models", "mnt", "opt", "out", "output", "outputs", "pretrained", "results"}
    | {"resources", "run", "runs", "saved", "saved_models", "saves", "scripts", "src", "test", "tests", "tmp", "var"}
    | {"weights", "workspace", "adapters", "trained", "experiments", "exp", "volumes", "home", "root", "app"}
)
"""What folders are called where people train and serve; an organisation may have such a name all the same."""

_MEDIA = frozenset({"application", "audio", "font", "image", "multipart", "text", "video", "n"})
_SERVICES = frozenset(
    {"ai", "ai21", "aleph_alpha", "anthropic", "anyscale", "azure", "azure_ai", "bedrock", "cloudflare", "codestral"}
    | {"cohere_chat", "custom_openai", "dashscope", "deepinfra", "deepseek", "fireworks_ai", "gemini", "github"}
    | {"github_copilot", "groq", "hosted_vllm", "huggingface", "litellm", "litellm_proxy", "lm_studio", "mistral"}
    | {"nvidia_nim", "oci", "ollama", "ollama_chat", "openai_like", "openrouter", "perplexity", "replicate"}
    | {"sagemaker", "sagemaker_chat", "sambanova", "together_ai", "vertex", "vertex_ai", "vertexai", "vllm", "voyage"}
    | {"watsonx", "x-ai", "xai"}
)
"""What routers of requests write before the name of a model that somebody else runs, and Docker's own models."""

_LEGACY = re.compile(
    r"(?:albert-(?:base|large|xlarge|xxlarge)-v[12]|bert-(?:base|large)-[a-z-]+|camembert-base|ctrl|gpt2(?:-medium|-large|-xl)?"
    r"|distil(?:bert|gpt2|roberta)(?:-base)?[a-z0-9-]*|openai-gpt|roberta-(?:base|large)[a-z-]*|t5-(?:small|base|large|3b|11b)"
    r"|transfo-xl-wt103|xlm-(?:clm|mlm|roberta)-[a-z0-9-]+|xlnet-(?:base|large)-cased)"
)
"""Ids without an organisation; the Hub gives no new ones."""

_SERVED = re.compile(
    r"(?:openai/(?:chatgpt|codex|computer-use|dall-e|davinci|gpt-(?!2|oss|j|neo)|o\d|sora|text-|tts-|whisper-1$)"
    r"|google/(?:gemini|palm|text-|imagen)|amazon/(?:nova|titan)|cohere/(?:command|embed|rerank)"
    r"|databricks/databricks-|cerebras/(?:llama|qwen))",
    re.IGNORECASE,
)
"""Names under organisations of the Hub that only a service answers to."""


class Kind(Enum):
    """What a text turned out to be."""

    MODEL = "a repo on the Hub"
    FOLDER = "perhaps a folder"
    """It has the form of an id, and the first part is what folders are called."""

    OTHER = "something else"


@dataclass(frozen=True, slots=True)
class Reading:
    """What a text names."""

    kind: Kind
    name: str = ""
    revision: str = ""
    address: bool = False
    """Whether the text says itself that it is on the Hub, by a scheme or a host."""

    download: bool = False
    """Whether it is the address of a file in the repo at a revision."""


OTHER = Reading(Kind.OTHER)


def read(text: str, *, bare: bool = False, legacy: bool = False, lax: bool = False) -> Reading:
    """Tell what a text names.

    Args:
        text: As written, without quotes; variables are filled in already.
        bare: Whether a name without an organisation counts, such as `gpt2`.
        legacy: Whether at least those without an organisation count that the Hub has from its first years.
        lax: Whether whoever reads it takes anything in the form of an id for a model. Else names that only services
            answer to, types of media and the like count as something else.
    """
    text = text.strip()
    if not text or len(text) > LONGEST or not text.isascii() or any(sign in text for sign in " \t\n\\<>*?{}$\"'|,;"):
        return _site(text) if "?" in text and len(text) <= LONGEST else OTHER
    if _SITE.match(text) or _SSH.match(text):
        return _site(text)
    if scheme := _SCHEME.match(text):
        return _repo(text[scheme.end() :], tag_is_revision=True)
    if host := _BARE_SITE.match(text):
        return _repo(text[host.end() :], tag_is_revision=False)
    if _OTHER_SCHEME.match(text) or _LOCAL.match(text):
        return OTHER
    return _id(text, bare=bare, legacy=legacy, lax=lax)


def _site(text: str) -> Reading:
    """Read the address of a page, a file or a repository on the Hub's site."""
    head = _SITE.match(text) or _SSH.match(text)
    if head is None:
        return OTHER
    path = text[head.end() :].split("?", 1)[0].split("#", 1)[0]
    return _repo(path, tag_is_revision=False)


def _repo(path: str, *, tag_is_revision: bool) -> Reading:
    parts = [unquote(part) for part in path.split("/") if part]
    if not parts or parts[0] in _NOT_MODELS:
        return OTHER
    length = 1 if len(parts) == 1 or parts[1] in _PAGE_WORDS or "@" in parts[0] else 2
    last, at, revision = parts[length - 1].partition("@")
    last, colon, tag = last.partition(":")
    if colon and tag_is_revision and not at:
        revision = tag
    if at:  # `refs/pr/1` has slashes of its own
        revision = "/".join([revision, *parts[length : length + 2]]) if revision == "refs" else revision
    name = "/".join([*parts[: length - 1], last.removesuffix(".git")])
    rest = parts[length:]
    page = len(rest) > 1 and rest[0] in _PAGE_WORDS
    if page and not revision:
        revision = "/".join(rest[1:4]) if rest[1] == "refs" else rest[1]
    if not is_model_id(name):
        return OTHER
    download = page and rest[0] in {"resolve", "raw", "blob"} and len(rest) > 2
    return Reading(Kind.MODEL, name, revision, address=True, download=download)


def _id(text: str, *, bare: bool, legacy: bool, lax: bool) -> Reading:
    name, _, revision = text.partition("@")
    organisation, slash, _ = name.partition("/")
    if not is_model_id(name) or not (slash or bare or (legacy and _LEGACY.fullmatch(name))):
        return OTHER
    ending = name[name.rfind(".") :].lower() if "." in name else ""
    if ending in _FILES:
        return OTHER
    if not lax and slash and _is_served(name):
        return OTHER
    kind = Kind.FOLDER if slash and organisation.lower() in _FOLDERS else Kind.MODEL
    if not slash and (name.isdigit() or name.lower() in _WORDS):
        return OTHER
    return Reading(kind, name, revision)


_WORDS = frozenset(
    {"", "auto", "default", "disabled", "enabled", "false", "hf", "local", "none", "no", "null", "off", "on", "tbd"}
    | {"true", "yes", "lora", "qlora"}
)
"""Settings that stand where a name might."""


def _is_served(name: str) -> bool:
    organisation, _, rest = name.partition("/")
    if not any(letter.isalpha() for letter in name) or not rest.strip("0123456789."):
        return True
    return organisation.lower() in _MEDIA | _SERVICES or bool(_SERVED.match(name))


def is_id(text: str) -> bool:
    """Whether a text has the form `org/name` and nothing more."""
    return read(text).kind is Kind.MODEL and "/" in text
