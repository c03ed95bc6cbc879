"""The round trip of the README: what was pinned, judged, signed and fetched is admitted; one byte later it is not."""

from __future__ import annotations

import stat

from tests.support import tour


def test_what_the_readme_shows_can_be_typed() -> None:
    with tour.workplace() as work:
        steps = list(tour.on_demo(work))
        assert stat.S_IMODE((work / "gatekeeper.key").stat().st_mode) == 0o600
        assert (work / "reports" / "verdict.intoto.jsonl").read_bytes().count(b"\n") == 2
    admitted, refused = (step for step in steps if step.command.startswith("gatekeeper admit"))
    assert (admitted.code, refused.code) == (0, 1)
    assert "ok  files" in admitted.output
    assert "NO  files      model.safetensors has other bytes" in refused.output
