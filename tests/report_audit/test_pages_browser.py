"""Every kind of page in a real browser, at three widths and in both schemes: quiet, narrow enough, and accessible.

Set GATEKEEPER_SCREENSHOTS to a folder to get a picture of each.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from gatekeeper.report import to_audit_html, to_html, to_index
from tests.support import chromium
from tests.support.attestations import CASES, large
from tests.support.chromium import Browser
from tests.support.fleets import fleet_of, hostile_fleet
from tests.support.sample_reports import SAMPLES

pytestmark = pytest.mark.browser

PICTURES = os.environ.get("GATEKEEPER_SCREENSHOTS", "")
"""Read when the module is: tests themselves see no setting from outside."""

PAGES = sorted(path.relative_to(SAMPLES).as_posix() for path in SAMPLES.rglob("*.html"))
WIDTHS = (390, 768, 1280)
SCHEMES = ("light", "dark")
CONTRASTS = ((390, "light"), (1280, "dark"))
"""Where the colours are looked at, which takes a second each; everything else is looked at everywhere."""

_SHOWN = 8_000
"""Pixels of a page's height that a picture shows."""


@pytest.fixture(scope="module")
def tab() -> Iterator[Browser]:
    with chromium.opened() as browser:
        browser.call("Log.enable")
        yield browser


@pytest.fixture(scope="module")
def axe() -> str:
    package = pytest.importorskip("axe_playwright_python")
    return (Path(package.__file__).parent / "axe.min.js").read_text("utf-8")


def _inject(tab: Browser, axe: str) -> None:
    tab.evaluate(f"{axe};0")


def _faults(tab: Browser, *, colours: bool = True) -> list[str]:
    """Run the accessibility engine and give what is serious or critical."""
    chosen = json.dumps({"resultTypes": ["violations"], "rules": {"color-contrast": {"enabled": colours}}})
    found = f"axe.run(document, {chosen})"
    told = tab.evaluate(f"{found}.then(found => JSON.stringify([found.violations, found.passes.length]))")
    violations, passes = json.loads(told)
    assert passes, "the engine looked at nothing"
    return [
        f"{each['id']}: {each['nodes'][0]['html'][:200]}"
        for each in violations
        if each["impact"] in {"serious", "critical"}
    ]


def _noise(tab: Browser) -> list[str]:
    """Give what the page wrote to the console, and what the browser had to say about it."""
    loud = ("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown")
    return [json.dumps(event["params"])[:300] for event in tab.events if event["method"] in loud]


def _open_all(tab: Browser) -> None:
    tab.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")


def _picture(tab: Browser, name: str, width: int) -> None:
    if not PICTURES:
        return
    height = min(tab.evaluate("document.documentElement.scrollHeight"), _SHOWN)
    area = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
    shot = tab.call("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=area)
    Path(PICTURES).mkdir(parents=True, exist_ok=True)
    (Path(PICTURES) / f"{name}.png").write_bytes(base64.b64decode(shot["data"]))


def test_the_instruments_notice_a_bad_page(tab: Browser, axe: str, tmp_path: Path) -> None:
    page = tmp_path / "bad.html"
    page.write_text("<title>t</title><script>console.error('x')</script><img src=a.png><b style='color:#ddd'>pale</b>")
    tab.resize(390)
    tab.open(page.as_uri())
    assert _noise(tab)
    assert len(tab.requests()) > 1
    _inject(tab, axe)
    assert {fault.split(":")[0] for fault in _faults(tab)} >= {"image-alt", "color-contrast"}


@pytest.mark.parametrize("page", PAGES)
def test_a_sample_is_quiet_narrow_enough_and_accessible(tab: Browser, axe: str, page: str) -> None:
    path = SAMPLES / page
    tab.media()
    tab.resize(WIDTHS[0])
    tab.open(path.as_uri())
    _inject(tab, axe)
    for is_open in (False, True):
        if is_open:
            _open_all(tab)
        for width in WIDTHS:
            tab.resize(width)
            assert tab.evaluate("document.documentElement.scrollWidth") <= width
            for scheme in SCHEMES:
                tab.media(scheme=scheme)
                if not is_open:
                    _picture(tab, f"{page.removesuffix('.html').replace('/', '-')}-{width}-{scheme}", width)
                else:
                    assert _faults(tab, colours=(width, scheme) in CONTRASTS) == []
    assert set(tab.requests()) <= {path.as_uri(), "data:,"}
    assert _noise(tab) == []


def test_crowded_and_hostile_pages_are_accessible_too(tab: Browser, axe: str, tmp_path: Path) -> None:
    pages = {
        "escalate": to_html(CASES["escalate"]()),
        "scan": to_html(CASES["scan"]()),
        "large": to_html(large(files=10, findings=10)),
        "audit-hostile": to_audit_html(hostile_fleet()),
        "audit-many": to_audit_html(fleet_of(20)),
        "index-empty": to_index("Nothing", []),
    }
    tab.media()
    for name, text in pages.items():
        path = tmp_path / f"{name}.html"
        path.write_text(text, "utf-8")
        tab.resize(390)
        tab.open(path.as_uri())
        _open_all(tab)
        _inject(tab, axe)
        assert tab.evaluate("document.documentElement.scrollWidth") <= 390, name
        assert _faults(tab, colours=name == "escalate") == [], name  # half a minute on a page of five thousand parts
        assert set(tab.requests()) <= {path.as_uri(), "data:,"}


def test_the_page_can_be_walked_with_the_keyboard_alone(tab: Browser) -> None:
    tab.media()
    tab.resize(1280)
    tab.open((SAMPLES / "audit-report" / "audit.html").as_uri())
    tab.evaluate("document.body.focus()")
    reached = []
    for _ in range(16):
        for kind in ("keyDown", "keyUp"):
            tab.call("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9)
        reached.append(tab.evaluate("document.activeElement.getAttribute('href') || document.activeElement.tagName"))
    assert "#attention" in reached
    assert len(set(reached)) > 6
    assert tab.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_a_link_into_a_folded_list_opens_it(tab: Browser) -> None:
    tab.media()
    tab.resize(1280)
    tab.open((SAMPLES / "audit-report" / "audit.html").as_uri())
    target = tab.evaluate("document.querySelector('.heat td a').getAttribute('href')")
    shown = f"document.querySelector('{target}').checkVisibility()"
    assert not tab.evaluate(shown)
    tab.evaluate("document.querySelector('.heat td a').click()")
    assert tab.evaluate(shown)


def test_print_opens_what_is_folded_on_the_audit_page(tab: Browser) -> None:
    tab.media("print")
    tab.open((SAMPLES / "audit-report" / "audit.html").as_uri())
    hidden = "[...document.querySelectorAll('details > :not(summary)')].filter(part => !part.checkVisibility()).length"
    assert tab.evaluate(hidden) == 0
    tab.media("screen")
