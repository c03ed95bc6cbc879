"""Mention: one place in a file that names a model, or would name one if we knew how."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What the model is to whoever names it."""

    MODEL = "model"
    ADAPTER = "adapter"
    TOKENIZER = "tokenizer"
    """A tokenizer or processor, which usually lies in the model's own repo."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Mention:
    """One place that names a model."""

    path: str = ""
    """File, as it was found."""

    line: int
    """One-based; in a notebook counted within the cell. 0 when the whole file is meant."""

    cell: int = 0
    """One-based cell of a notebook; 0 for other files."""

    name: str = ""
    """`org/name`, or the path of the file when it is `local`; empty when it can't be told."""

    revision: str = ""
    """As written; empty when none is. Of a `local` file the digest of its content, `sha256:` and 64 digits (what a Git
    LFS pointer says of it included), or `md5:` and 32 as DVC has them; empty when it is too large to be read."""

    code_revision: str = ""
    """The revision of the code that is loaded with it, where that is given apart."""

    pins: str = ""
    """Of an entry of the lock: digest of what it pins beside the commit (files, what is left out, base, signer)."""

    remote_code: bool = False
    """Whether code from the model's repo is let run (`trust_remote_code`); also when that is only known at run time."""

    local: bool = False
    """Whether the file itself is the model: its weights lie in the repository that is read."""

    role: Role = Role.MODEL
    call: str = ""
    """What names it, such as `AutoModel.from_pretrained` or `predictor.storageUri`; not yet fit to be shown."""

    unresolved: str = ""
    """Why the name or its revision can't be told, in words; empty when both can."""

    @property
    def place(self) -> str:
        """Where it stands, as editors take it."""
        cell = f"cell {self.cell}:" if self.cell else ""
        return f"{self.path}:{cell}{self.line}" if self.line else self.path


@dataclass(frozen=True, kw_only=True, slots=True)
class Pattern:
    """A team's own way to name models, which no extractor knows."""

    path: str
    """Which files, as a glob over the whole path: `deploy/*.js`; `*` goes over slashes."""

    regex: str
    """What to look for in each line: a Python regular expression with a group `name` and, perhaps, `revision`."""

    role: Role = Role.MODEL


@dataclass(frozen=True, kw_only=True, slots=True)
class Ignored:
    """What pull requests are not searched for: files, or names that are no models. Exactly one of the two is given."""

    path: str = ""
    """Glob over whole paths, as in `Pattern`: these files are not read."""

    name: str = ""
    """Glob over names: `org/*`."""
