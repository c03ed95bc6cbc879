"""Keeping secrets out of everything that is shown."""

from __future__ import annotations

import os
import re

_TOKEN = re.compile(r"\b(?:hf|api)_(?:org_|oauth_)?[A-Za-z0-9]{16,}\b")
"""Access tokens of the Hub, by their look."""

_BEARER = re.compile(r"(?i)\bbearer\s+\S+")
_CREDENTIALS = re.compile(r"(?<=://)[^/\s@]+@")
_QUERY = re.compile(r"(?i)\b(?:signature|x-amz-[a-z-]+|token|key-pair-id|policy)=[^&\s]+")
_HIDDEN = "***"

_known: set[str] = set()
"""Tokens that this process has sent; those of other Hubs have no look of their own."""


def keep_secret(token: str) -> None:
    """Hide a token wherever it stands, from now on."""
    _known.add(token)


def redact(text: str) -> str:
    """Replace tokens, credentials in addresses and the keys of signed addresses in a text that is to be shown."""
    named = (os.environ.get("HF_TOKEN", ""), os.environ.get("HUGGING_FACE_HUB_TOKEN", ""))
    # Longest first: a token can be the beginning of another.
    for secret in sorted({*_known, *named} - {""}, key=len, reverse=True):
        text = text.replace(secret, _HIDDEN)
    for pattern in (_TOKEN, _BEARER, _CREDENTIALS, _QUERY):
        text = pattern.sub(_HIDDEN + ("@" if pattern is _CREDENTIALS else ""), text)
    return text
