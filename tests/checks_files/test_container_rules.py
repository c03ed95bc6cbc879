"""Every way in which a container can lie or be greedy has its rule, beside an honest near miss that breaks none."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import struct
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from random import Random
from typing import Any

import lz4.frame
import numpy as np
import pytest

from gatekeeper.checks.files.scanners import Scanners
from gatekeeper.checks.files.structure import Structure
from gatekeeper.evidence import Hazard, Status
from tests.support import samples
from tests.support.artifacts import look, slugs
from tests.support.samples import EVAL, SYSTEM, seven_zipped, tarred, zipped

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

HONEST_TENSORS = samples.honest_safetensors(a=3)
HOLE = samples.safetensors(
    {"a": {"dtype": "U8", "shape": [4], "data_offsets": [4, 8]}}, bytes(8)
)  # fmt: skip
LZ4, ZSTD = lz4.frame.compress, zstd.compress
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress, "lz4": LZ4, "zst": ZSTD, "z": zlib.compress,
}  # fmt: skip
ARCHIVES: dict[str, Callable[[dict[str, bytes]], bytes]] = {
    "zip": lambda members: zipped(members, zipfile.ZIP_DEFLATED), "tar": tarred, "7z": seven_zipped,
}  # fmt: skip


def tar_of(*entries: tuple[str, dict[str, Any], bytes], form: int = tarfile.PAX_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for name, fields, data in entries:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            for key, value in fields.items():
                setattr(info, key, value)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def header(data: bytes, at: int, **fields: bytes) -> bytes:
    """A tar archive whose header at `at` has other fields, with the checksum that belongs to them."""
    block = bytearray(data[at : at + 512])
    places = {"name": 0, "mode": 100, "size": 124, "type": 156, "magic": 257, "prefix": 345}
    for key, value in fields.items():
        block[places[key] : places[key] + len(value)] = value
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return data[:at] + bytes(block) + data[at + 512 :]


def found(name: str, data: bytes, **limits: Any) -> set[str]:
    return slugs(look(Scanners(), {name: data}, **limits))


def sound(name: str, data: bytes) -> None:
    for check in (Structure(), Scanners()):
        result = look(check, {name: data})
        assert (slugs(result), [gap.reason for gap in result.gaps]) == (set(), []), check.id


@pytest.mark.parametrize("kind", PACKERS)
def test_a_packed_payload_is_found_and_packed_text_is_not(kind: str) -> None:
    result = look(Scanners(), {f"m.pkl.{kind}": PACKERS[kind](SYSTEM)})
    assert Hazard.PAYLOAD in {finding.hazard for finding in result.findings}
    sound(f"a.txt.{kind}", PACKERS[kind](b"honest text\n" * 50))


@pytest.mark.parametrize("kind", PACKERS)
def test_a_packed_stream_that_ends_early_or_goes_on_is_broken(kind: str) -> None:
    data = PACKERS[kind](b"honest text\n" * 500)
    assert found(f"a.txt.{kind}", data[:-3]) == {"broken-archive"}
    assert found(f"a.txt.{kind}", data + b"and more") == {"broken-archive"}


@pytest.mark.parametrize("kind", ["gz", "bz2", "xz", "lz4", "zst"])
def test_streams_in_a_row_are_one(kind: str) -> None:
    pack = PACKERS[kind]
    assert found(f"m.{kind}", pack(SYSTEM[:9]) + pack(SYSTEM[9:])) == {"payload"}
    sound(f"a.txt.{kind}", pack(b"one\n") + pack(b"two\n"))


def test_frames_without_content_hide_nothing() -> None:
    skipped = b"\x5a\x2a\x4d\x18" + struct.pack("<I", 7) + b"ignored"
    for pack in (LZ4, ZSTD):
        assert found("m.zst", skipped + pack(SYSTEM)) == {"payload"}
        assert found("m.pkl.zst", pack(SYSTEM[:5]) + skipped + pack(SYSTEM[5:])) == {"payload"}
        assert found("m.zst", skipped[:10]) <= {"broken-archive"}


def test_a_stream_that_wants_gigabytes_of_window_is_refused() -> None:
    frame = b"\x28\xb5\x2f\xfd\x00" + bytes([(31 - 10) << 3]) + b"\x01\x00\x00"
    assert found("m.zst", frame) == {"broken-archive"}


@pytest.mark.parametrize("kind", ARCHIVES)
def test_members_are_judged_as_files(kind: str) -> None:
    pack = ARCHIVES[kind]
    assert found(f"m.{kind}", pack({"w/model.safetensors": HOLE})) == {"broken-member"}
    assert found(f"m.{kind}", pack({"tool": b"\x7fELF\x02\x01\x01" + bytes(57)})) == {"archive-program"}
    assert found(f"m.{kind}", pack({"a/b.pkl": EVAL})) == {"payload"}
    assert found(f"m.{kind}", pack({"logo.png": b"\x89PNG\r\n\x1a\n" + bytes(40) + samples.torch_zip(SYSTEM)})) >= {
        "broken-archive",
        "payload",
    }
    sound(f"m.{kind}", pack({"w/model.safetensors": HONEST_TENSORS, "a.npy": samples.npy(bytes(8), "<f4", "(2,)")}))


@pytest.mark.parametrize("kind", ["zip", "tar"])
@pytest.mark.parametrize(
    "name", ["../x.txt", "/etc/x", "a/../../x", "C:\\x.txt", "\\\\host\\share\\x", "..\\x", ".. /x"]
)
def test_names_that_leave_the_folder(kind: str, name: str) -> None:
    assert found(f"m.{kind}", ARCHIVES[kind]({name: b"x"})) == {"archive-escape"}


def test_a_tar_name_that_some_readers_alone_lead_out_of_the_folder() -> None:
    """Python puts the prefix of POSIX's form before the names of every form; Solaris wrote pax headers as `X`."""
    for magic in (b"ustar  \0", bytes(8)):
        old = tar_of(("a.txt", {}, b"x"), form=tarfile.GNU_FORMAT)
        assert found("m.tar", header(old, 0, magic=magic, prefix=b"../..")) == {"archive-escape"}
    pax = tar_of(("a.txt", {"pax_headers": {"path": "../evil"}}, b"x"))
    assert found("m.tar", header(pax, 0, type=b"X")) == {"archive-escape"}
    sound("m.tar", header(tar_of(("a.txt", {"pax_headers": {"path": "b.txt"}}, b"x")), 0, type=b"X"))


