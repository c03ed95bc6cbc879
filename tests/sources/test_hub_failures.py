"""Every way in which a Hub fails ends in its own error, in bounded time, without a secret."""

from __future__ import annotations

import hashlib
import json
import logging
import random
import shutil
import socket
import subprocess
import sys
import time
import traceback
from dataclasses import replace

import pytest

from gatekeeper.demo.hub import Faults, HubRepo, LoopbackHub
from gatekeeper.errors import AccessError, GatekeeperError, InputError, LimitError, NotFoundError, SourceError
from gatekeeper.limits import Limits
from gatekeeper.redaction import redact
from gatekeeper.sources import SourceOptions, open_artifact, parse
from gatekeeper.sources.download import bar_for
from gatekeeper.sources.supervision import Attempt

WEIGHTS = random.Random(7).randbytes(5000)
REPO = HubRepo.of("acme/tiny", {"config.json": b"{}", "model.safetensors": WEIGHTS})
TOKEN = "hf_" + "Zq7" * 12
QUICK = Limits(retries=2, retry_seconds=0.01, request_seconds=2.0, retry_after_seconds=2.0, disk_reserve_bytes=0)
ALWAYS = -1


@pytest.fixture
def options(hub, tmp_path):
    hub.add(REPO)
    return SourceOptions(endpoint=hub.endpoint, cache_dir=tmp_path / "cache", limits=QUICK)


def opened(text, options):
    with open_artifact(parse(text), options) as artifact:
        return artifact


def assert_whole(artifact):
    assert artifact.irregularities == ()
    assert artifact.file("model.safetensors").sha256 == hashlib.sha256(WEIGHTS).hexdigest()


@pytest.mark.parametrize(
    "faults",
    [
        Faults(busy=2),
        Faults(failing=2),
        Faults(dropped=2),
        Faults(busy=1, only="/resolve/"),
        Faults(failing=1, only="/resolve/"),
        Faults(dropped=2, only="/resolve/"),
        Faults(failing=2, only="/cdn/"),
        Faults(truncate={"model.safetensors": 100}, truncations=1),
    ],
    ids=repr,
)
def test_a_hub_that_recovers_is_waited_for(hub, options, faults):
    hub.faults = faults
    assert_whole(opened("acme/tiny", options))


@pytest.mark.parametrize(
    ("switch", "only"),
    [
        *(("busy", only) for only in ("", "/commits/", "/resolve/")),
        *(("failing", only) for only in ("", "/tree/", "/resolve/", "/cdn/")),
        *(("dropped", only) for only in ("", "/tree/", "/commits/", "/resolve/", "/cdn/")),
    ],
)
def test_a_hub_that_does_not_recover_ends_in_a_source_error(hub, options, switch, only):
    hub.faults = Faults(**{switch: ALWAYS, "only": only})
    began = time.monotonic()
    with pytest.raises(SourceError) as caught:
        opened("acme/tiny", replace(options, limits=replace(QUICK, retries=0)))
    assert caught.value.exit_code == 3
    assert caught.value.hint
    assert time.monotonic() - began < 20


def test_a_download_that_always_breaks_off_fails_and_what_it_leaves_is_not_taken_for_the_file(hub, options):
    hub.faults = Faults(truncate={"model.safetensors": 100})
    with pytest.raises(SourceError, match="again and again"):
        opened("acme/tiny", replace(options, limits=replace(QUICK, retries=0)))
    hub.faults = Faults()
    assert_whole(opened("acme/tiny", options))


@pytest.mark.parametrize("only", ["", "/resolve/", "/cdn/"])
@pytest.mark.parametrize("asked", [{"retry_after": 86_400}, {"rate_limit": '"api";r=0;t=86400'}])
def test_a_hub_that_asks_for_a_long_wait_is_not_waited_for(hub, options, only, asked):
    hub.faults = Faults(busy=ALWAYS, only=only, **asked)
    began = time.monotonic()
    with pytest.raises(SourceError, match="86400 seconds"):
        opened("acme/tiny", options)
    assert time.monotonic() - began < 10


