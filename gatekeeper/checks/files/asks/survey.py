"""Everything in an artifact that asks for code, gathered once, however many checks need it."""

from __future__ import annotations

import weakref
from dataclasses import dataclass, field

from gatekeeper.artifact import Artifact, ArtifactFile
from gatekeeper.checks.files.asks import serving
from gatekeeper.checks.files.asks.ask import Ask
from gatekeeper.checks.files.asks.judge import asks_in, is_config, most_bytes
from gatekeeper.errors import ContentChangedError, LimitError, SourceError
from gatekeeper.limits import DEFAULT_LIMITS, Limits
from gatekeeper.parsing import ParseError
from gatekeeper.text import printable


@dataclass(frozen=True, kw_only=True, slots=True)
class Survey:
    """What the configurations of an artifact ask for."""

    asks: list[tuple[str, Ask]] = field(default_factory=list)
    """Each with the file that it stands in."""

    unreadable: list[tuple[str, str]] = field(default_factory=list)
    """Configurations that no strict reader accepts, each with why."""

    unread: list[tuple[str, str]] = field(default_factory=list)
    """Configurations that could not be looked at, each with why."""

    placed: dict[str, str] = field(default_factory=dict)
    """Code that runs because of where it lies, with who runs it."""

    @property
    def modules(self) -> frozenset[str]:
        """Paths of files of code that a loader would run."""
        return frozenset({ask.module for _, ask in self.asks if ask.module} | self.placed.keys())


_KNOWN: dict[int, Survey] = {}


def survey(artifact: Artifact, limits: Limits = DEFAULT_LIMITS) -> Survey:
    """Look for requests for code in every configuration of an artifact."""
    key = id(artifact)
    if key not in _KNOWN:
        _KNOWN[key] = _survey(artifact, limits)
        weakref.finalize(artifact, _KNOWN.pop, key, None)
    return _KNOWN[key]


def _survey(artifact: Artifact, limits: Limits) -> Survey:
    found = Survey()
    for file in artifact.files:
        if is_config(file.path):
            _look(file, artifact, limits, found)
    found.placed.update(
        serving.placed((file.path for file in artifact.files), lambda path: artifact.file(path) is not None)
    )
    return found


def _look(file: ArtifactFile, artifact: Artifact, limits: Limits, found: Survey) -> None:
    path = str(file.path)
    try:
        data = file.content.read(most_bytes(file.path, limits))
        asks = asks_in(data, file.path, limits, lambda name: artifact.file(name) is not None)
        found.asks.extend((path, ask) for ask in asks)
    except ParseError as error:
        found.unreadable.append((path, str(error)))
    except (LimitError, SourceError, ContentChangedError, OSError) as error:
        found.unread.append((path, f"can't be read: {printable(str(error))}"))
