"""The page in a real browser: no script of hostile text runs, no request leaves, and it reads on a phone."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from gatekeeper.report import to_html
from tests.support import chromium
from tests.support.attestations import CASES, discarded, escalated, large
from tests.support.chromium import Browser
from tests.support.hostile import ADDRESS, MARK, MARKUP, everywhere

pytestmark = pytest.mark.browser


class Listener:
    """A loopback proxy that answers nothing and remembers what it was asked for."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.address = "{}:{}".format(*self._socket.getsockname())
        self.heard: list[str] = []
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            connection, _ = self._socket.accept()
            with connection:
                asked = connection.recv(65536)
                if asked == b"stop":
                    return
                self.heard.append(asked.decode("latin-1").split("\r\n")[0])
                connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    def stop(self) -> None:
        with socket.create_connection(self._socket.getsockname()) as last:
            last.sendall(b"stop")
        self._thread.join()
        self._socket.close()

    def hostile(self) -> list[str]:
        """What was asked for on behalf of hostile text; a browser has errands of its own."""
        return [asked for asked in self.heard if "hostile" in asked]


@pytest.fixture(scope="module")
def listener() -> Iterator[Listener]:
    listening = Listener()
    yield listening
    listening.stop()


@pytest.fixture(scope="module")
def tab(listener: Listener) -> Iterator[Browser]:
    with chromium.opened(proxy=listener.address) as browser:
        yield browser


def _open(tab: Browser, folder: Path, page: str) -> None:
    path = folder / "report.html"
    path.write_text(page, "utf-8")
    tab.open(path.as_uri())


def test_the_instruments_notice_a_page_that_misbehaves(tab: Browser, listener: Listener, tmp_path: Path) -> None:
    _open(tab, tmp_path, f"<title>t</title><script>document.title='{MARK}'</script><img src={ADDRESS}-control>")
    assert tab.evaluate("document.title") == MARK
    assert any("-control" in address for address in tab.requests())
    assert any("-control" in asked for asked in listener.heard)
    listener.heard.clear()


@pytest.mark.parametrize("case", CASES)
def test_hostile_text_neither_runs_nor_asks_for_anything(
    tab: Browser, listener: Listener, tmp_path: Path, case: str
) -> None:
    hostile = everywhere(CASES[case](), lambda value: value + "".join(MARKUP[:16]))
    _open(tab, tmp_path, to_html(hostile))
    tab.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
    tab.evaluate("document.body.offsetHeight")
    word = hostile.decision.action.value.capitalize() if hostile.decision else "Not decided"
    assert tab.evaluate("document.title").startswith(f"{word}: ")
    assert tab.evaluate("document.scripts.length") == 0
    assert tab.evaluate("[...document.links].every(link => link.getAttribute('href').startsWith('#'))")
    assert set(tab.requests()) <= {(tmp_path / "report.html").as_uri(), "data:,"}
    assert listener.hostile() == []


def test_the_policy_of_the_page_stops_what_escaping_would_let_through(
    tab: Browser, listener: Listener, tmp_path: Path
) -> None:
    injected = f"<style>h1{{display:none}}</style><script>document.title='{MARK}'</script><img id=i src={ADDRESS}>"
    page = to_html(discarded())
    _open(tab, tmp_path, page.replace("</main>", f"{injected}</main>"))
    assert tab.evaluate("document.querySelector('#i').naturalWidth") == 0
    assert tab.evaluate("document.title") != MARK
    assert tab.evaluate("getComputedStyle(document.querySelector('h1')).display") == "block"
    assert listener.hostile() == []


def test_the_page_has_its_style(tab: Browser, tmp_path: Path) -> None:
    _open(tab, tmp_path, to_html(discarded()))
    assert tab.evaluate("document.styleSheets[0].cssRules.length") > 50
    assert tab.evaluate("getComputedStyle(document.querySelector('h1')).color") == "rgb(168, 29, 43)"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_follows_the_colour_scheme(tab: Browser, tmp_path: Path, scheme: str) -> None:
    tab.media(scheme=scheme)
    _open(tab, tmp_path, to_html(discarded()))
    ground = {"light": "rgb(251, 250, 248)", "dark": "rgb(21, 23, 27)"}
    assert tab.evaluate("getComputedStyle(document.body).backgroundColor") == ground[scheme]


def test_a_phone_needs_no_sideways_scrolling(tab: Browser, tmp_path: Path) -> None:
    long = ("".join(MARKUP), "A" * 600, "\u0001" * 600, "\u05d0" * 600, "W" * 90 + "/" + "i" * 90)
    pages = [build() for build in CASES.values()]
    pages += [everywhere(escalated(), lambda value, text=text: value + text) for text in long]  # type: ignore[misc]
    for attestation in [*pages, large(files=600, findings=300)]:
        tab.resize(390)
        _open(tab, tmp_path, to_html(attestation))
        tab.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
        for width in (390, 320):
            tab.resize(width)
            assert tab.evaluate("innerWidth") == width
            assert tab.evaluate("document.documentElement.scrollWidth") <= width


def test_print_opens_what_is_folded(tab: Browser, tmp_path: Path) -> None:
    _open(tab, tmp_path, to_html(escalated()))
    shown = "[...document.querySelectorAll('details > :not(summary)')].filter(part => part.checkVisibility()).length"
    every = tab.evaluate("document.querySelectorAll('details > :not(summary)').length")
    tab.media("screen")
    assert tab.evaluate(shown) < every
    tab.media("print")
    assert tab.evaluate(shown) == every
    tab.media("screen")