def test_the_client_s_progress_for_xet_reaches_ours():
    from types import SimpleNamespace

    from huggingface_hub.utils._xet_progress_reporting import XetDownloadProgressReporter

    seen = []
    attempt = Attempt(what="x", commit="", size=100, limits=QUICK, advance=seen.append)
    report = SimpleNamespace(
        total_bytes=100,
        total_bytes_completed=60,
        total_bytes_completion_rate=1.0,
        total_transfer_bytes_completed=70,
        total_transfer_bytes_completion_rate=1.0,
    )
    settings = {"reconstruction_desc": "x", "total": 100, "log_level": 50, "tqdm_class": bar_for(attempt)}
    with XetDownloadProgressReporter(**settings) as reporter:
        reporter.update_progress(report)
    attempt.finished()
    assert seen == [60, 40]


def test_a_slow_hub_is_slow_and_no_failure(hub, options):
    hub.faults = Faults(bytes_per_second=20_000)
    assert_whole(opened("acme/tiny", options))


def test_a_silent_hub_times_out(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        options = SourceOptions(
            endpoint=f"http://127.0.0.1:{listener.getsockname()[1]}",
            cache_dir=tmp_path,
            limits=replace(QUICK, retries=1, request_seconds=0.2),
        )
        with pytest.raises(SourceError, match=r"127\.0\.0\.1"):
            opened("acme/tiny", options)


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:9", "http://no-such-host.invalid"])
def test_no_hub_there_names_the_endpoint(tmp_path, endpoint):
    options = SourceOptions(endpoint=endpoint, cache_dir=tmp_path, limits=replace(QUICK, retries=0))
    with pytest.raises(SourceError, match=endpoint):
        opened("acme/tiny", options)


@pytest.mark.parametrize(
    "faults",
    [
        Faults(info_body=b"<html>"),
        Faults(info_body=b"[]"),
        Faults(info_body=b'{"id": "acme/tiny", "sha": 7}'),
        Faults(info_body=b'{"id": "acme/tiny", "sha": "' + b"0" * 40 + b'", "siblings": [1]}'),
        Faults(info_body=b'{"id": NaN}'),
        Faults(info_body=b"[" * 100_000),
        Faults(commit="main"),
        Faults(commit="../../../etc"),
        Faults(tree_body=b"{}"),
        Faults(tree_body=b'[{"path": "a", "oid": "x", "size": 1}]'),
        Faults(tree_body=json.dumps([{"path": "a", "oid": "0" * 40, "size": -1}]).encode()),
        Faults(tree_body=json.dumps([{"path": "a", "oid": "0" * 40, "size": 1, "lfs": {"oid": "x"}}]).encode()),
        Faults(tree_body=json.dumps([{"path": "a", "oid": "0" * 40, "size": 1}] * 2).encode()),
        Faults(next_page="http://127.0.0.2:1/api/models"),
        Faults(next_page="https://elsewhere.invalid/"),
        Faults(next_page="file:///etc/passwd"),
        Faults(etag="../../../../evil"),
        Faults(etag=".."),
    ],
    ids=lambda faults: repr(faults)[:60],
)
def test_answers_that_break_the_api_are_source_errors(hub, options, tmp_path, faults):
    hub.faults = faults
    with pytest.raises(SourceError, match="not what its API promises"):
        opened("acme/tiny", options)
    assert not list(tmp_path.rglob("evil*"))


def test_a_listing_without_end_is_a_limit_or_a_source_error(hub, options):
    hub.faults = Faults(next_page=f"/api/models/acme/tiny/tree/{REPO.head}?recursive=true")
    with pytest.raises(SourceError, match="listed twice"):
        opened("acme/tiny", options)


def test_an_oversize_answer_is_refused(hub, options):
    hub.faults = Faults(info_body=b" " * 300_000)
    with pytest.raises(LimitError, match="response_bytes"):
        opened("acme/tiny", replace(options, limits=replace(QUICK, response_bytes=100_000)))


def test_a_hub_that_answers_for_another_commit_is_refused(hub, options):
    hub.faults = Faults(commit="1" * 40)
    with pytest.raises(NotFoundError):
        opened(f"acme/tiny@{REPO.head}", options)


def test_ranges_that_are_ignored_or_lie_are_source_errors(hub, options):
    hub.add(HubRepo.of("acme/big", {"model.safetensors": bytes(300_000)}))
    artifact = opened("acme/big", replace(options, metadata_only=True))
    hub.faults = Faults(ignore_ranges=True)
    with pytest.raises(SourceError), artifact.file("model.safetensors").content.open() as reader:
        reader.read(10)
    hub.faults = Faults(tamper={"model.safetensors": bytes(4000)})
    with pytest.raises(SourceError):
        artifact.file("model.safetensors").content.read(300_000)


@pytest.mark.parametrize(
    ("repo", "text", "token", "error", "hint"),
    [
        (None, "acme/absent", None, NotFoundError, "HF_TOKEN"),
        (replace(REPO, private=True), "acme/tiny", None, NotFoundError, "HF_TOKEN"),
        (replace(REPO, private=True), "acme/tiny", "hf_" + "x" * 30, AccessError, "HF_TOKEN"),
        (replace(REPO, gated="manual"), "acme/tiny", None, AccessError, "ask for access"),
        (replace(REPO, gated="auto"), "acme/tiny", TOKEN, AccessError, "ask for access"),
        (replace(REPO, disabled=True), "acme/tiny", None, AccessError, "page"),
        (REPO, "acme/tiny@mian", None, NotFoundError, "there are: main"),
        (REPO, f"acme/tiny@{REPO.head[:10]}", None, NotFoundError, "forty digits"),
        (REPO, f"acme/tiny@{'0' * 40}", None, NotFoundError, "there are: main"),
    ],
)
def test_refusals_are_input_errors_that_say_what_to_do(tmp_path, repo, text, token, error, hint):
    with LoopbackHub([repo] if repo else [], tokens=[TOKEN]) as hub:
        options = SourceOptions(endpoint=hub.endpoint, cache_dir=tmp_path, token=token, limits=QUICK)
        with pytest.raises(error) as caught:
            opened(text, options)
    assert caught.value.exit_code == 2
    assert hint in caught.value.hint


def test_a_granted_token_opens_a_private_gated_repo_and_stays_on_the_hub(tmp_path):
    repo = replace(REPO, gated="manual", private=True)
    with LoopbackHub([repo], granted=[TOKEN]) as hub:
        options = SourceOptions(endpoint=hub.endpoint, cache_dir=tmp_path, token=TOKEN, limits=QUICK)
        artifact = opened("acme/tiny", options)
        assert (artifact.platform.gated, artifact.platform.private) == ("manual", True)
        weights = opened("acme/tiny", replace(options, metadata_only=True)).file("model.safetensors")
        assert weights.content.read(10_000) == WEIGHTS
        assert {request.authorised for request in hub.requests if request.host == "cdn"} == {False}
    assert TOKEN not in repr(options)


@pytest.mark.parametrize(
    ("faults", "gated"),
    [
        (Faults(), "manual"),
        (Faults(failing=ALWAYS), ""),
        (Faults(failing=ALWAYS, only="/resolve/"), ""),
        (Faults(missing=frozenset({"config.json"}), rename={"acme/tiny": "acme/absent"}), ""),
        (Faults(info_body=TOKEN.encode()), ""),
        (Faults(commit=TOKEN), ""),
        (Faults(next_page=f"http://user:{TOKEN}@127.0.0.2/"), ""),
        (Faults(etag=f"../{TOKEN}"), ""),
    ],
    ids=lambda value: repr(value)[:70],
)
def test_the_token_is_in_no_error_log_or_traceback(tmp_path, monkeypatch, caplog, capfd, faults, gated):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    caplog.set_level(logging.DEBUG)
    limits = replace(QUICK, retries=1)
    with LoopbackHub([replace(REPO, gated=gated)], replace(faults, echo_token=True), tokens=[TOKEN]) as hub:
        options = SourceOptions(endpoint=hub.endpoint, cache_dir=tmp_path, limits=limits)
        with pytest.raises(GatekeeperError) as caught:
            opened("acme/tiny", options)
        assert any(request.authorised for request in hub.requests)
    shown = "".join(traceback.format_exception(caught.value)) + caught.value.message + caught.value.hint
    cause = caught.value.__cause__
    while cause:
        shown += str(cause)
        cause = cause.__cause__
    assert TOKEN not in shown
    assert TOKEN not in caplog.text
    assert TOKEN not in "".join(capfd.readouterr())


@pytest.mark.parametrize(
    "text",
    [
        TOKEN,
        f"Bearer {TOKEN}",
        f"https://me:{TOKEN}@hub.test/x",
        f"a={TOKEN}&b",
        "Authorization: bearer short",
        "x s3cret y",
    ],
)
def test_redaction_hides_secrets_and_keeps_the_rest(text, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "s3cret")
    hidden = redact(f"before {text} after")
    assert TOKEN not in hidden
    assert "short" not in hidden
    assert "s3cret" not in hidden
    assert hidden.startswith("before")
    assert hidden.endswith("after")


def test_a_token_without_the_usual_look_is_hidden_too(hub, options):
    hub.faults = Faults(failing=ALWAYS, echo_token=True)
    with pytest.raises(SourceError, match=r"\*\*\*") as caught:
        opened("acme/tiny", replace(options, token="corp-0815", limits=replace(QUICK, retries=0)))
    assert "corp-0815" not in caught.value.message


@pytest.mark.parametrize("token", ["two words", "line\nbreak", "caf\u00e9"])
def test_a_token_that_can_be_none_is_refused_without_repeating_it(hub, options, token):
    with pytest.raises(InputError) as caught:
        opened("acme/tiny", replace(options, token=token))
    assert token not in caught.value.message
    assert hub.requests == ()


def test_an_empty_token_is_no_token(hub, options):
    opened("acme/tiny", replace(options, token=""))
    assert not any(request.authorised for request in hub.requests)


def test_an_endpoint_with_credentials_is_refused_without_repeating_them(tmp_path):
    options = SourceOptions(endpoint=f"https://me:{TOKEN}@hub.test", cache_dir=tmp_path)
    with pytest.raises(InputError) as caught:
        opened("acme/tiny", options)
    assert TOKEN not in caught.value.message


def test_a_full_disk_is_said_before_anything_is_downloaded(hub, options, tmp_path):
    reserve = shutil.disk_usage(tmp_path).total
    with pytest.raises(SourceError, match="kept free"):
        opened("acme/tiny", replace(options, limits=replace(QUICK, disk_reserve_bytes=reserve)))
    assert not any("/resolve/" in request.target for request in hub.requests)
    opened("acme/tiny", options)
    assert opened("acme/tiny", replace(options, limits=replace(QUICK, disk_reserve_bytes=reserve))).files


def test_a_cache_that_can_not_be_written_is_a_source_error(options, tmp_path):
    (tmp_path / "cache").write_bytes(b"")
    with pytest.raises(SourceError, match="cache"):
        opened("acme/tiny", options)


def test_the_client_stays_silent(hub, tmp_path):
    code = (
        "import sys; from pathlib import Path; from gatekeeper.sources import *\n"
        "options = SourceOptions(endpoint=sys.argv[1], cache_dir=Path(sys.argv[2]))\n"
        "with open_artifact(parse('acme/tiny'), options) as artifact: print(artifact.digest)"
    )
    hub.add(REPO)
    hub.faults = Faults(failing=1, busy=1, only="/resolve/")
    command = [sys.executable, "-W", "error", "-c", code, hub.endpoint, str(tmp_path)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert run.stderr == ""


def test_nothing_of_the_client_is_loaded_for_local_references(tmp_path):
    (tmp_path / "config.json").write_bytes(b"{}")
    code = (
        "import sys; from gatekeeper.sources import *\n"
        "with open_artifact(parse(sys.argv[1])): pass\n"
        "sys.exit(bool({'huggingface_hub', 'httpx2', 'yaml'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False).returncode == 0
