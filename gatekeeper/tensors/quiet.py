"""The libraries' own bars and warnings, kept off the terminal: what matters is said by us."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from logging import ERROR, getLogger
from types import ModuleType
from typing import Any


@contextmanager
def quiet() -> Iterator[None]:
    """Have transformers, PEFT and accelerate say nothing inside the block; their settings are as before after it."""
    from transformers import modeling_gguf_pytorch_utils
    from transformers.utils import logging

    accelerate = getLogger("accelerate")
    level, its_level = logging.get_verbosity(), accelerate.level
    bars = logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    accelerate.setLevel(ERROR)
    try:
        with warnings.catch_warnings(), _replaced(modeling_gguf_pytorch_utils, "tqdm", logging.EmptyTqdm):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.set_verbosity(level)
        accelerate.setLevel(its_level)
        if bars:
            logging.enable_progress_bar()


@contextmanager
def _replaced(module: ModuleType, name: str, value: Any) -> Iterator[None]:
    """Give a module another value for a while: its bar knows no setting."""
    before = getattr(module, name)
    setattr(module, name, value)
    try:
        yield
    finally:
        setattr(module, name, before)
