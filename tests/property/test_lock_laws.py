"""What holds for every lock: it survives the disk, comments survive changes, and the short way says the same."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gatekeeper.errors import GatekeeperError
from gatekeeper.lock import Lock
from gatekeeper.lockfile import dump, parse, with_model, without_model
from gatekeeper.lockfile.plain import Fields, look_up
from gatekeeper.lockfile.reading import plain_entries
from tests.support.locks import entry, large, locks

PLAIN = dump(Lock(models=(entry("a/one"), entry("b/two", ("sub/x.bin", "README.md")))))


def shortly(text: bytes, ids: Iterable[bytes]) -> dict[bytes, Fields]:
    """Give what the short way says of these models, as far as it says anything."""
    said = {id: look_up(text, id) for id in ids}
    return {id: fields for id, fields in said.items() if fields is not None}


def fully(text: bytes) -> dict[bytes, Fields] | None:
    """Give what the full reader reads; None when it refuses."""
    try:
        return plain_entries(parse(text.decode("utf-8")))
    except (GatekeeperError, UnicodeDecodeError):
        return None


@settings(max_examples=50)
@given(locks())
def test_what_is_written_is_read_again(lock: Lock) -> None:
    assert parse(dump(lock)) == lock


@settings(max_examples=40)
@given(locks(2))
def test_writing_a_lock_over_itself_changes_nothing(lock: Lock) -> None:
    text = dump(lock)
    assert dump(lock, over=text) == text


@settings(max_examples=30)
@given(locks(2), locks(2))
def test_a_lock_written_over_another_is_what_was_written(before: Lock, after: Lock) -> None:
    text = dump(after, over=dump(before))
    assert parse(text) == after
    assert dump(after, over=text) == text


@settings(max_examples=30)
@given(locks(2))
def test_changing_one_model_touches_only_its_lines(lock: Lock) -> None:
    changed = entry("zz-changed/model", salt="1")
    text = dump(with_model(lock, changed))
    later = dump(with_model(lock, entry("zz-changed/model", salt="2")), over=text)
    differing = [new for old, new in zip(text.splitlines(), later.splitlines(), strict=True) if old != new]
    assert len(differing) == 4  # commit, digest, and both files
    assert dump(without_model(with_model(lock, changed), changed.id), over=text) == dump(lock)


@settings(max_examples=50)
@given(locks())
def test_the_short_way_says_what_the_full_reader_says(lock: Lock) -> None:
    text = dump(lock).encode()
    entries = plain_entries(lock)
    assert shortly(text, entries).items() <= entries.items()


def test_the_short_way_takes_what_this_program_writes() -> None:
    """Else every load would take the long way, and nobody would notice but by the clock."""
    commented = PLAIN.replace("[models.", "# why: résumé, naïve ✓\n[models.", 1)
    for lock in (Lock(), parse(PLAIN), large(5)):
        entries = plain_entries(lock)
        assert shortly(dump(lock).encode(), entries) == entries
    assert shortly(commented.encode(), [b"a/one", b"b/two"]) == plain_entries(parse(commented))


_TOKENS = [
    *("\n", '"', "'", "\\", "#", "[", "]", "=", " ", "{", "}", ",", ".", "/", "..", "//", "\r\n", "\t", "\0", "\x7f"),
    *("0", "1", "00", "a", "A", "_", "é", "\ud7ff", "\u202e", '"""', "'''", "@", "-", "--", "+", ":", "T", "Z"),
    *("version = 1\n", "[models]\n", '[models."a/one"]\n', '[models."a/one".files]\n', "<<<<<<< ours\n", "=======\n"),
    *("commit", "base", 'base = "x/y"\n', 'base = "x/y@"\n', 'signer = "me"\n', 'exclude = ["a"]\n', "exclude = []\n"),
    *(
        "2026-02-30",
        "2026-13-01",
        "24:00:00",
        "size",
        "sha256",
        "true",
        "1e3",
        "0x10",
        "1_0",
        "# note\n",
        "[models.# x\n",
    ),
]


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """The plain form with a few places changed."""
    text = dump(draw(locks(1))) if draw(st.integers(0, 5)) == 5 else PLAIN
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(text)))
        length = draw(st.sampled_from([0, 1, 1, 2, 5, 40]))
        text = text[:start] + draw(st.sampled_from(_TOKENS) | st.just("")) + text[start + length :]
    return text.encode("utf-8", "surrogatepass")


@st.composite
def reordered(draw: st.DrawFn) -> bytes:
    """Its lines, some of them twice, missing or elsewhere."""
    lines = PLAIN.splitlines(keepends=True)
    for _ in range(draw(st.integers(1, 3))):
        start, end = draw(st.integers(0, len(lines) - 1)), draw(st.integers(0, len(lines) - 1))
        lines.insert(end, lines[start] if draw(st.booleans()) else lines.pop(start))
    return "".join(lines).encode()


@settings(max_examples=250)
@given(mutated() | reordered())
@example(PLAIN.replace('[models."a/one"]', '[models.# x\n"a/one"]').encode())
@example(PLAIN.replace("2026-11-23", "2026-02-29").encode())
@example(PLAIN.replace("size = ", "size = 0").encode())
@example((PLAIN + PLAIN).encode())
@example(PLAIN.replace("verdict", "exclude = [\n'verdict", 1).encode())
@example(PLAIN.replace("version = 1", "version = 1\nmodels = {}").encode())
def test_of_a_lock_the_short_way_says_what_the_full_reader_says(text: bytes) -> None:
    entries = fully(text)
    said = shortly(text, [b"a/one", b"b/two", b"a", b"one", *(entries or ())])
    assert entries is None or said.items() <= entries.items()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("version = 1", "version = 2"),
        ("version = 1\n", ""),
        ('[models."a/one"]', '[models.# x\n"a/one"]'),
        ('[models."b/two"]', '[models."a/one"]'),
        ('[models."b/two"]', '<<<<<<< ours\n[models."b/two"]'),
        ('signer = "', '# """\nsigner = "'),
        ('kind = "model"', "kind = 'model'"),
        ('kind = "model"', 'kind = "model"\nkind = "model"'),
        ('kind = "model"', 'kind = "model" # a loader'),
        ('kind = "model"', 'kind = "mod\\u0065l"'),
        ('kind = "model"\n', ""),
        ('policy = "sha256:', 'policy = "'),
    ],
)
def test_the_short_way_says_nothing_of_another_form(old: str, new: str) -> None:
    text = dump(Lock(models=tuple(replace(model, signer="me") for model in parse(PLAIN).models)))
    assert look_up(text.encode(), b"a/one") is not None
    assert look_up(text.replace(old, new, 1).encode(), b"a/one") is None


@settings(max_examples=100)
@given(mutated())
def test_any_text_is_read_or_refused_with_a_message(text: bytes) -> None:
    refusal, lock = "", None
    try:
        lock = parse(text.decode("utf-8"))
    except UnicodeDecodeError:
        return
    except GatekeeperError as error:
        refusal = error.message
    assert refusal.isprintable()
    assert refusal.startswith("gatekeeper.lock:") if lock is None else parse(dump(lock)) == lock


@settings(max_examples=60)
@given(mutated(), st.sampled_from([Lock(), parse(PLAIN), Lock(models=(entry("b/two"),))]))
def test_whatever_lies_there_is_written_over_truly_or_refused(over: bytes, lock: Lock) -> None:
    try:
        text = dump(lock, over=over.decode("utf-8"))
    except (UnicodeDecodeError, GatekeeperError):
        return
    assert parse(text) == lock
