"""Reports on disk: the old one or the whole new one, never anything between."""

from __future__ import annotations

import errno
import os
import resource
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from gatekeeper.atomic import atomic_write
from gatekeeper.errors import InputError
from gatekeeper.report import from_json, to_html, to_json, write
from tests.support.attestations import discarded, scanned


def test_views_are_written_under_their_names(tmp_path: Path) -> None:
    paths = write(discarded(), tmp_path / "deep" / "er", ["html", "json"])
    assert paths == {"html": tmp_path / "deep/er/report.html", "json": tmp_path / "deep/er/report.json"}
    assert from_json(paths["json"].read_bytes()) == discarded()
    assert paths["html"].read_text("utf-8") == to_html(discarded())
    assert sorted(path.name for path in (tmp_path / "deep/er").iterdir()) == ["report.html", "report.json"]


def test_a_second_run_replaces_the_first(tmp_path: Path) -> None:
    write(discarded(), tmp_path, ["json"])
    write(scanned(), tmp_path, ["json"])
    assert (tmp_path / "report.json").read_text() == to_json(scanned())


def test_an_unknown_format_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no format 'docx'"):
        write(discarded(), tmp_path / "new", ["json", "docx"])
    assert not (tmp_path / "new").exists()


def test_a_folder_that_is_a_file_is_an_input_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="could not write the report"):
        write(discarded(), tmp_path / "file")


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "inside").write_text("old")
    with pytest.raises(OSError, match="directory"):
        atomic_write(tmp_path / "taken", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]
    assert (tmp_path / "taken" / "inside").read_text() == "old"


def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "report.json"
    target.write_text("old")
    script = (
        "import resource, signal, sys; from pathlib import Path; from gatekeeper.atomic import atomic_write\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "try: atomic_write(Path(sys.argv[1]), b'x' * 100_000)\n"
        "except OSError as error: sys.exit(error.errno)\n"
    )
    assert resource.RLIMIT_FSIZE is not None
    ended = subprocess.run([sys.executable, "-B", "-c", script, str(target)], check=False)
    assert ended.returncode == errno.EFBIG
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("precious")
    link = tmp_path / "report.json"
    link.symlink_to(elsewhere)
    atomic_write(link, b"new")
    assert elsewhere.read_text() == "precious"
    assert not link.is_symlink()
    assert link.read_bytes() == b"new"


def test_the_mode_is_what_the_umask_leaves(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        atomic_write(tmp_path / "file", b"")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o640


def test_the_longest_name_that_the_disk_takes_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 255)
    atomic_write(path, b"new")
    assert path.read_bytes() == b"new"


def test_the_document_needs_no_heavy_library() -> None:
    script = (
        "import sys; from gatekeeper.report import from_json, to_json, write\n"
        "heavy = {'jinja2', 'rich', 'pydantic', 'yaml', 'jsonschema'} & set(sys.modules)\n"
        "sys.exit(', '.join(heavy) or 0)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