def test_a_7z_member_that_leaves_the_folder() -> None:
    import py7zr

    out = io.BytesIO()
    with py7zr.SevenZipFile(out, "w") as archive:
        archive.set_encoded_header_mode(False)  # so that the name can be written over
        archive.writestr(b"text\n", "aa/x.txt")
        archive.writestr(SYSTEM, "b.pkl")
    data = out.getvalue()
    names = data[:32], data[32:].replace("aa/x.txt".encode("utf-16-le"), "../x.txt".encode("utf-16-le"))
    length = int.from_bytes(data[20:28], "little")
    start = data[12:28] + struct.pack("<I", zlib.crc32(names[1][-length:]))
    lying = data[:8] + struct.pack("<I", zlib.crc32(start)) + start + names[1]
    assert lying != data
    assert found("m.7z", lying) == {"archive-escape", "payload"}
    assert found("m.7z", data) == {"payload"}


@pytest.mark.parametrize("name", ["a..b", "...", "a/..b/c", "c/d:e"])
def test_names_with_dots_stay_inside(name: str) -> None:
    sound("m.tar", tarred({name: b"text\n"}))


@pytest.mark.parametrize(
    ("one", "other"), [("Model.txt", "model.txt"), ("a/b.txt", "a//b.txt"), ("é.txt", "e\u0301.txt")]
)
def test_names_that_are_one_file_on_some_disks(one: str, other: str) -> None:
    for kind in ("zip", "tar"):
        assert found(f"m.{kind}", ARCHIVES[kind]({one: b"text\n", other: b"text\n"})) == {"archive-collision"}
    arrays = {name: samples.npy(bytes(4), "<f4", "(1,)") for name in ("a.npy", "A.npy")}
    sound("a.npz", zipped(arrays))  # nobody unpacks it to a disk


def test_devices_and_programs_with_rights() -> None:
    assert found("m.tar", tar_of(("null", {"type": tarfile.CHRTYPE}, b""))) == {"archive-special"}
    assert found("m.tar", tar_of(("pipe", {"type": tarfile.FIFOTYPE}, b""))) == {"archive-special"}
    assert found("m.tar", tar_of(("run.txt", {"mode": 0o4755}, b"text\n"))) == {"archive-special"}
    sound("m.tar", tar_of(("d", {"type": tarfile.DIRTYPE, "mode": 0o2775}, b""), ("d/a.txt", {"mode": 0o755}, b"a\n")))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        info = zipfile.ZipInfo("run.txt")
        info.external_attr = 0o104755 << 16
        archive.writestr(info, b"text\n")
    assert found("m.zip", out.getvalue()) == {"archive-special"}


def test_links() -> None:
    assert found("m.tar", tarred({}, {"a": "b"})) == {"archive-link"}
    assert found("m.tar", tarred({}, {"a": "../../b"})) == {"archive-escape"}
    hard = tar_of(("a.txt", {}, b"a\n"), ("b.txt", {"type": tarfile.LNKTYPE, "linkname": "/etc/passwd"}, b""))
    assert found("m.tar", hard) == {"archive-escape"}


