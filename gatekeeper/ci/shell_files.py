"""Shell scripts, Makefiles and scripts for Windows, and the files that scripts write."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from gatekeeper.ci.configuration import JsonFiles, TomlFiles, YamlFiles
from gatekeeper.ci.dockerfile import Dockerfiles
from gatekeeper.ci.environment import EnvironmentFiles
from gatekeeper.ci.extractor import Extractor, as_text, ending, file_name
from gatekeeper.ci.modelfile import Modelfiles
from gatekeeper.ci.shell import pieces, script
from gatekeeper.ci.telling import distinct
from gatekeeper.ci.variables import Variables
from gatekeeper.ci.windows_scripts import as_shell, is_for_windows
from gatekeeper.limits import Limits
from gatekeeper.mention import Mention

_ENDINGS = frozenset({".bash", ".command", ".ksh", ".mk", ".sbatch", ".sh", ".slurm", ".zsh"})
_NAMES = frozenset({"makefile", "gnumakefile", "justfile", "procfile", "entrypoint", "bashrc", ".bashrc", ".envrc"})
_WRITTEN = re.compile(r">>?[ \t]*[\"']?([\w./$(){}-]{1,200})|tee[ \t]+(?:-a[ \t]+)?[\"']?([\w./$(){}-]{1,200})")
_INNER: tuple[Extractor, ...] = (
    Dockerfiles(), Modelfiles(), EnvironmentFiles(), YamlFiles(), JsonFiles(), TomlFiles()
)  # fmt: skip


class ShellScripts:
    """Shell scripts, Makefiles, and scripts by their first line."""

    def takes(self, path: str) -> bool:
        """Whether it has the ending or name of one."""
        return ending(path) in _ENDINGS or file_name(path) in _NAMES or is_for_windows(path)

    def extract(self, data: bytes, path: str, limits: Limits) -> Iterator[Mention]:
        """Find the commands that load models."""
        text = as_shell(as_text(data), path) if is_for_windows(path) else as_text(data)
        make = ending(path) == ".mk" or file_name(path).endswith(("makefile", "justfile"))
        found = list(script(text, Variables(), make=make))
        for body, start, program in pieces(text):
            found += (replace(each, line=each.line + start - 1) for each in _document(body, program, limits))
        yield from distinct(found)


def _document(body: str, program: str, limits: Limits) -> Iterator[Mention]:
    """Read a here-document as the file that it becomes."""
    written = _WRITTEN.search(program)
    name = (written[1] or written[2]) if written else "stdin.yaml" if "kubectl" in program or "helm" in program else ""
    for extractor in _INNER:
        if name and extractor.takes(name):
            yield from (each for each in extractor.extract(body.encode("utf-8", "replace"), name, limits) if each.name)
            return
