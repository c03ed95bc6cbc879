"""The lock on disk: what is refused by which words, and what people wrote beside the entries."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from gatekeeper.decision import Action
from gatekeeper.errors import InputError, LimitError, NotFoundError
from gatekeeper.lock import Lock
from gatekeeper.lockfile import dump, edit, find, parse, read, with_model, without_model, write
from tests.support.locks import entry

TEXT = dump(Lock(models=(entry("acme/tiny"),)))
COMMIT = entry("acme/tiny").commit
COMMENTED = """\
# The models of team search. Ask #models before you change one.

version = 1  # the format

# used by the ranker
[models."acme/tiny"]
{entry}
# adapters below

[models."acme/zeta"]
{zeta}"""


def body(id: str) -> list[str]:
    return dump(Lock(models=(entry(id),))).splitlines()[4:]


def commented() -> str:
    lines = body("acme/tiny")
    lines[0] += "  # checked by ann"
    lines.insert(1, "# the digest over everything")
    files = next(number for number, line in enumerate(lines) if ".files]" in line)
    lines.insert(files + 1, "# the weights")
    return COMMENTED.format(entry="\n".join(lines), zeta="\n".join(body("acme/zeta")) + "\n")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("version = 1\n", "", "`version` is missing"),
        ("version = 1", "version = 2", "has version 2, this gatekeeper reads 1"),
        ("version = 1", "version = '1'", "`version` is not a version"),
        ("version = 1", "version = true", "`version` is not a version"),
        ("version = 1", "version = 1\nextra = 2", 'unknown key "extra"'),
        ('commit = "', 'comit = "', 'acme/tiny"\\] has an unknown key "comit"'),
        (f'commit = "{COMMIT}"\n', "", "lacks `commit`"),
        (COMMIT, COMMIT.upper(), "`commit` is not forty hexadecimal digits"),
        (COMMIT, COMMIT[:39], "`commit` is not forty"),
        ('"sha256:', '"sha512:', "`digest` is not sha256:"),
        ('kind = "model"', 'kind = "dataset"', "`kind` is none of model, adapter, graph"),
        ('verdict = "allow"', "verdict = 1", "`verdict` is none of"),
        ("10:00:00Z", "10:00:00", "`decided` is not a time"),
        ("10:00:00Z", "10:00:00.5Z", "`decided` is not a time"),
        ("10:00:00Z", "25:00:00Z", ":10: not TOML"),
        ('"config.json"', '"../config.json"', "file \"../config.json\": the path has empty, '.' or '..' parts"),
        ('"config.json"', '"/config.json"', "the path is absolute"),
        ('"config.json"', '"C:config.json"', "the path is absolute"),
        ('"config.json"', '"a\\\\b"', "the path holds a backslash or control characters"),
        ('"config.json"', '"a\\nb"', "the path holds a backslash or control characters"),
        ('"config.json"', f'"{"a/" * 600}b"', "the path is too long"),
        ("size = 11", "size = -1", "`size` is no number of bytes"),
        ("size = 11", "size = 1.0", "`size` is no number of bytes"),
        ("size = 11, ", "", "is not { size = …, sha256 = … }"),
        ("size = 11, ", "size = 11, mode = 1, ", "is not { size = …, sha256 = … }"),
        ('sha256 = "', 'sha256 = "0', "`sha256` is not 64 hexadecimal digits"),
        ('"acme/tiny"', '"acme/../tiny"', "not the id of a model"),
        ('"acme/tiny"', '"acme/ti\\u202eny"', "not the id of a model"),
        ('kind = "model"', 'kind = "model"\nbase = "x/y@main"', "`base` is not org/name or org/name@"),
        ('kind = "model"', 'kind = "model"\nexclude = "x"', "`exclude` is no list"),
        ('kind = "model"', 'kind = "model"\nsigner = ""', "`signer` is no text"),
        ("kind", "<<<<<<< HEAD\nkind", ":7: a merge left its conflict"),
        ('[models."acme/tiny"]', '[models."acme/tiny"', ":4: not TOML"),
        ("size = 11", f"size = {'9' * 5000}", "(?s)."),
        ("kind", f"deep = {'[' * 5000}\nkind", "not TOML"),
    ],
)
def test_each_flaw_is_refused_by_its_own_words(old: str, new: str, said: str) -> None:
    assert old in TEXT
    with pytest.raises(InputError, match=said) as refused:
        parse(TEXT.replace(old, new))
    assert refused.value.message.isprintable()
    assert refused.value.message.startswith("gatekeeper.lock:")


def test_a_path_stands_once() -> None:
    line = next(line for line in TEXT.splitlines() if line.startswith('"config.json"'))
    with pytest.raises(InputError, match="not TOML"):
        parse(TEXT + line + "\n")


def test_a_digest_that_is_not_the_one_of_the_files_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "gatekeeper.lock"
    digest = entry("acme/tiny").digest
    path.write_text(TEXT.replace(digest, digest[::-1]))
    with pytest.raises(InputError, match="digest is not the one of the files"):
        read(path)


def test_a_changed_digit_of_any_digest_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "gatekeeper.lock"
    model = entry("acme/tiny")
    for digest in (model.digest, *(file.sha256 for file in model.files)):
        path.write_text(TEXT.replace(digest, digest[:-1] + ("0" if digest[-1] != "0" else "1")))
        with pytest.raises(InputError, match="digest is not the one of the files"):
            read(path)


def test_bytes_that_are_no_text_are_refused_by_their_line(tmp_path: Path) -> None:
    path = tmp_path / "gatekeeper.lock"
    path.write_bytes(TEXT.encode().replace(b"kind", b"\xffkind"))
    with pytest.raises(InputError, match=":7: not UTF-8"):
        read(path)


def test_a_lock_that_is_not_there_or_too_large_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "gatekeeper.lock"
    with pytest.raises(NotFoundError, match="no lock"):
        read(path)
    with path.open("wb") as stream:
        stream.truncate(17 * 2**20)
    with pytest.raises(LimitError, match="lock_bytes"):
        read(path)


def test_comments_stay_when_a_model_changes() -> None:
    before = commented()
    after = dump(with_model(parse(before), entry("acme/tiny", salt="2")), over=before)
    kept = [line for line in after.splitlines() if "#" in line]
    assert [line.split("#", 1)[1] for line in kept] == [
        line.split("#", 1)[1] for line in before.splitlines() if "#" in line
    ]
    assert f'commit = "{entry("acme/tiny", salt="2").commit}"  # checked by ann' in after
    assert body("acme/zeta") == after.splitlines()[-len(body("acme/zeta")) :]


def test_a_model_that_goes_takes_its_own_comments_along_and_leaves_the_others() -> None:
    before = commented()
    after = dump(without_model(parse(before), "acme/tiny"), over=before)
    assert "used by the ranker" not in after
    assert "checked by ann" not in after
    assert "The models of team search" in after
    assert parse(after).model("acme/zeta")


def test_a_new_model_comes_where_its_name_belongs_and_nothing_else_moves() -> None:
    before = commented()
    after = dump(with_model(parse(before), entry("acme/tool")), over=before)
    assert after.index("acme/tiny") < after.index("acme/tool") < after.index("acme/zeta")
    new = "\n".join(["", *body("acme/tool"), ""])
    assert after.replace(f'\n[models."acme/tool"]{new}', "") == before


def test_files_that_come_and_go_touch_their_own_lines() -> None:
    two, three = entry("acme/tiny"), entry("acme/tiny", ("a.txt", "config.json", "model.safetensors"))
    text = dump(Lock(models=(two,)))
    more = dump(Lock(models=(three,)), over=text)
    assert set(text.splitlines()) - set(more.splitlines()) == {f'digest = "sha256:{two.digest}"'}
    assert dump(Lock(models=(two,)), over=more) == text


def test_a_form_that_can_not_be_changed_by_lines_is_refused_not_rewritten() -> None:
    text = TEXT.replace('kind = "model"', 'kind = "model"\nexclude = [\n  "a",\n]')
    assert parse(text).models[0].exclude == ("a",)
    with pytest.raises(InputError, match="line 8 of the lock is in a form that can't be changed in place"):
        dump(Lock(), over=text)


def test_lines_as_windows_ends_them_are_read_and_written_over() -> None:
    text = TEXT.replace("\n", "\r\n")
    lock = parse(text)
    assert parse(dump(with_model(lock, entry("acme/zeta")), over=text)).model("acme/zeta")


def test_what_a_reviewer_would_not_see_is_escaped() -> None:
    text = dump(Lock(models=(entry("acme/tiny", ("a\u202eb.bin", "zero\u200bwidth")),)))
    assert text.isascii()
    assert {file.path for file in parse(text).models[0].files} == {"a\u202eb.bin", "zero\u200bwidth"}


def test_two_that_lock_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "gatekeeper.lock"
    ids = [f"acme/model-{number}" for number in range(12)]
    start = threading.Barrier(len(ids))

    def add(id: str) -> None:
        start.wait()
        edit(path, lambda lock: with_model(lock, entry(id)))

    threads = [threading.Thread(target=add, args=(id,)) for id in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [model.id for model in read(path).models] == sorted(ids)
    assert [each.name for each in tmp_path.iterdir()] == ["gatekeeper.lock"]


def test_a_change_that_fails_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "gatekeeper.lock"
    write(path, Lock(models=(entry("acme/tiny"),)))

    def fail(lock: Lock) -> Lock:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        edit(path, fail)
    assert path.read_text() == TEXT


def test_a_lock_that_says_the_same_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "gatekeeper.lock"
    write(path, Lock(models=(entry("acme/tiny"),)))
    before = path.stat()
    edit(path, lambda lock: with_model(lock, entry("acme/tiny")))
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    edit(path, lambda lock: with_model(lock, replace(entry("acme/tiny"), verdict=Action.AUDIT)))
    assert path.stat().st_ino != before.st_ino


def test_a_folder_that_can_not_be_opened_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="can't be opened"):
        write(tmp_path / "nowhere" / "gatekeeper.lock", Lock())


def test_the_nearest_lock_counts_and_none_above_the_repository(tmp_path: Path) -> None:
    (tmp_path / "gatekeeper.lock").write_text(TEXT)
    repository = tmp_path / "repository"
    below = repository / "a" / "b"
    below.mkdir(parents=True)
    assert find(below) == tmp_path / "gatekeeper.lock"
    (repository / ".git").mkdir()
    assert find(below) is None
    (repository / "gatekeeper.lock").write_text(TEXT)
    assert find(below) == repository / "gatekeeper.lock"
