"""Text that tries to be more than text, and ways to put it everywhere in an attestation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from typing import Any

from gatekeeper.attestation import Attestation
from gatekeeper.review import Review

ADDRESS = "http://hostile.example/beacon"
"""What hostile text wants to be fetched."""

MARK = "owned"
"""What hostile text wants the page's title to be."""

_DO = f"document.title='{MARK}'"

MARKUP = (
    f"<script>{_DO}</script>",
    f"</title></style></code><script>{_DO}</script>",
    f'"><img src=x onerror="{_DO}">',
    f"' onmouseover='{_DO}' autofocus onfocus='{_DO}",
    f"<svg/onload={_DO}>",
    f"javascript:{_DO}",
    f'<a href="javascript:{_DO}">a</a>',
    f"<img src={ADDRESS}>",
    f'<iframe src="{ADDRESS}" srcdoc="<script>parent.{_DO}</script>"></iframe>',
    f'<link rel="stylesheet" href="{ADDRESS}"><style>@import url({ADDRESS});</style>',
    f'<meta http-equiv="refresh" content="0;url={ADDRESS}"><base href="{ADDRESS}">',
    f"<object data={ADDRESS}></object><embed src={ADDRESS}><video poster={ADDRESS} src={ADDRESS}>",
    f"<style>*{{background:url({ADDRESS})}}</style>",
    f"<form action={ADDRESS}><input autofocus onfocus={_DO}></form>",
    "<!-- --><![CDATA[ ]]><plaintext>",
    "{{ 7 * 7 }}{% raw %}{# #}{{ attestation.__class__.__mro__ }}",
    "\x1b]8;;http://hostile.example\x07link\x1b]8;;\x07\x1b[2J\x1b[31m",
    "[bold red]markup[/] [link=http://hostile.example]x[/link] :skull:",
    "\u202egnp.exe\u2066\u200b\u2028\u2029\r\n\t\x00\x85",
    "\ud800\udfff\udc80",
    "e" + "\u0301" * 60,
    "שם/דגם עברית",
    "A" * 3000,
)


def everywhere(attestation: Attestation, change: Callable[[str], str]) -> Attestation:
    """Change every string that is not empty, the same way, keys included."""
    changed = _change(attestation, change)
    assert isinstance(changed, Attestation)
    return replace(changed, schema_version=attestation.schema_version)


def _change(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, Enum):
        return value
    if isinstance(value, str):
        return change(value) if value else value
    if isinstance(value, tuple):
        return tuple(_change(item, change) for item in value)
    if isinstance(value, Mapping):
        return {_change(key, change): _change(item, change) for key, item in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{field.name: _change(getattr(value, field.name), change) for field in fields(value)})
    return value


def everywhere_in(review: Review, change: Callable[[str], str]) -> Review:
    """Change every string of a review that is not empty, the same way."""
    changed = _change(review, change)
    assert isinstance(changed, Review)
    return changed
