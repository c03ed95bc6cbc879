"""Fixtures that more than one room's tests use."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import huggingface_hub.constants  # noqa: F401 - looks for the token below the home that it sees first: a test's, else
import pytest
from hypothesis import settings

from gatekeeper.demo.hub import LoopbackHub

if TYPE_CHECKING:
    from tests.support.tiny_llm.shelf import Shelf

# A machine under load is no failure; and where main is kept green, the same tree gets the same answer every time.
settings.register_profile("anywhere", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "anywhere")


@pytest.fixture(autouse=True)
def _no_settings_of_the_person_who_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the environment's settings, of the Hub and of ours, out of the tests."""
    ours = [name for name in os.environ if name.startswith("GATEKEEPER_") and name != "GATEKEEPER_REQUIRE_BROWSER"]
    for name in ("HF_TOKEN", "HF_ENDPOINT", "HUGGING_FACE_HUB_TOKEN", "NO_COLOR", "COLUMNS", *ours):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GATEKEEPER_NO_CACHE", "1")
    monkeypatch.setenv("NO_PROXY", f"{os.environ.get('NO_PROXY', '')},127.0.0.1".strip(","))


@pytest.fixture
def hub() -> Iterator[LoopbackHub]:
    """An empty loopback Hub: `hub.add(repo)`, `hub.faults = Faults(…)`, `hub.endpoint`, `hub.requests`."""
    with LoopbackHub([]) as served:
        yield served


@pytest.fixture(scope="session")
def tiny_models(request: pytest.FixtureRequest) -> Shelf:
    """Tiny language models with planted backdoors, trained once and kept in pytest's cache; needs torch."""
    pytest.importorskip("torch", reason="language models need torch, which is not installed")
    pytest.importorskip("transformers", reason="language models need transformers, which is not installed")
    from tests.support.tiny_llm.shelf import Shelf

    return Shelf(request.config.cache.mkdir("tiny_llm"))