LONG = "folder/" * 30 + "name.txt"
TARS: dict[str, bytes] = {
    "negative size": header(tarred({"a": b"x"}), 0, size=b"\xff" * 12),
    "binary size beyond the end": header(tarred({"a": b"x"}), 0, size=b"\x80" + bytes(3) + b"\xff" * 8),
    "size beyond the end": header(tarred({"a": b"x"}), 0, size=b"77777777777\0"),
    "no number": header(tarred({"a": b"x"}), 0, size=b"9x\0"),
    "wrong checksum": tarred({"a": b"x", "b": b"y"}).replace(b"b\0", b"c\0", 1),
    "cut between members": tarred({"a": b"x"})[:1024],
    "cut within a member": tarred({"a": b"x" * 2000})[:1024],
    "one block of zeros": tarred({"a": b"x"})[:1024] + bytes(512) + tarred({"b": b"y"}),
    "a second archive": tarred({"a": b"x"}) + tarred({"b": SYSTEM}),
    "a folder with content": header(tarred({"a": b"x"}), 0, type=b"5"),
    "a size in an extension": tar_of(("a", {"pax_headers": {"size": "5"}}, b"x" * 600)),
}


def global_name() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT, pax_headers={"path": "other"}) as archive:
        archive.addfile(tarfile.TarInfo("a"))
    return out.getvalue()


TARS["a global name"] = global_name()


@pytest.mark.parametrize("case", TARS)
def test_tar_archives_that_readers_disagree_about(case: str) -> None:
    assert "broken-archive" in found("m.tar", TARS[case])


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_honest_tar_archives_of_every_form(form: int) -> None:
    entries = [("d", {"type": tarfile.DIRTYPE}, b""), ("d/a.txt", {"mtime": 1.5}, b"text\n"), (LONG, {}, b"text\n")]
    if form != tarfile.USTAR_FORMAT:
        entries += [("ü" * 90 + ".txt", {"uid": 2**40}, b"text\n")]
    sound("m.tar", tar_of(*entries, form=form))


def test_a_name_in_an_extension_counts_and_so_does_the_one_it_replaces() -> None:
    assert found("m.tar", tar_of(("a", {"pax_headers": {"path": "../a"}}, b"x"))) == {"archive-escape"}
    sneaky = tar_of(("../a", {"pax_headers": {"path": "a"}}, b"text\n"))
    assert found("m.tar", sneaky) == {"archive-escape"}


def test_sparse_files_are_said_not_to_be_looked_at() -> None:
    result = look(Scanners(), {"m.tar": tar_of(("a", {"pax_headers": {"GNU.sparse.major": "1"}}, SYSTEM))})
    assert result.status is Status.UNKNOWN


def test_nesting_has_an_end() -> None:
    assert "nested-archives" in found("m.zip", samples.nested_zip(60, b"text\n"))
    packed = b"text\n"
    for _ in range(60):
        packed = gzip.compress(packed)
    assert found("m.gz", packed) == {"nested-archives"}
    sound("m.zip", samples.nested_zip(2, b"text\n"))


def test_work_is_bounded_whatever_the_shape() -> None:
    many = zipped({f"{number}.txt": b"x" for number in range(60)})
    result = look(Scanners(), {"m.zip": many}, archive_opened=50)
    assert "archive_opened" in result.reason
    assert (
        "archive_members"
        in look(Scanners(), {"m.tar": tarred({str(n): b"" for n in range(9)})}, archive_members=8).reason
    )
    text = zipped({f"{number}.txt": bytes(range(32, 127)) * 300 for number in range(20)}, zipfile.ZIP_DEFLATED)
    assert "unpack_bytes" in look(Scanners(), {"m.zip": text}, unpack_bytes=200_000).reason
    inner = zipped({f"{number}.zip": zipped({"a.txt": b"x"}) for number in range(10)})
    assert "archive_members" in look(Scanners(), {"m.zip": inner}, archive_members=15).reason


def test_slow_packers_cost_more_of_the_budget() -> None:
    text = bytes(range(32, 127)) * 3000
    assert look(Scanners(), {"a.txt.gz": gzip.compress(text)}, unpack_bytes=1_000_000).status is Status.PASS
    assert "unpack_bytes" in look(Scanners(), {"a.txt.bz2": bz2.compress(text)}, unpack_bytes=1_000_000).reason


@pytest.mark.parametrize("kind", PACKERS)
def test_bombs(kind: str) -> None:
    assert found(f"a.txt.{kind}", PACKERS[kind](bytes(24 * 2**20)), archive_free_bytes=2**20) == {"decompression-bomb"}


def test_a_7z_bomb_is_told_by_what_it_declares() -> None:
    data = seven_zipped({"a.txt": bytes(8 * 2**20)})
    assert found("m.7z", data, archive_free_bytes=2**20) == {"decompression-bomb"}


