"""Real git repositories, made commit by commit."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

_WHO = ("-c", "user.name=somebody", "-c", "user.email=somebody@example.org", "-c", "commit.gpgsign=false")


class Repo:
    """A repository in a folder."""

    def __init__(self, root: Path) -> None:
        """Make it, with the branch `main`."""
        self.root = root
        root.mkdir(parents=True, exist_ok=True)
        self.git("init", "-q", "-b", "main")

    def git(self, *arguments: str) -> str:
        """Run git; give what it says."""
        environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
        ran = subprocess.run(
            ["git", *_WHO, *arguments], cwd=self.root, env=environment, capture_output=True, check=True
        )
        return os.fsdecode(ran.stdout).strip()

    def write(self, files: Mapping[str, str | bytes | None]) -> None:
        """Write files; None removes one."""
        for name, content in files.items():
            path = self.root / name
            if content is None:
                path.unlink()
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())

    def commit(self, files: Mapping[str, str | bytes | None]) -> str:
        """Write files and commit them; give the commit."""
        self.write(files)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "work")
        return self.git("rev-parse", "HEAD")


def loads(name: str, revision: str = "", **more: object) -> str:
    """Give a line of Python that loads a model."""
    at = f', revision="{revision}"' if revision else ""
    rest = "".join(f", {key}={value!r}" for key, value in more.items())
    return f'm = AutoModel.from_pretrained("{name}"{at}{rest})\n'
