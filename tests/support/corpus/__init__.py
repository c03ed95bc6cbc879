"""A labelled corpus of model files: malicious, benign, broken or greedy.

Payloads are inert (`true`, `1+1`) and nothing is ever loaded. `CASES` is all of it; `python -m tests.support.corpus`
writes it to a folder. What the real libraries save is written by them, where they are installed.
"""

from __future__ import annotations

from tests.support.corpus.benign import formats, lookalikes, tables, torch_files
from tests.support.corpus.broken import greedy, lies
from tests.support.corpus.case import Case, Files, Label, unique
from tests.support.corpus.malicious import frameworks, gadgets, obfuscated, packed, requests, surroundings, templates

CASES: tuple[Case, ...] = unique(
    group
    for module in (
        gadgets, obfuscated, packed, frameworks, templates, requests, surroundings,
        lookalikes, torch_files, tables, formats,
        lies, greedy,
    )
    for group in module.CASES
)  # fmt: skip
"""Every case."""

__all__ = ["CASES", "Case", "Files", "Label"]