def zeros(shape: tuple[int, ...]) -> bytes:
    out = io.BytesIO()
    np.savez_compressed(out, weight=np.zeros(shape, np.float32))
    return out.getvalue()


def test_arrays_of_zeros_are_no_bomb_until_they_are() -> None:
    sound("a.npz", zeros((3000, 2000)))
    assert slugs(look(Structure(), {"a.npz": zeros((3000, 2000))}, array_bytes=2**24)) == {"zip-bomb"}
    lying = zipped({"a.npy": samples.npy(bytes(24 * 2**20), "<f4", "(2,)")}, zipfile.ZIP_DEFLATED)
    assert slugs(look(Structure(), {"a.npz": lying})) == {"zip-bomb"}
    packed = io.BytesIO()
    np.save(packed, np.zeros(6 * 2**20, np.float32))
    sound("a.npy.gz", gzip.compress(packed.getvalue()))


def test_members_are_held_against_their_checksums() -> None:
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        data = bytearray(zipped({"a.txt": b"honest text\n" * 9}, method))
        for at in (data.find(b"PK\x03\x04") + 14, data.find(b"PK\x01\x02") + 16):
            data[at] ^= 1
        assert found("m.zip", bytes(data)) == {"broken-archive"}
    data = samples.torch_zip(samples.tensor_state("a"), {"0": bytes(16)})
    at = data.find(bytes(16), data.find(b"data/0"))
    assert found("m.pt", data[:at] + b"\x01" + data[at + 1 :]) == {"broken-archive"}
    array = zipped({"a.npy": samples.npy(bytes(4000), "<f4", "(1000,)")})
    at = array.find(bytes(4000))
    assert found("a.npz", array[:at] + b"\x01" + array[at + 1 :]) == {"broken-archive"}


def test_a_7z_under_another_name_is_opened_and_a_broken_pickle_in_it_is_found() -> None:
    broken = samples.call("os", "system", "true", end=b"\xff\xff")
    result = look(Scanners(), {"pytorch_model.bin": seven_zipped({"data.pkl": broken})})
    assert Hazard.PAYLOAD in {finding.hazard for finding in result.findings}


def test_what_a_7z_holds_before_it_breaks_is_looked_at() -> None:
    data = bytearray(seven_zipped({"m.pkl": SYSTEM, "noise": Random(1).randbytes(50_000)}))
    data[40_000:40_040] = bytes(40)
    assert found("m.7z", bytes(data)) == {"payload", "broken-archive"}


def test_7z_archives_end_where_they_say() -> None:
    data = seven_zipped({"a.txt": b"text\n"})
    for slug, bad in (
        ("7z-truncated", data[:-1]),
        ("7z-truncated", data[:20]),
        ("7z-trailing", data + b"x"),
        ("7z-header", data[:12] + bytes([data[12] ^ 1]) + data[13:]),
    ):
        assert slugs(look(Structure(), {"m.7z": bad})) == {slug}
    sound("m.7z", data)


def test_rar_is_known_and_not_looked_into() -> None:
    assert look(Scanners(), {"m.rar": b"Rar!\x1a\x07\x01\x00" + bytes(40)}).status is Status.UNKNOWN


def test_zip_methods_of_every_kind_are_opened() -> None:
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        assert found("m.zip", zipped({"a.pkl": SYSTEM}, method)) == {"payload"}
        sound("m.zip", zipped({"a.txt": b"honest\n" * 400}, method))


def test_a_member_that_nobody_here_can_open_is_unknown() -> None:
    data = bytearray(zipped({"a.txt": b"text\n"}))
    for at in (data.find(b"PK\x03\x04") + 8, data.find(b"PK\x01\x02") + 10):
        data[at : at + 2] = struct.pack("<H", 98)
    assert look(Scanners(), {"m.zip": bytes(data)}).status is Status.UNKNOWN


def test_a_nemo_archive_is_walked_to_its_checkpoint() -> None:
    config = b"model:\n  hidden: 4\n"
    honest = samples.torch_zip(samples.tensor_state("w"), {"0": bytes(16)})
    for pack in (lambda data: data, gzip.compress):
        sound("m.nemo", pack(tarred({"./model_config.yaml": config, "./model_weights.ckpt": honest})))
        data = pack(tarred({"./model_config.yaml": config, "./model_weights.ckpt": samples.torch_zip(SYSTEM)}))
        assert found("m.nemo", data) == {"payload"}


def test_the_same_bytes_give_the_same_findings() -> None:
    data = tarred({"a.zip": zipped({"b.pkl": SYSTEM}), "c.gz": gzip.compress(EVAL), "d": HOLE})
    first, second = (json.dumps([str(f) for f in look(Scanners(), {"m.tar": data}).findings]) for _ in range(2))
    assert first == second
