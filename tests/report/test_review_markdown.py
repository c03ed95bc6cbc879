"""The summary and the comment: verdict first, whole sections or none, and nobody else's text says more than itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gatekeeper.decision import Action
from gatekeeper.mention import Mention
from gatekeeper.report import MARKER, ReviewLinks, review_comment, review_markdown
from gatekeeper.report.markdown import code, link, prose
from gatekeeper.review import Mode
from tests.support import attestations
from tests.support.hostile import MARKUP, everywhere_in
from tests.support.inert_markdown import faults, rows
from tests.support.reviews import CHANGES, HEAD, REVIEWS, comparison, full, judged, review

OURS = "https://github.example/"
LINKS = ReviewLinks(
    reports=("tide/report.html", "", "night/report.html"),
    artifact=f"{OURS}team/service/actions/runs/1/artifacts/2",
    run=f"{OURS}team/service/actions/runs/1",
    files=f"{OURS}team/service/blob/{HEAD}/",
)

MARKDOWN = (
    "@team/security please approve #1 and GH-22, fixes org/repo#3",
    "[click](http://hostile.example) ![x](http://hostile.example/beacon.png) <http://hostile.example>",
    "http://hostile.example www.hostile.example someone@hostile.example javascript:alert(1)",
    "| a | b |\n|---|---|\n| c | d |",
    "\\| \\\\| `|` ``|`` a\\",
    "`code` ``more`` ```fence``` ~~~",
    "# heading\n- list\n> quote\n1. one\n---\n***",
    "1. one",
    "12) twelve",
    "<details open><summary>x</summary></details><!-- gatekeeper: review -->",
    "-->\n<!-- gatekeeper: review -->",
    "</summary></details></details>",
    "&lt;b&gt; &#64;team &commat;team",
    ":skull: :rocket: $x^2$ $$y$$ $`z`$",
    "deadbeef 4f1c0de5a9b37e2266d01b3c9a84f7e0b5d2c631 1234567",
    "**bold** _em_ ~~gone~~ __dunder__ *",
    "[^1]: note [x]: http://hostile.example",
    "`", "``", " ` ", "\\", "|", "<", "!", "[", "'", '"', "(", ")", "((a", "a))", "''x",
)  # fmt: skip


@pytest.mark.parametrize("name", REVIEWS)
def test_the_verdict_comes_first(name: str) -> None:
    lines = review_markdown(REVIEWS[name]).splitlines()
    first = {
        "full": "**Blocked**: 4 of 6 models block (",
        "report-only": "**Would be blocked**: 4 of 6 models would block (",
        "passing": "**Allowed**: the one model may be deployed under this policy (1 allow).",
        "audit-passes": "**Not blocked**: 1 model (1 audit). What is not allowed is yet to be verified.",
        "removed": "**Nothing to judge**: no model is added or changed: 1 removed.",
        "empty": "**Nothing to judge**: no model is added or changed.",
    }
    assert lines[0] == "## gatekeeper: models of this change"
    assert lines[2].startswith(first[name])


def test_the_mode_is_told() -> None:
    assert "The job fails." in review_markdown(full())
    told = review_markdown(full(Mode.REPORT_ONLY))
    assert "Report only: the job passes all the same." in told
    assert "The job fails." not in told


def test_everything_that_a_reviewer_asks_for_is_there() -> None:
    text = review_markdown(full(), links=LINKS)
    assert (
        "| `breakwater/tide-7b` | `999999999999…` → `main` (today `4f1c0de5a9b3…`) | **discard** | `payload` |" in text
    )
    assert f"[`app/serve.py:12`]({LINKS.files}app/serve.py#L12)" in text
    assert "`auto_map` names `modeling_tide.TideModel`" in text
    assert text.index("Look at these first") < text.index("chat_template.jinja") < text.index("1 other change")
    assert text.index("files/pickle/payload") < text.index("provenance/revision/unpinned")
    assert f"`tide/report.html` in [the reports]({LINKS.artifact})" in text
    assert "`vendor/models` is a submodule" in text
    assert "signed off by `m.ortiz@example.com` until 2026-12-02" in text
    assert "The lock pinned `999999999999…` before, on the verdict allow of 2026-08-03." in text
    assert "policy `production sha256:" in text


@pytest.mark.parametrize("name", REVIEWS)
def test_the_comment_is_the_summary_behind_its_marker(name: str) -> None:
    shown = REVIEWS[name]
    assert review_comment(shown, links=LINKS) == f"{MARKER}\n{review_markdown(shown, links=LINKS)}"
    assert faults(review_comment(shown, links=LINKS), (OURS,)) == []


@pytest.mark.parametrize("text", [*MARKUP, *MARKDOWN])
def test_hostile_text_says_nothing_but_itself(text: str) -> None:
    for shown in (
        everywhere_in(full(), lambda _: text),
        everywhere_in(full(), lambda old: f"{text} {old}{text}"),
    ):
        comment = review_comment(shown, links=LINKS)
        assert faults(comment, (OURS,)) == []
        assert set(rows(comment)) == {5}
        assert comment.count("<!--") == 1
        assert comment.startswith(MARKER)


@pytest.mark.parametrize("text", MARKDOWN)
def test_a_sentence_is_inert_wherever_it_stands(text: str) -> None:
    for markdown in (prose(text), f"- {prose(text)}", f"**x**: {prose(text)}", code(text), f"- {code(text)}"):
        assert faults(markdown, ()) == [], markdown


def test_plain_words_stay_as_they_are() -> None:
    told = "Nobody vouches for the publisher's name; 1,234 files (2 large) were hashed on 2026-11-23."
    assert prose(told) == told
    assert prose("loading (a.bin) calls 'os.system', twice") == "loading (`a.bin`) calls `os.system`, twice"
    assert prose("tensor F32 [16, 8] is gone") == "tensor `F32` `[16, 8]` is gone"
    assert prose("by torch.load(weights_only=True).") == "by `torch.load(weights_only=True)`."


@pytest.mark.parametrize("address", ["javascript:alert(1)", "//hostile.example", "https://a b", "https://a/)[x](", ""])
def test_what_is_no_address_is_no_link(address: str) -> None:
    assert link("x", address) == "x"


def _many(count: int, places: int = 1) -> list[Mention]:
    return [Mention(path=f"app/{n:05}.py", line=n + 1, name=f"org/model-{n:05}") for n in range(count * places)]


def test_caps_cut_whole_sections_from_the_end_and_say_so() -> None:
    shown = review(*(judged(attestations.discarded(), each, comparison=comparison()) for each in _many(90)))
    whole = review_comment(shown, links=LINKS, limit_chars=10_000_000)
    text = review_comment(shown, links=LINKS)
    assert 60_000 < len(text) <= 65_536 < len(whole)
    assert text.startswith(whole[: whole.index("### ")])
    assert "Parts left out for their size: " in text
    assert len(set(rows(text))) == 1
    assert len(rows(text)) == 91
    blocks = text.split("\n\n")
    assert all(block in whole for block in blocks if "left out" not in block)
    assert faults(text, (OURS,)) == []


def test_rows_of_the_table_go_last_and_the_verdict_never() -> None:
    shown = review(*(judged(attestations.discarded(), each) for each in _many(150)))
    text = review_comment(shown, links=LINKS, limit_chars=32_768)
    assert len(text) <= 32_768
    assert "**Blocked**: 150 of 150 models block (150 discard). The job fails." in text
    assert "### " not in text
    assert f"*Further models, not shown: {150 - len(rows(text)) + 1}.*" in text


def test_the_summary_counts_bytes_and_the_comment_characters() -> None:
    changes = tuple(replace(CHANGES[0], words="é" * 500) for _ in range(15))
    shown = review(*(judged(attestations.discarded(), each, comparison=comparison(changes)) for each in _many(40)))
    summary = review_markdown(shown, limit_bytes=65_536)
    comment = review_comment(shown)
    assert len(summary.encode()) <= 65_536
    assert len(comment) <= 65_536 < len(comment.encode())


def test_long_lists_are_cut_and_counted() -> None:
    changes = tuple(replace(CHANGES[0], subject=str(n)) for n in range(30))
    shown = review(judged(attestations.large(files=5, findings=70), *_many(30), comparison=comparison(changes)))
    text = review_markdown(shown)
    assert "and 10 more, in the report" in text
    assert "and 50 more, in the report" in text
    assert "and 20 more places" in text


@pytest.mark.parametrize("action", Action)
def test_only_what_is_asked_for_blocks(action: Action) -> None:
    shown = replace(full(), fail_on=frozenset({action}))
    blocked = {line.split(":")[0] for line in review_markdown(shown).splitlines() if line.endswith(", blocks")}
    models = {each.action for each in shown.judged if shown.blocks(each)}
    assert models <= {action, None}
    assert len(blocked) >= len(models)


def test_notes_of_the_run_follow_the_verdict_and_are_text() -> None:
    notes = [f"This change also edits the policy: {text}." for text in MARKDOWN] + ["last"]
    for text in (review_markdown(full(), links=LINKS, notes=notes), review_comment(full(), links=LINKS, notes=notes)):
        assert faults(text, (OURS,)) == []
        assert text.count("**Note**: ") == 5
        assert "last" not in text
        assert text.index("**Blocked**") < text.index("**Note**: This change") < text.index("| Model |")


def test_notes_fit_into_what_the_platform_takes() -> None:
    """It shows nothing at all of a summary that is too long."""
    notes = ["\N{GRINNING FACE} \u202e " * 300] * 9
    shown = review(*(judged(attestations.discarded(), Mention(path=f"{n}.py", line=1)) for n in range(1_000)))
    assert len(review_markdown(shown, notes=notes, limit_bytes=32_768).encode()) <= 32_768
    assert len(review_comment(shown, notes=notes, limit_chars=32_768)) <= 32_768
