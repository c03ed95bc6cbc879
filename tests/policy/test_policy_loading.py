"""Loading: overlays mean what policies/README.md says, and every mistake is a PolicyError that points at it."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from gatekeeper.decision import Action
from gatekeeper.errors import PolicyError
from gatekeeper.evidence import CheckDescription, Hazard, RuleDescription, Severity
from gatekeeper.policy import load
from gatekeeper.policy.loading import MAX_EXTENDS

Write = Callable[..., Path]
TABLE = """\
required: [files/structure]
rows:
  - {row: bad, when: '"payload" in findings.hazards', action: discard, ask: no}
  - {row: odd, when: 'findings.severity > 3', action: escalate}
  - {row: good, when: 'source.pinned', action: allow}
  - {row: rest, when: true, action: audit}
""".replace("ask: no", 'ask: "no"')


def _description(check: str, *slugs: str) -> CheckDescription:
    rules = tuple(
        RuleDescription(id=f"{check}/{slug}", title="t", severity=Severity.LOW, hazard=Hazard.NONE, mend="m")
        for slug in slugs
    )
    return CheckDescription(
        id=check, title="t", version=1, looks_at="l", why="w", cannot_see="c", mend="m", rules=rules, facts=()
    )


def _refused(path: Path | str, **options: object) -> PolicyError:
    with pytest.raises(PolicyError) as caught:
        load(path, **options)  # type: ignore[arg-type]
    return caught.value


def _slugs(path: Path) -> list[str]:
    return [row.slug for row in load(path).rows]


def test_none_is_the_default() -> None:
    assert load().name == "default"
    assert load().digest == load("default").digest


@pytest.mark.parametrize(
    ("body", "line", "column", "words", "hint"),
    [
        (TABLE + "requird: []\n", 10, 1, "unknown key `requird`", "`required`"),
        (TABLE + "publishers: {trust: [a]}\n", 10, 14, "unknown key `trust`", "`trusted`"),
        (TABLE + "publishers: {trusted: [a/b]}\n", 10, 24, "without a repo", ""),
        (TABLE + "publishers: {trusted: acme}\n", 10, 23, "valid list", ""),
        (TABLE + "publishers: {trusted: [true]}\n", 10, 24, "valid string", ""),
        (TABLE + "licences: {allowed: [MIT]}\n", 10, 22, "small letters", ""),
        (TABLE + "thresholds: {waiver_max_days: .nan}\n", 10, 31, "plain decimal", ""),
        (TABLE + "thresholds: {waiver_max_days: 1.5}\n", 10, 31, "integer", ""),
        (TABLE + "thresholds: {waiver_max_days: 4000}\n", 10, 31, "less than or equal to 366", ""),
        (TABLE + "thresholds: {waiver_max_days: true}\n", 10, 31, "integer", ""),
        (TABLE.replace("[files/structure]", "[structure]"), 4, 12, "a check id is expected", ""),
        (TABLE.replace("[files/structure]", "[]"), 1, 1, "no check is required", ""),
        (TABLE.replace("action: discard", "action: reject"), 6, 63, "'allow', 'audit'", ""),
        (TABLE.replace("row: odd", "row: bad"), 7, 11, "stands twice", ""),
        (TABLE.replace("row: odd", "row: Odd One"), 7, 11, "small letters", ""),
        (TABLE.replace("findings.severity > 3", "findings.severty > 3"), 7, 23, "unknown fact", "`findings.severity`"),
        (TABLE.replace("'source.pinned'", "''"), 8, 23, "at least 1 character", ""),
        (TABLE.replace("'source.pinned'", "3"), 8, 23, "valid string", ""),
        (TABLE.replace(", action: audit", ""), 9, 5, "`action` is missing", ""),
        (TABLE.replace("action: audit", "action: allow"), 9, 5, "last row", "order"),
        (TABLE.replace("when: true", "when: source.pinned"), 9, 5, "must be `true`", "order"),
        (TABLE.replace("{row: good,", "{row: good, before: odd,"), 8, 25, "`before`", ""),
        ("required: [files/structure]\nrows: []\n", 1, 1, "no rows", "extends"),
        ("required: [files/structure]\n", 1, 1, "no rows", "extends"),
    ],
)
def test_each_mistake_is_found_where_it_is(
    write: Write, body: str, line: int, column: int, words: str, hint: str
) -> None:
    path = write(body)
    error = _refused(path)
    assert words in str(error)
    assert hint in error.hint
    assert (error.line, error.column) == (line, column)
    assert error.source == str(path)


def test_the_first_mistake_is_shown_and_the_others_counted(write: Write) -> None:
    error = _refused(write(TABLE + "publishers: {trust: [a]}\nlicences: 3\n"))
    assert error.line == 10
    assert "1 more" in error.hint


def test_a_mistake_in_a_block_expression_is_shown_with_a_caret(write: Write) -> None:
    body = (
        "extends: default\nrows:\n  - row: x\n    when: >-\n      source.pinned\n"
        '      && byts.hub == "match"\n    action: audit\n'
    )
    error = _refused(write(body))
    assert (error.line, error.column) == (9, 10)
    assert str(error).endswith('  | source.pinned && byts.hub == "match"\n  | .................^')


@pytest.mark.parametrize("head", ["", "apiVersion: gatekeeper/v2\nkind: Policy\nname: x\n", "kind: Policy\nname: x\n"])
def test_another_kind_of_file_is_refused(write: Write, head: str) -> None:
    assert "apiVersion" in str(_refused(write(TABLE, head=head)))


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    assert "no such file" in str(_refused(tmp_path / "missing.yaml"))
    assert "default, strict" in _refused(tmp_path / "missing.yaml").hint
    assert "not a regular file" in str(_refused(tmp_path))
    os.mkfifo(tmp_path / "pipe")
    assert "not a regular file" in str(_refused(tmp_path / "pipe"))
    assert "can't be read" in str(_refused("a\0b"))
    (tmp_path / "latin.yaml").write_bytes(b"name: \xe9\n")
    assert "not UTF-8" in str(_refused(tmp_path / "latin.yaml"))
    (tmp_path / "huge.yaml").write_bytes(b"#" * 10_000_000)
    assert "larger than" in str(_refused(tmp_path / "huge.yaml"))
    (tmp_path / "empty.yaml").write_bytes(b"")
    assert "mapping" in str(_refused(tmp_path / "empty.yaml"))


def test_too_many_rows_are_refused(write: Write) -> None:
    rows = "".join(f"  - {{row: r{n}, when: true, action: audit}}\n" for n in range(201))
    assert "200" in str(_refused(write("required: [a/b]\nrows:\n" + rows)))


def test_a_long_expression_is_refused(write: Write) -> None:
    assert "2000" in str(_refused(write(TABLE.replace("'source.pinned'", f"'true{' || true' * 300}'"))))


def test_extends_may_not_go_in_a_circle(write: Write) -> None:
    write("extends: mine.yaml\n", name="base.yaml")
    path = write("extends: base.yaml\n")
    error = _refused(path)
    assert "circle" in str(error)
    assert (error.source, error.line, error.column) == (str(path.parent / "base.yaml"), 4, 10)
    assert "circle" in str(_refused(write("extends: self.yaml\n", name="self.yaml")))


def test_chains_of_extends_are_bounded(write: Write) -> None:
    write(TABLE, name="p0.yaml")
    for number in range(1, MAX_EXTENDS + 1):
        write(f"extends: p{number - 1}.yaml\n", name=f"p{number}.yaml")
    folder = write("").parent
    assert load(folder / f"p{MAX_EXTENDS - 1}.yaml").name == "mine"
    assert "extend each other" in str(_refused(folder / f"p{MAX_EXTENDS}.yaml"))


def test_a_base_that_is_missing_is_reported_where_it_is_named(write: Write) -> None:
    error = _refused(write("extends: ../nowhere.yaml\n"))
    assert "no such file" in str(error)
    assert (error.line, error.column) == (4, 10)


def test_extends_is_relative_to_the_file(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sub").mkdir()
    write(TABLE, name="base.yaml")
    path = write("extends: ../base.yaml\n", name="sub/top.yaml")
    monkeypatch.chdir("/")
    assert _slugs(path) == ["bad", "odd", "good", "rest"]


class TestOverlay:
    """Rows, lists and thresholds of a policy that extends another."""

    @pytest.fixture
    def over(self, write: Write) -> Callable[[str], Path]:
        write(TABLE, name="base.yaml")
        return lambda body: write("extends: base.yaml\n" + body)

    def test_a_row_with_a_base_slug_replaces_it_in_place(self, over: Callable[[str], Path]) -> None:
        path = over("rows:\n  - {row: odd, when: 'findings.severity > 1', action: audit}\n")
        assert _slugs(path) == ["bad", "odd", "good", "rest"]
        assert load(path).rows[1].action is Action.AUDIT

    def test_new_rows_go_first_and_keep_their_order(self, over: Callable[[str], Path]) -> None:
        path = over(
            "rows:\n  - {row: n1, when: 'graph.review', action: audit}\n"
            "  - {row: n2, when: 'graph.implant', action: discard}\n"
        )
        assert _slugs(path) == ["n1", "n2", "bad", "odd", "good", "rest"]

    def test_new_allow_rows_go_above_the_first_allow_row(self, over: Callable[[str], Path]) -> None:
        path = over("rows:\n  - {row: n1, when: 'signature.trusted', action: allow}\n")
        assert _slugs(path) == ["bad", "odd", "n1", "good", "rest"]

    def test_before_names_the_place(self, over: Callable[[str], Path]) -> None:
        path = over(
            "rows:\n  - {row: n1, when: 'graph.review', action: audit, before: good}\n"
            "  - {row: n2, when: 'graph.implant', action: discard, before: n1}\n"
        )
        assert _slugs(path) == ["bad", "odd", "n2", "n1", "good", "rest"]

    def test_a_replaced_row_moves_where_before_says(self, over: Callable[[str], Path]) -> None:
        path = over("rows:\n  - {row: odd, when: 'findings.severity > 1', action: audit, before: bad}\n")
        assert _slugs(path) == ["odd", "bad", "good", "rest"]

    @pytest.mark.parametrize("before", ["gone", "odd"])
    def test_before_must_name_another_row(self, over: Callable[[str], Path], before: str) -> None:
        error = _refused(over(f"rows:\n  - {{row: odd, when: true, action: audit, before: {before}}}\n"))
        assert f"no row `{before}`" in str(error)
        assert error.line == 6

    def test_the_base_may_have_no_allow_row(self, write: Write) -> None:
        write(TABLE.replace("action: allow", "action: audit"), name="base.yaml")
        path = write("extends: base.yaml\nrows:\n  - {row: n, when: 'source.pinned', action: allow}\n")
        assert _slugs(path) == ["bad", "odd", "good", "n", "rest"]

    @pytest.mark.parametrize(
        "row",
        [
            "{row: bad, when: 'source.pinned', action: allow}",
            "{row: n, when: 'source.pinned', action: allow, before: bad}",
            "{row: n, when: 'graph.review', action: audit, before: rest}",
            "{row: rest, when: 'graph.review', action: audit}",
            "{row: rest, when: true, action: allow}",
        ],
    )
    def test_an_overlay_cannot_put_a_row_below_one_that_allows(self, over: Callable[[str], Path], row: str) -> None:
        assert "order of the table" in _refused(over(f"rows:\n  - {row}\n")).hint

    def test_required_checks_can_be_added_and_not_removed(self, over: Callable[[str], Path]) -> None:
        assert load(over("required: []\n")).required == ("files/structure",)
        assert load(over("required: [a/b]\n")).required == ("a/b", "files/structure")

    def test_lists_are_united_and_the_stricter_one_wins(self, write: Write) -> None:
        write(
            TABLE + "publishers: {trusted: [acme, Bad-Org], denied: [worse]}\n"
            "licences: {allowed: [mit, gpl], refused: [x]}\n",
            name="base.yaml",
        )
        policy = load(
            write(
                "extends: base.yaml\npublishers: {trusted: [worse, beta], denied: [bad-org]}\n"
                "licences: {allowed: [x], refused: [gpl]}\n"
            )
        )
        assert policy.trusted_publishers == {"acme", "beta"}
        assert policy.denied_publishers == {"worse", "bad-org"}
        assert policy.allowed_licences == {"mit"}
        assert policy.refused_licences == {"x", "gpl"}
        assert policy.contradictions == ("Bad-Org", "gpl", "worse", "x")

    def test_thresholds_override_one_by_one(self, write: Write) -> None:
        write(TABLE + "thresholds: {young_repo_days: 5, waiver_max_days: 60}\n", name="base.yaml")
        thresholds = load(write("extends: base.yaml\nthresholds: {waiver_max_days: 10}\n")).thresholds
        assert (thresholds.young_repo_days, thresholds.waiver_max_days, thresholds.waiver_warning_days) == (5, 10, 14)


def test_the_digest_covers_every_byte_of_every_file(write: Write) -> None:
    base = write(TABLE, name="base.yaml")
    top = write("extends: base.yaml\n")
    own = [hashlib.sha256(path.read_bytes()).hexdigest() for path in (top, base)]
    assert load(base).digest == f"sha256:{own[1]}"
    assert load(top).digest == f"sha256:{hashlib.sha256(f'{own[0]}{chr(10)}{own[1]}{chr(10)}'.encode()).hexdigest()}"
    assert [source.sha256 for source in load(top).sources] == own
    before = load(top).digest
    base.write_bytes(base.read_bytes() + b"# a remark\n")
    assert load(top).digest != before


WAIVER = """\
waivers:
  - finding: files/structure/odd-header
    subject: sha256:{digest}
    reason: looked at it
    approver: me
    created: 2026-11-01
    expires: 2026-12-01
