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


def redact(text: str, *secrets: str | None) -> str:
    """Replace tokens, credentials in addresses and the keys of signed addresses.

    Args:
        text: Anything that is about to be shown.
        secrets: Values to hide wherever they stand, besides `HF_TOKEN`.
    """
    for secret in (*secrets, os.environ.get("HF_TOKEN"), os.environ.get("HUGGING_FACE_HUB_TOKEN")):
        if secret:
            text = text.replace(secret, _HIDDEN)
    for pattern in (_TOKEN, _BEARER, _CREDENTIALS, _QUERY):
        text = pattern.sub(_HIDDEN + ("@" if pattern is _CREDENTIALS else ""), text)
    return text
