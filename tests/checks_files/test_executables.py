"""files/executables: programs are told by their bytes, packages by their members, and honest files stay honest."""

from __future__ import annotations

import struct
from dataclasses import replace

import pytest

from gatekeeper.checks.files.executables import Executables
from gatekeeper.evidence import Hazard, Severity, Status
from tests.support import samples
from tests.support.artifacts import artifact, look, slugs


def portable_executable(at: int = 128) -> bytes:
    return (b"MZ".ljust(60, b"\0") + struct.pack("<I", at)).ljust(at, b"\0") + b"PE\0\0" + bytes(100)


PROGRAMS = {
    "ELF": b"\x7fELF\x02\x01\x01" + bytes(60),
    "Windows": portable_executable(),
    "Mach-O": b"\xcf\xfa\xed\xfe" + bytes(60),
    "fat Mach-O": b"\xca\xfe\xba\xbe\x00\x00\x00\x02" + bytes(60),
    "Java class": b"\xca\xfe\xba\xbe\x00\x00\x00\x41" + bytes(60),
    "WebAssembly": b"\x00asm\x01\x00\x00\x00" + bytes(60),
    "LLVM bitcode": b"BC\xc0\xde" + bytes(60),
    "Android bytecode": b"dex\n035\0" + bytes(60),
    "compiled Python": b"\xa7\x0d\r\n" + bytes(12) + b"\xe3" + bytes(60),
}


@pytest.mark.parametrize("kind", PROGRAMS)
def test_a_program_is_one_under_any_name(kind: str) -> None:
    for name in ("weights.bin", "README.md", "model.safetensors", "x"):
        result = look(Executables(), {name: PROGRAMS[kind]})
        assert slugs(result) == {"program"}
        assert result.findings[0].hazard is Hazard.SUSPICIOUS
        assert result.findings[0].severity >= Severity.HIGH


PACKAGES = {
    "a Python wheel": ("tool.whl", samples.zipped({"tool/__init__.py": b"", "tool-1.dist-info/WHEEL": b""})),
    "a wheel under another name": ("model.bin", samples.zipped({"tool-1.dist-info/WHEEL": b""})),
    "a jar": ("lib.zip", samples.zipped({"META-INF/MANIFEST.MF": b"", "a/B.class": b"\xca\xfe\xba\xbe"})),
    "an Android package": ("app.zip", samples.zipped({"AndroidManifest.xml": b"", "classes.dex": b""})),
    "a document with macros": ("card.docx", samples.zipped({"word/document.xml": b"", "word/vbaProject.bin": b""})),
    "a document with macros by name": ("card.docm", b"anything"),
    "an old document with macros": (
        "card.doc",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "WordDocument".encode("utf-16-le") + "_VBA_PROJECT".encode("utf-16-le"),
    ),
    "an installer": ("setup.dat", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)),
    "a Debian package": ("x.dat", b"!<arch>\ndebian-binary  "),
    "a shortcut": ("model", b"L\x00\x00\x00\x01\x14\x02\x00" + bytes(60)),
    "a library by name": ("libfast.so.1.2", b"INPUT(libreal.so)"),
    "a click": ("open-me.desktop", b"[Desktop Entry]\nExec=true\n"),
    "a Windows script": ("view.hta", b"<script></script>"),
}


@pytest.mark.parametrize("kind", PACKAGES)
def test_packages_and_shortcuts_are_told(kind: str) -> None:
    name, data = PACKAGES[kind]
    assert slugs(look(Executables(), {name: data})) == {"package"}


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("run.sh", b"echo hi\n"), ("start.bat", b"@echo off\r\n"), ("setup.ps1", b"Write-Host hi"),
        ("install", b"#!/bin/sh\n"), ("install", b"#!/usr/bin/env bash\n"), ("install", b"#! /usr/bin/zsh -e\n"),
    ],
)  # fmt: skip
def test_scripts_for_shells_are_for_somebody_to_read(name: str, data: bytes) -> None:
    result = look(Executables(), {name: data})
    assert slugs(result) == {"script"}
    assert {finding.hazard for finding in result.findings} == {Hazard.UNVERIFIED}


@pytest.mark.parametrize(
    ("name", "data"),
    [("convert", b"#!/usr/bin/env python\n"), ("Makefile", b"all:\n"), ("app.js", b"let a = 1\n")],
)
def test_source_code_is_told_and_moves_no_decision(name: str, data: bytes) -> None:
    result = look(Executables(), {name: data})
    assert slugs(result) == {"source"}
    assert result.status is Status.PASS
    assert {finding.hazard for finding in result.findings} == {Hazard.NONE}


def test_a_notebook_is_told_and_moves_no_decision() -> None:
    result = look(Executables(), {"demo.ipynb": b"{}"})
    assert slugs(result) == {"notebook"}
    assert result.status is Status.PASS


HONEST = {
    "model.safetensors": samples.honest_safetensors(),
    "model.gguf": samples.honest_gguf(),
    "pytorch_model.bin": samples.torch_zip(samples.tensor_state("w"), {"0": bytes(16)}),
    "old.pth": samples.torch_legacy(samples.legacy_streams(samples.tensor_state("w"))),
    "README.md": b"MZ is how DOS programs begin, #! how scripts do, PE\0".replace(b"\0", b""),
    "tokens.txt": b"MZ" + b"a" * 100,
    "vocab.json": b'{"\\u007fELF": 1, "dex": 2}',
    "modeling.py": b"import torch\n",
    "tokenizer.model": b"\n\x0e\n\x05<unk>\x15\x00\x00\x00\x00\x18\x02",
    "card.docx": samples.zipped({"word/document.xml": b"", "[Content_Types].xml": b""}),
    "card.doc": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "WordDocument".encode("utf-16-le"),
    "fonts.zip": samples.zipped({"a.ttf": b"x"}),
    "noise.bin": b"\xa7\x0d\r\n" + bytes(60),
    "video.ts": b"G\x00" * 100,
    "short.bin": b"MZ",
    "empty.so": b"",
    "site.social": b"x",
}  # fmt: skip


@pytest.mark.parametrize("name", HONEST)
def test_honest_files_are_no_programs(name: str) -> None:
    assert look(Executables(), {name: HONEST[name]}).findings == ()


def test_what_was_not_downloaded_is_a_gap() -> None:
    subject = artifact({"a.bin": PROGRAMS["ELF"]})
    result = look(Executables(), replace(subject, files=(replace(subject.files[0], sha256=None),)))
    assert result.status is Status.UNKNOWN