""".format(digest="a" * 64)


def test_a_waiver_loads_with_its_origin(write: Write) -> None:
    (waiver,) = load(write(TABLE + WAIVER)).waivers
    assert (waiver.finding, waiver.created.day, waiver.expires.month) == ("files/structure/odd-header", 1, 12)
    assert waiver.origin.line == 11


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("    reason: looked at it\n", "", 11, "`reason` is missing"),
        ("    approver: me\n", "", 11, "`approver` is missing"),
        ("    created: 2026-11-01\n", "", 11, "`created` is missing"),
        ("    expires: 2026-12-01\n", "", 11, "`expires` is missing"),
        ("looked at it", '""', 13, "at least 1 character"),
        ("2026-12-01", "2026-12-41", 16, "not a date"),
        ("2026-12-01", "20261201", 16, "date"),
        ("2026-12-01", '"soon"', 16, "soon"),
        ("2026-12-01", "2026-10-31", 16, "before it was created"),
        ("2026-12-01", "2027-02-01", 16, "more than 90 days"),
        ("sha256:" + "a" * 64, "acme/model", 12, "40 hexadecimal digits"),
        ("sha256:" + "a" * 64, "hf://acme/model@main", 12, "40 hexadecimal digits"),
        ("sha256:" + "a" * 64, "sha256:" + "A" * 64, 12, "hexadecimal"),
        ("files/structure/odd-header", "files/structure", 11, "the full id"),
        ("files/structure/odd-header", "files/structure/*", 11, "the full id"),
    ],
)
def test_a_waiver_must_be_bound_signed_for_and_short(write: Write, old: str, new: str, line: int, words: str) -> None:
    error = _refused(write(TABLE + WAIVER.replace(old, new)))
    assert words in str(error)
    assert error.line == line


def test_ids_that_no_check_has_are_refused(write: Write) -> None:
    known = {"files/structure": _description("files/structure", "odd-header"), "a/b": _description("a/b", "c")}
    load(write(TABLE + WAIVER), known_checks=known)
    error = _refused(write(TABLE.replace("files/structure", "files/strcture")), known_checks=known)
    assert "files/strcture" in str(error)
    assert "`files/structure`" in error.hint
    assert (error.line, error.column) == (4, 12)
    error = _refused(write(TABLE + WAIVER.replace("odd-header", "od-header")), known_checks=known)
    assert "`files/structure/odd-header`" in error.hint
    body = TABLE.replace("findings.severity > 3", '"files/structre" in checks.unknown')
    error = _refused(write(body), known_checks=known)
    assert "`files/structure`" in error.hint
    load(write(body))
