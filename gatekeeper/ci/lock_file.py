"""`gatekeeper.lock`: what a team has pinned."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gatekeeper.ci.extractor import as_text, file_name
from gatekeeper.endings import LOCK_NAME
from gatekeeper.errors import GatekeeperError
from gatekeeper.limits import Limits
from gatekeeper.mention import Mention, Role

_TABLE = re.compile(r"^\[models\.(?:\"([^\"\n]{1,300})\"|'([^'\n]{1,300})'|([\w-]{1,300}))\]", re.MULTILINE)


class LockFiles:
    """The lock, read by the same reader as everywhere."""

    def takes(self, path: str) -> bool:
        """Whether it has the lock's name."""
        return file_name(path) == LOCK_NAME

    def extract(self, data: bytes, path: str, limits: Limits) -> Iterator[Mention]:
        """Give every pinned model at the line where its table begins."""
        from gatekeeper.artifact import Kind  # only a lock needs what reads it
        from gatekeeper.lockfile import parse

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
            yield Mention(line=lines.get(model.id, 0), name=model.id, revision=model.commit, role=role, call=LOCK_NAME)
