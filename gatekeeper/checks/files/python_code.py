"""`files/python-code`: what Python code in the repo does when it is imported or used."""

from __future__ import annotations

import ast
from functools import partial
from pathlib import PurePosixPath
from typing import ClassVar

from gatekeeper.artifact import Artifact, ArtifactFile
from gatekeeper.checks.check import Check, Context, Outcome, Rule
from gatekeeper.checks.files.asks.survey import survey
from gatekeeper.checks.files.judging import Judging
from gatekeeper.checks.files.python_code_rules import RULES
from gatekeeper.checks.files.python_judge import judge_python
from gatekeeper.checks.files.python_source import SourceProblemError, is_source, parse_source, read_source
from gatekeeper.errors import ContentChangedError, LimitError, SourceError
from gatekeeper.limits import Limits


class PythonCode(Check):
    """Python source read, never run.

    What it looks at:
        The syntax trees of `.py` files and of notebooks' code cells: which processes, connections and files they reach
        for, and which code they build, at the moment of import and later; encodings, characters and letters by which
        source hides from a reader. The model's code is held to more: files that a configuration asks for, and those
        that these import.

    Why it matters:
        Code that a configuration asks for runs with the rights of whoever loads the model, its module level before
        anything of the model is used.

    What it cannot see:
        Calls through values that are only known when it runs, and whether what an honest-looking call does is wanted.
        Source of another version of Python, which is said.

    How to mend:
        Prefer a model whose architecture the library knows; else read the code at the pinned commit.
    """

    id = "files/python-code"
    title = "Python code in the repo does nothing that a model need not do"
    rules: ClassVar[tuple[Rule, ...]] = RULES

    def run(self, artifact: Artifact, context: Context) -> Outcome:
        """Judge every source file; those that loaders run more strictly."""
        judging = Judging(check=self)
        asked = _asked(artifact, context.limits)
        for file in artifact.files:
            if not is_source(file.path):
                continue
            if file.sha256 is None:
                judging.gap(str(file.path), "not downloaded, so its code was not looked at")
            else:
                judging.look(file, partial(judge_python, asked=str(file.path) in asked), context.limits)
        return judging.outcome()


def _asked(artifact: Artifact, limits: Limits) -> frozenset[str]:
    """Give the files that loaders run: those that are asked for, those in folders that are, and what these import."""
    modules = survey(artifact, limits).modules
    sources = {str(file.path): file for file in artifact.files if file.path.suffix == ".py"}
    waiting = [path for path in sources if path in modules or any(path.startswith(f"{root}/") for root in modules)]
    asked: set[str] = set()
    while waiting:
        path = waiting.pop()
        if path not in asked:
            asked.add(path)
            waiting += [near for near in _imported(sources[path], limits) if near in sources]
    return frozenset(asked)


def _imported(file: ArtifactFile, limits: Limits) -> list[str]:
    """Give the paths beside a file that it may import, relatively or by their bare names."""
    try:
        text, _ = read_source(file.content.read(limits.source_bytes))
        tree = parse_source(text, limits)
    except (SourceProblemError, LimitError, SourceError, ContentChangedError, OSError):
        return []  # said when the file itself is judged
    paths: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            base = file.path.parents[min(max(node.level - 1, 0), len(file.path.parents) - 1)]
            inner = [*(node.module or "").split("."), *(alias.name for alias in node.names)]
            paths += _candidates(base, node.module or "", inner)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                paths += _candidates(file.path.parent, alias.name, [])
    return paths


def _candidates(base: PurePosixPath, module: str, names: list[str]) -> list[str]:
    folder = base.joinpath(*module.split(".")) if module else base
    found = [f"{folder}.py", str(folder / "__init__.py")] if module else []
    return found + [str(folder / f"{name}.py") for name in names if name]
