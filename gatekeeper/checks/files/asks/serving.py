"""Servers: code that runs because of where it lies or because a server's own configuration names it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import PurePosixPath

from gatekeeper.checks.files.asks.ask import Ask, Config
from gatekeeper.text import printable

BY_PLACE = {
    "custom_generate/generate.py": "transformers runs it in place of its own `generate`",
    "code/inference.py": "SageMaker's containers run it when they start",
    "handler.py": "inference endpoints run it when they start",
    "hubconf.py": "`torch.hub.load` runs it",
}
"""Code at the root that runs because of where it lies, and who runs it."""

_KEYS = {
    "cog.yaml": ("predict", "train"),
    "bentofile.yaml": ("service",),
}
"""Keys that name `file:object`; BentoML leaves the ending out."""


_FOREIGN = ("custom.py", "custom_interface.py")
"""What speechbrain's `foreign_class` imports from the folder of the configuration (`inference/interfaces.py`): the name
that is its default, and the one that its own repos use."""


def interfaces(config: Config) -> Iterator[Ask]:
    """Find the code that speechbrain imports for an interface that the library does not hold."""
    value = config.value
    if config.path.name != "config.json" or not isinstance(value, dict) or "speechbrain_interface" not in value:
        return
    for name in _FOREIGN:
        path = str(config.path.parent / name)
        if config.has(path):
            message = (
                f"speechbrain imports {name!r} for the interface {printable(str(value['speechbrain_interface']), 80)}"
            )
            yield Ask(slug="local-code", message=message, detail="speechbrain_interface", module=path)


def asks(config: Config) -> Iterator[Ask]:
    """Find the code that a server's configuration names."""
    for key in _KEYS.get(config.path.name, ()):
        value = config.value.get(key) if isinstance(config.value, dict) else None
        if isinstance(value, str) and ":" in value:
            name = value.split(":", 1)[0]
            module = name if name.endswith(".py") else f"{name.replace('.', '/')}.py"
            path = str(config.path.parent / module)
            message = f"a server would run {printable(value, 120)!r}, code from this repo"
            yield Ask(slug="local-code", message=message, detail=key, module=path if config.has(path) else "")


def placed(paths: Iterable[PurePosixPath], has: Callable[[str], bool]) -> Iterator[tuple[str, str]]:
    """Give the files that some server or loader runs because of their place, each with who does.

    Args:
        paths: Files of the repo.
        has: Whether the repo has a file at a path.
    """
    for path in paths:
        reader = BY_PLACE.get(str(path))
        if reader:
            yield str(path), reader
        elif path.name in _FOREIGN and has(str(path.parent / "hyperparams.yaml")):
            yield str(path), "speechbrain imports it for an interface of its own"
        elif path.name == "model.py" and has(str(path.parent.parent / "config.pbtxt")):
            yield str(path), "Triton's Python backend runs it"
        elif path.name == "model.py" and path.parent.name == "model" and has(str(path.parent.parent / "config.yaml")):
            yield str(path), "Truss runs it when it serves the model"
