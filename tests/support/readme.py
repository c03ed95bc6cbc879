"""The parts of the README that a command remakes: `python -m tests.support.readme --write`."""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from click.testing import CliRunner

from gatekeeper import checks, policy
from gatekeeper.cli.demo import tell_repairs
from gatekeeper.cli.main import cli
from gatekeeper.demo import Mended, repairs, why_not
from tests.support import tour

README = Path(__file__).parents[2] / "README.md"


def demo() -> str:
    """Give what `make demo` prints, where torch is not installed."""
    with tempfile.TemporaryDirectory() as folder:
        asked = ["demo", "--skip-repair", "--out", folder]
        ran = CliRunner().invoke(cli, asked, catch_exceptions=False, standalone_mode=False)
        shown = ran.output.replace(folder, "reports/demo")
    body, _, end = shown.rstrip().rpartition("\n\n")
    return f"```console\n$ make demo\n{body}\n\n{_WITHOUT_TORCH}\n\n{end}\n```"


_WITHOUT_TORCH = """Two models that somebody saw fail:
--  not shown: it needs torch and transformers and peft: pip install 'gatekeeper-models[patch]'"""


def repaired(outcomes: Iterable[Mended]) -> str:
    """Give what `make torch demo` prints of the two models, as they came out."""
    with CliRunner().isolation() as (out, *_):
        tell_repairs(outcomes, Path("reports/demo"))
        return f"```console\n$ make torch demo\n…\nTwo models that somebody saw fail:\n{out.getvalue().decode()}```"


def with_repairs(text: str, outcomes: Iterable[Mended]) -> str:
    """Put what needs torch into the README's text."""
    return _put(text, "repair", repaired(outcomes))


def route() -> str:
    """Give the way of a model from the lock to where it is deployed; what is new in each run is left out."""
    with tour.workplace() as work:
        return f"```console\n{tour.transcript(tour.on_demo(work))}\n```"


def table() -> str:
    """Give the default decision table."""
    rows = (f"| `{row.slug}` | {row.words} | **{row.action}** | {row.ask or 'nothing'} |" for row in policy.load().rows)
    return "\n".join(["| row | when | action | what is asked of you |", "|---|---|---|---|", *rows])


def listed_checks() -> str:
    """Give the checks with their titles."""
    return "\n".join(["| check | |", "|---|---|", *(f"| `{check.id}` | {check.title} |" for check in checks.ALL)])


PARTS: dict[str, Callable[[], str]] = {"demo": demo, "tour": route, "table": table, "checks": listed_checks}
"""Name between the markers → what belongs there."""


def remade(text: str) -> str:
    """Put every part into the README's text, between its markers."""
    for name, make in PARTS.items():
        text = _put(text, name, make())
    return text


def _put(text: str, name: str, body: str) -> str:
    pattern = rf"(<!-- begin {name} -->\n).*?(<!-- end {name} -->)"
    text, count = re.subn(pattern, lambda found: f"{found[1]}{body}\n{found[2]}", text, flags=re.DOTALL)
    assert count == 1, f"the README has {count} places for {name}"
    return text


if __name__ == "__main__":
    fresh = remade(README.read_text("utf-8"))
    if not why_not():
        with tempfile.TemporaryDirectory() as place:
            fresh = with_repairs(fresh, repairs(Path(place)))
    if "--write" in sys.argv:
        README.write_text(fresh, "utf-8")
    else:
        print(fresh)
