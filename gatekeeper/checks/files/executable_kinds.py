"""What kind of program a file is: by its bytes, and by its name where an operating system goes by names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import BinaryIO

from gatekeeper.checks.files.problem import Problem
from gatekeeper.checks.files.zip_directory import ZipError, read_names
from gatekeeper.limits import Limits
from gatekeeper.text import printable

_HEAD = 4096

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\x7fELF", "an ELF program or library"),
    (b"\xfe\xed\xfa\xce", "a Mach-O program or library"),
    (b"\xfe\xed\xfa\xcf", "a Mach-O program or library"),
    (b"\xce\xfa\xed\xfe", "a Mach-O program or library"),
    (b"\xcf\xfa\xed\xfe", "a Mach-O program or library"),
    (b"\xca\xfe\xba\xbf", "a Mach-O program for several processors"),
    (b"\xca\xfe\xd0\x0d", "packed Java classes"),
    (b"\x00asm\x01\x00\x00\x00", "WebAssembly"),
    (b"BC\xc0\xde", "LLVM bitcode"),
    (b"\x1bLua", "Lua bytecode"),
    (b"dex\n0", "Android bytecode"),
)
_PACKAGES: tuple[tuple[bytes, str], ...] = (
    (b"!<arch>\ndebian", "a Debian package"),
    (b"!<arch>\n", "a library of object code"),
    (b"\xed\xab\xee\xdb", "an RPM package"),
    (b"L\x00\x00\x00\x01\x14\x02\x00", "a Windows shortcut"),
    (b"MSCF\x00\x00\x00\x00", "a Windows cabinet"),
    (b"xar!", "a macOS package"),
)
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_VBA = "_VBA_PROJECT".encode("utf-16-le")
_DOCUMENTS = ("WordDocument", "Workbook", "PowerPoint Document")
"""Streams of that container by which Office tells its documents ([MS-CFB], [MS-DOC], [MS-XLS], [MS-PPT])."""


# Names by which an operating system knows what to start, whatever the bytes are.
_BY_NAME: dict[str, str] = {
    **dict.fromkeys((".exe", ".scr", ".pif", ".cpl", ".dll", ".pyd", ".sys"), "a Windows program or library"),
    **dict.fromkeys((".so", ".dylib"), "a shared library"),
    **dict.fromkeys((".msi", ".msix", ".appx", ".cab"), "a Windows package"),
    **dict.fromkeys((".deb", ".rpm", ".apk", ".pkg", ".dmg", ".appimage", ".whl", ".egg", ".jar", ".war"), "a package"),
    **dict.fromkeys((".lnk", ".url", ".desktop", ".webloc", ".inf", ".reg"), "a shortcut or a setting"),
    **dict.fromkeys((".hta", ".vbs", ".vbe", ".wsf", ".wsh", ".jse"), "a script that Windows starts on a click"),
    **dict.fromkeys((".docm", ".dotm", ".xlsm", ".xltm", ".xlam", ".pptm", ".potm"), "an Office file with macros"),
}
_VERSIONED_LIBRARY = re.compile(r"\.so(?:\.\d+){1,4}\Z")

_SHELLS = frozenset({".sh", ".bash", ".zsh", ".bat", ".cmd", ".ps1", ".psm1"})
_SHELL_LINE = re.compile(rb"#!\s*\S*(?:/|\benv\s+)(?:ba|z|k|da|fi|c|tc)?sh\b")
_SOURCES = frozenset({".js", ".mjs", ".ts", ".pl", ".rb", ".lua", ".php"})
_MAKE = frozenset({"makefile", "dockerfile"})

_MEMBERS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(?:^|/)vbaProject\.bin\Z", re.IGNORECASE), "an Office file with macros"),
    (re.compile(r"\AAndroidManifest\.xml\Z"), "an Android package"),
    (re.compile(r"\A[^/]+\.dist-info/WHEEL\Z"), "a Python wheel"),
    (re.compile(r"\.class\Z"), "Java classes"),
)
"""Members by which a zip archive tells that it is a package; a model archive has none of them."""

_PYC_VERSIONS = range(3000, 3800)
"""Magic numbers of CPython 3 (Lib/importlib/_bootstrap_external.py): 3000 for 3.0 to a few hundred above 3600 now."""


def judge_executable(reader: BinaryIO, name: PurePosixPath, size: int, limits: Limits) -> Iterator[Problem]:
    """Say whether one file or archive member is a program, a package of programs, or a script.

    Args:
        reader: Its bytes, seekable.
        name: Its name.
        size: Its size in bytes.
        limits: Bounds on zip directories.
    """
    shown = repr(printable(str(name)))
    reader.seek(0)
    head = reader.read(_HEAD)
    kind = program(head, size)
    if kind:
        yield Problem(slug="program", message=f"{shown} is {kind}", offset=0)
        return
    kind = _package(reader, head, size, limits) or (size > 0 and _named(name)) or ""
    if kind:
        yield Problem(slug="package", message=f"{shown} is {kind}")
    elif b"\x00" in head:
        return
    elif name.suffix.lower() in _SHELLS or _SHELL_LINE.match(head):
        yield Problem(slug="script", message=f"{shown} is a script")
    elif head.startswith(b"#!") or name.suffix.lower() in _SOURCES or name.name.lower() in _MAKE:
        yield Problem(slug="source", message=f"{shown} is source code that some program runs")
    elif name.suffix.lower() == ".ipynb":
        yield Problem(slug="notebook", message=f"{shown} is a notebook")


def program(head: bytes, size: int) -> str:
    """Say which kind of compiled code begins so; empty for none.

    Args:
        head: The first bytes, four thousand or all of them.
        size: Bytes of the whole file.
    """
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if head.startswith(b"\xca\xfe\xba\xbe") and len(head) >= 8:
        # A fat Mach-O counts its processors where a Java class has its version, which begins with 45.
        counted = int.from_bytes(head[4:8], "big")
        return "a Mach-O program for several processors" if counted < 40 else "a Java class"
    if _is_portable_executable(head, size):
        return "a Windows program or library"
    return "compiled Python" if _is_compiled_python(head) else ""


def _is_portable_executable(head: bytes, size: int) -> bool:
    """The DOS header leads to the signature `PE` (Microsoft PE format, section 2)."""
    if head[:2] != b"MZ" or len(head) < 64:
        return False
    at = int.from_bytes(head[60:64], "little")
    return head[at : at + 4] == b"PE\x00\x00" if at + 4 <= len(head) else 64 <= at < size


def _is_compiled_python(head: bytes) -> bool:
    """A magic number, flags, a source stamp, then marshal's code object (PEP 552)."""
    if head[2:4] != b"\r\n" or int.from_bytes(head[:2], "little") not in _PYC_VERSIONS:
        return False
    return any(head[at : at + 1] in (b"\xe3", b"\x63") for at in (8, 12, 16))


def _package(reader: BinaryIO, head: bytes, size: int, limits: Limits) -> str:
    for magic, kind in _PACKAGES:
        if head.startswith(magic):
            return kind
    if head.startswith(_OLE):
        return _ole(reader, limits)
    if not head.startswith(b"PK\x03\x04"):
        return ""
    try:
        names = read_names(reader, size, limits)
    except ZipError:  # files/structure tells of it
        return ""
    return next((kind for pattern, kind in _MEMBERS if any(map(pattern.search, names))), "")


def _ole(reader: BinaryIO, limits: Limits) -> str:
    """Old Office documents and Windows installers share a container; the former are only text without macros."""
    reader.seek(0)
    data = reader.read(min(limits.json_bytes, 1 << 24))
    if _VBA in data:
        return "an Office file with macros"
    return "" if any(name.encode("utf-16-le") in data for name in _DOCUMENTS) else "a Windows installer"


def _named(name: PurePosixPath) -> str:
    if _VERSIONED_LIBRARY.search(name.name.lower()):
        return "a shared library by its name"
    kind = _BY_NAME.get(name.suffix.lower(), "")
    return f"{kind} by its name" if kind else ""
