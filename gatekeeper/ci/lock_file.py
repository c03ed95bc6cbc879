"""`gatekeeper.lock`: what a team has pinned."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator

from gatekeeper.artifact import Kind
from gatekeeper.ci.extractor import as_text
from gatekeeper.endings import LOCK_NAME
from gatekeeper.errors import GatekeeperError
from gatekeeper.lock import LockedModel
from gatekeeper.lockfile import parse
from gatekeeper.mention import Mention, Role

_TABLE = re.compile(r"^\[models\.(?:\"([^\"\n]{1,300})\"|'([^'\n]{1,300})'|([\w-]{1,300}))\]", re.MULTILINE)


def read_lock(data: bytes) -> Iterator[Mention]:
    """Give every pinned model at the line where its table begins; by the same reader as everywhere."""
    text = as_text(data)
    try:
        lock = parse(text, source=LOCK_NAME)
    except GatekeeperError as error:
        yield Mention(line=0, unresolved=f"the lock can't be read: {error}")
        return
    lines, line, at = dict[str, int](), 1, 0
    for found in _TABLE.finditer(text):
        line += text.count("\n", at, found.start())
        at = found.start()
        lines.setdefault(found[1] or found[2] or found[3], line)
    for model in sorted(lock.models, key=lambda each: lines.get(each.id, 0)):
        role = Role.ADAPTER if model.kind is Kind.ADAPTER else Role.MODEL
        at = lines.get(model.id, 0)
        yield Mention(line=at, name=model.id, revision=model.commit, pins=_pins(model), role=role, call=LOCK_NAME)


def _pins(model: LockedModel) -> str:
    """Give a digest of all by which bytes are held against an entry: files, what is left out, base and signer.

    When it was decided, and under which policy, pins nothing.
    """
    told = (model.digest, model.kind.value, model.signer, model.exclude, model.base, model.files)
    return f"sha256:{hashlib.sha256(repr(told).encode()).hexdigest()}"
