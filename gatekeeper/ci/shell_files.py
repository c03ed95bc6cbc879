"""Shell scripts, Makefiles and scripts for Windows, and the files that scripts write."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from gatekeeper.ci.extractor import Extractor, as_text, ending, file_name
from gatekeeper.ci.shell import pieces, script
from gatekeeper.ci.telling import distinct
from gatekeeper.ci.variables import Variables
from gatekeeper.ci.windows_scripts import as_shell, is_for_windows
from gatekeeper.limits import Limits
from gatekeeper.mention import Mention

_WRITTEN = re.compile(r">>?[ \t]*[\"']?([\w./$(){}-]{1,200})|tee[ \t]+(?:-a[ \t]+)?[\"']?([\w./$(){}-]{1,200})")


def read_script(data: bytes, path: str, limits: Limits, written: Sequence[Extractor]) -> Iterator[Mention]:
    """Find the commands that load models.

    Args:
        data: Of the script.
        path: Its name.
        limits: For the files that it writes.
        written: Who reads these.
    """
    text = as_shell(as_text(data), path) if is_for_windows(path) else as_text(data)
    make = ending(path) == ".mk" or file_name(path).endswith(("makefile", "justfile"))
    found = list(script(text, Variables(), make=make))
    for body, start, program in pieces(text):
        found += (replace(each, line=each.line + start - 1) for each in _document(body, program, limits, written))
    yield from distinct(found)


def _document(body: str, program: str, limits: Limits, readers: Sequence[Extractor]) -> Iterator[Mention]:
    """Read a here-document as the file that it becomes."""
    written = _WRITTEN.search(program)
    name = (written[1] or written[2]) if written else "stdin.yaml" if "kubectl" in program or "helm" in program else ""
    for extractor in readers:
        if name and extractor.takes(name):
            yield from (each for each in extractor.extract(body.encode("utf-8", "replace"), name, limits) if each.name)
            return
