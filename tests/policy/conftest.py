"""What the policy tests share: writing policies to disk and making evidence by hand."""

from collections.abc import Callable
from pathlib import Path

import pytest

HEAD = "apiVersion: gatekeeper/v1\nkind: Policy\nname: mine\n"


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write a policy whose head is given, and return its path."""

    def _write(body: str, name: str = "mine.yaml", head: str = HEAD) -> Path:
        path = tmp_path / name
        path.write_text(head + body, encoding="utf-8")
        return path

    return _write
