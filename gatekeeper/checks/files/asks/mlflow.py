"""MLflow: folders and files of code that a model brings along (`MLmodel`; `mlflow/models/model.py`)."""

from __future__ import annotations

from collections.abc import Iterator

from gatekeeper.checks.files.asks.ask import Ask, Config
from gatekeeper.text import printable

_CODE = ("code", "model_code_path")


def asks(config: Config) -> Iterator[Ask]:
    """Find code that loading puts on the module path or runs; `loader_module` is judged as any name that is called."""
    if config.path.name != "MLmodel":
        return
    for where, mapping in config.mappings():
        for key in _CODE:
            name = mapping.get(key)
            if isinstance(name, str) and name:
                path = str(config.path.parent / name)
                message = f"MLflow would run code from {printable(name, 120)!r} in this repo"
                yield Ask(slug="local-code", message=message, detail=printable(f"{where}{key}", 160), module=path)
