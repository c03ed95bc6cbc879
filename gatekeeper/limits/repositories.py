"""How a team's own repository and its platform are read."""

from __future__ import annotations

from dataclasses import dataclass

from gatekeeper.limits.units import MIB


@dataclass(frozen=True, kw_only=True)
class RepositoryLimits:
    """Bounds on source code, changes and the platform that holds them."""

    source_bytes: int = 2 * MIB
    """Bytes of a Python file or notebook that is parsed; the largest of honest models have a tenth of this."""

    source_files: int = 20_000
    """Source files that are searched for the models they name."""

    source_words: int = 200_000
    """Words and signs of a Python file that is parsed: its tree takes about a kilobyte for each."""

    source_depth: int = 60
    """Brackets inside each other in a Python file that is parsed; the parser's work grows steeply with them."""

    diff_files: int = 200_000
    """Files that differ between two commits."""

    diff_bytes: int = 128 * MIB
    """Bytes of their names and digests, as git tells them."""

    diff_content_bytes: int = 512 * MIB
    """Bytes of changed files that are read for the models they name, old and new together."""

    git_seconds: float = 300
    """Wall-clock seconds of one run of git."""

    github_pages: int = 30
    """Pages of a hundred comments on one pull request that are searched for ours."""

    github_bytes: int = 16 * MIB
    """Bytes of one answer of GitHub's API; a page of a hundred longest comments has half."""

    github_seconds: float = 15.0
    """Seconds of silence before a request to GitHub's API counts as failed."""

    github_retries: int = 2
    """Attempts after the first for such a request."""
    hdf5_steps: int = 500_000
    """Parts of an HDF5 file that are read one by one; a model of a thousand tensors has about twenty thousand."""
