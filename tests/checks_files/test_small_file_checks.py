"""files/paths, files/coverage, files/unchanged, and what every check of the room promises."""

from __future__ import annotations

import struct
from dataclasses import replace

import pytest

from gatekeeper.artifact import Irregularity, IrregularityKind
from gatekeeper.checks.check import Check
from gatekeeper.checks.files import ALL
from gatekeeper.checks.files.coverage import Coverage
from gatekeeper.checks.files.formats import CODE_CAPABLE, UNJUDGED, Format
from gatekeeper.checks.files.paths import Paths
from gatekeeper.checks.files.runtimes.judges import JUDGES as RUNTIME_JUDGES
from gatekeeper.checks.files.unchanged import Unchanged
from gatekeeper.evidence import Hazard, Severity, Status
from tests.support import samples
from tests.support.artifacts import MemoryContent, artifact, look, slugs


def test_the_registry_is_in_the_order_of_reports_and_ends_with_the_last_look() -> None:
    assert [check.id for check in ALL] == [
        "files/paths", "files/formats", "files/structure", "files/scanners", "files/templates", "files/model-code",
        "files/runtime-models", "files/remote-code", "files/python-code", "files/executables", "files/secrets",
        "files/hidden-text", "files/load-path", "files/coverage", "files/unchanged",
    ]  # fmt: skip


@pytest.mark.parametrize("check", ALL, ids=lambda check: check.id)
def test_every_check_explains_itself(check: Check) -> None:
    described = check.describe()
    assert len({rule.id for rule in described.rules}) == len(described.rules)
    assert all(rule.title and rule.mend for rule in described.rules)
    assert len(described.why) > 40


@pytest.mark.parametrize("check", ALL, ids=lambda check: check.id)
def test_an_artifact_without_files_is_no_failure(check: Check) -> None:
    nothing_to_load = check.id == "files/load-path"
    assert look(check, {}).status is (Status.FAIL if nothing_to_load else Status.PASS)


@pytest.mark.parametrize(
    ("kind", "slug"),
    [
        (IrregularityKind.PATH_ESCAPE, "escape"),
        (IrregularityKind.SYMLINK_ESCAPE, "link-escape"),
        (IrregularityKind.SPECIAL_FILE, "special"),
        (IrregularityKind.CASE_COLLISION, "collision"),
    ],
)
def test_what_the_source_tripped_over_is_suspicious(kind: IrregularityKind, slug: str) -> None:
    trouble = Irregularity(kind=kind, path="../\x1b[2Jx", detail="It was left out.")
    result = look(Paths(), artifact({}, irregularities=(trouble,)))
    assert slugs(result) == {slug}
    assert result.findings[0].hazard is Hazard.SUSPICIOUS
    assert "\x1b" not in result.findings[0].message


@pytest.mark.parametrize("kind", [IrregularityKind.MISSING, IrregularityKind.UNLISTED])
def test_what_other_checks_judge_is_left_to_them(kind: IrregularityKind) -> None:
    trouble = Irregularity(kind=kind, path="a", detail="x")
    assert look(Paths(), artifact({}, irregularities=(trouble,))).status is Status.PASS


def test_formats_that_nobody_judges_are_unknown() -> None:
    runtime = struct.pack("<I", 16) + b"ORTM" + bytes(64)
    result = look(Coverage(), {"m.ort": runtime, "a.safetensors": samples.honest_safetensors()})
    assert result.status is Status.UNKNOWN
    assert [gap.path for gap in result.gaps] == ["m.ort"]


def test_formats_that_checks_judge_leave_no_gap() -> None:
    files = {
        "a.safetensors": samples.honest_safetensors(), "a.gguf": samples.honest_gguf(),
        "a.pt": samples.torch_zip(samples.tensor_state("w")), "m.onnx": samples.onnx_model(),
        "config.json": b"{}", "README.md": b"x",
    }  # fmt: skip
    assert look(Coverage(), files).status is Status.PASS


def test_every_loadable_format_is_judged_or_said_to_be_unjudged() -> None:
    judged = {
        Format.SAFETENSORS, Format.GGUF, Format.PICKLE, Format.TORCH_LEGACY, Format.TORCH_ZIP, Format.NPY, Format.NPZ,
        Format.SKOPS, Format.KERAS_ZIP, Format.HDF5, Format.KERAS_METADATA, Format.SAVED_MODEL, Format.TORCHSCRIPT,
        Format.MSGPACK, Format.ZIP, Format.TAR, Format.GZIP, Format.BZIP2, Format.XZ, Format.ZLIB,
        Format.LZ4, Format.ZSTD, Format.SEVEN_ZIP, Format.ONNX,
    }  # fmt: skip
    judged |= set(RUNTIME_JUDGES)
    assert judged | set(UNJUDGED) >= CODE_CAPABLE
    assert not judged & set(UNJUDGED)


def test_a_file_that_changed_is_tampered() -> None:
    subject = artifact({"a": b"x", "b": b"y"})
    changed = replace(subject.files[0], content=MemoryContent(b"x", same=False))
    result = look(Unchanged(), replace(subject, files=(changed, subject.files[1])))
    (finding,) = result.findings
    assert finding.hazard is Hazard.TAMPERED
    assert finding.severity is Severity.CRITICAL
    assert finding.location.path == "a"
    assert look(Unchanged(), subject).status is Status.PASS


def test_files_that_were_not_hashed_can_not_change() -> None:
    subject = artifact({"a": b"x"})
    unhashed = tuple(replace(file, sha256=None, content=MemoryContent(b"x", same=False)) for file in subject.files)
    assert look(Unchanged(), replace(subject, files=unhashed)).status is Status.NOT_APPLICABLE
    mixed = artifact({"a": b"x", "b": b"y"})
    files = (replace(mixed.files[0], sha256=None), mixed.files[1])
    assert look(Unchanged(), replace(mixed, files=files)).status is Status.PASS


def test_a_file_that_can_not_be_looked_at_again_is_a_gap() -> None:
    class Gone(MemoryContent):
        def unchanged(self) -> bool:
            raise OSError("gone")

    subject = artifact({"a": b"x"})
    file = replace(subject.files[0], content=Gone(b"x"))
    assert look(Unchanged(), replace(subject, files=(file,))).gaps[0].path == "a"
