"""`gatekeeper convert` at the edge: exit codes, and what it prints."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import pytest
from click.testing import CliRunner

from gatekeeper.cli.main import cli
from gatekeeper.errors import InputError
from tests.support import samples

needs_torch = pytest.mark.skipif(find_spec("torch") is None, reason="converting needs torch, which is not installed")


def test_without_torch_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gatekeeper.tensors.convert.find_spec", lambda _name: None)
    (tmp_path / "a.pt").write_bytes(samples.torch_zip(samples.tensor_state("w"), {"0": bytes(16)}))
    with pytest.raises(InputError) as caught:
        CliRunner().invoke(cli, ["convert", str(tmp_path / "a.pt"), str(tmp_path / "out")], catch_exceptions=False)
    assert caught.value.exit_code == 2
    assert "gatekeeper-models[patch]" in caught.value.hint


@needs_torch
def test_an_honest_file_ends_in_0_and_a_payload_in_1(tmp_path: Path) -> None:
    (tmp_path / "good.pt").write_bytes(samples.torch_zip(samples.tensor_state("w"), {"0": bytes(16)}))
    (tmp_path / "bad.pt").write_bytes(samples.torch_zip(samples.SYSTEM))
    run = CliRunner().invoke
    good = run(cli, ["convert", str(tmp_path / "good.pt"), str(tmp_path / "out")], standalone_mode=False)
    assert good.return_value == 0
    assert "good.pt -> good.safetensors" in good.output
    bad = run(cli, ["convert", str(tmp_path / "bad.pt"), str(tmp_path / "no")], standalone_mode=False)
    assert bad.return_value == 1
    assert "refused" in bad.output
    assert not (tmp_path / "no").exists()


@needs_torch
def test_json_is_the_record(tmp_path: Path) -> None:
    (tmp_path / "good.pt").write_bytes(samples.torch_zip(samples.tensor_state("w"), {"0": bytes(16)}))
    arguments = ["convert", str(tmp_path / "good.pt"), str(tmp_path / "out"), "-f", "json"]
    ran = CliRunner().invoke(cli, arguments, standalone_mode=False)
    assert json.loads(ran.output) == json.loads((tmp_path / "out" / "conversion.json").read_text())


@needs_torch
def test_a_destination_that_is_there_is_the_persons_to_mend(tmp_path: Path) -> None:
    (tmp_path / "a.pt").write_bytes(samples.torch_zip(samples.tensor_state("w"), {"0": bytes(16)}))
    with pytest.raises(InputError, match="there already"):
        CliRunner().invoke(cli, ["convert", str(tmp_path / "a.pt"), str(tmp_path)], catch_exceptions=False)
