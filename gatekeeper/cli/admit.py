"""`gatekeeper admit`: the gate before deployment; files and a signed verdict in, yes or no out."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gatekeeper.cli.approving import approvals_folder, refuse_inside, tell_disbelieved
from gatekeeper.cli.layout import entry
from gatekeeper.cli.line import refuse_own_settings
from gatekeeper.cli.options import JOBS, QUIET, TEXT_OR_JSON, VERIFIER_ID, complete_paths, option
from gatekeeper.cli.progress import choose
from gatekeeper.errors import InputError
from gatekeeper.limits import DEFAULT_LIMITS
from gatekeeper.text import printable

if TYPE_CHECKING:
    from gatekeeper.admission import Admission
    from gatekeeper.artifact import Reference
    from gatekeeper.attest import Expectations
    from gatekeeper.decision import Approval, DisbelievedApproval
    from gatekeeper.lock import Lock

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_MARKS = {"held": ("ok", "green"), "failed": ("NO", "red"), "not-asked": ("-", "yellow"), "not-reached": ("", "")}
_FILE = click.Path(path_type=Path)


@click.command("admit")
@click.argument("place", metavar="DIR", type=_FILE, shell_complete=complete_paths)
@option("--attestation", "-a", of="admit", multiple=True, type=_FILE, metavar="FILE|FOLDER",
        help="The verdict: verdict.intoto.jsonl, the folder that holds it, or both bundles of one decision; of several "
        "verdicts, any one admits.")  # fmt: skip
@option("--key", of="admit", multiple=True, type=_FILE, metavar="FILE",
        help="Public key that must have signed it; of several, any one.")  # fmt: skip
@VERIFIER_ID
@option("--reference", of="admit", metavar="REF",
        help="The model that is to be deployed: org/name@commit; with --lock also org/name.")  # fmt: skip
@option("--resource-uri", of="admit", metavar="URI", help="The same as the verdict spells it: pkg:huggingface/…")
@option("--lock", of="admit", type=_FILE, metavar="FILE", help="Take only what this gatekeeper.lock pins.")
@option("--policy-digest", of="admit", metavar="sha256:HEX", help="Take only verdicts by this policy.")
@option("--max-age", of="admit", metavar="AGE", help="Take only verdicts that are not older: 12h, 30d, 4w.")
@option("--level", of="admit", multiple=True, metavar="LEVEL",
        help="Property that the verdict must have verified (GATEKEEPER_PINNED); may be repeated.")  # fmt: skip
@option("--approval", of="admit", multiple=True, type=_FILE, metavar="FILE|FOLDER",
        help="Sign-off of an audit or an escalation; needs --approver-key.  [default: approvals, beside the lock; "
        "without a lock, here]")  # fmt: skip
@option("--approver-key", of="admit", multiple=True, type=_FILE, metavar="FILE",
        help="Public key of somebody who may sign off.")  # fmt: skip
@JOBS
@TEXT_OR_JSON
@QUIET
def command(place: Path, **given: Any) -> int:
    """Decide whether DIR holds just the files that a signed verdict allows. Asks no network.

    The verdict's signature is verified, then what it says, then every file of DIR is hashed: none may differ, be
    missing or be extra. A verdict for other names with the same bytes counts, unless --reference, --resource-uri or
    --lock says which model is expected.

    Exits with 0 when DIR may be deployed, 1 with the reason when not, 2 when the input is wrong.

    \b
    Examples:
      gatekeeper admit ./model -a verdict/ --key gatekeeper.pub --reference org/name@<commit>
      gatekeeper admit ./model -a verdict.intoto.jsonl --key old.pub --key new.pub --max-age 30d
    """
    refuse_own_settings(str(place))
    from gatekeeper import admission
    from gatekeeper.sources import SourceOptions

    for name in ("attestation", "key"):
        if not given[name]:
            raise InputError(f"--{name} is needed", hint="see `gatekeeper admit --help`")
    _refuse_empty(given)
    lock, asked = _lock(given["lock"]), _reference(given["reference"])
    jobs = {} if given["jobs"] is None else {"jobs": given["jobs"]}
    approvals, disbelieved = _approvals(place, given)
    answer = admission.admit(
        place,
        _documents(given["attestation"]),
        _expectations(given, asked),
        approvals=approvals,
        lock=lock,
        name=asked.name if asked else "",
        options=SourceOptions(**jobs),
        progress=choose(quiet=given["quiet"] or given["format"] == "json"),
    )
    if given["format"] == "json":
        notes = {"disbelieved_approvals": [asdict(each) for each in disbelieved]}
        click.echo(json.dumps({**_document(answer, place), **notes}, indent=2))
    else:
        _print(answer, place)
        tell_disbelieved(disbelieved)
    return int(not answer.admitted)


def _refuse_empty(given: dict[str, Any]) -> None:
    """Refuse an expectation without content: a shell variable that is not set would switch it off unseen."""
    for name in ("reference", "resource_uri", "policy_digest", "max_age"):
        if given[name] == "":
            option = name.replace("_", "-")
            raise InputError(f"--{option} is empty", hint="say what is expected, or leave the option out")


def _expectations(given: dict[str, Any], asked: Reference | None) -> Expectations:
    from gatekeeper.attest import Expectations
    from gatekeeper.signing import read_public_key

    named = {"--resource-uri": given["resource_uri"], "--reference": _resource(asked, locked=given["lock"] is not None)}
    resources = {option: uri for option, uri in named.items() if uri}
    if len(set(resources.values())) > 1:
        raise InputError("--resource-uri and --reference name two models", hint="leave one of them out")
    digest = given["policy_digest"] or ""
    if digest and not re.fullmatch("sha256:[0-9a-f]{64}", digest):
        raise InputError(f"{printable(digest, 80)} is no digest of a policy", hint="write sha256: and 64 digits")
    return Expectations(
        keys=tuple(read_public_key(path) for path in given["key"]),
        verifier_id=given["verifier_id"],
        resources=tuple(dict.fromkeys(resources.values())),
        expected_by=next(iter(resources), ""),
        policy_digest=digest,
        levels=given["level"],
        max_age=_age(given["max_age"]) if given["max_age"] else None,
    )


def _reference(text: str | None) -> Reference | None:
    if text is None:
        return None
    from gatekeeper import sources
    from gatekeeper.artifact import Scheme

    asked = sources.parse(text if text.startswith(("hf://", "http")) else f"hf://{text}")
    if asked.scheme is not Scheme.HUB:
        raise InputError(f"{printable(text)} is no reference to the Hub", hint="write org/name@commit")
    return asked


def _resource(asked: Reference | None, *, locked: bool) -> str:
    """Give the URI of a reference; empty when there is none, or the lock has the commit."""
    from gatekeeper.attest import hub_uri

    if asked is None or (locked and not asked.revision):
        return ""
    if asked.is_commit:
        return hub_uri(asked.name, asked.revision)
    raise InputError(
        f"{printable(str(asked))} names no commit", hint="write org/name@ and its forty digits, or give --lock as well"
    )


def _age(text: str) -> timedelta:
    found = re.fullmatch(r"([1-9][0-9]{0,5})([smhdw])", text, re.ASCII)
    if not found:
        raise InputError(f"{printable(text, 80)} is no age", hint="write a number and s, m, h, d or w: 30d")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def _documents(places: Sequence[Path]) -> dict[str, list[bytes]]:
    """Read verdicts: envelopes make one verdict a file, bundles make one together."""
    from gatekeeper.attest import VERDICT_FILE

    verdicts: dict[str, list[bytes]] = {}
    for place in dict.fromkeys(places):
        path = place / VERDICT_FILE if place.is_dir() else place
        data = read_bytes(path)
        bundled = "the bundles" if b'"dsseEnvelope"' in data else str(path)
        verdicts.setdefault(bundled, []).append(data)
    return verdicts


def read_bytes(path: Path) -> bytes:
    """Read a signed file, up to a byte beyond the limit.

    Raises:
        InputError: When it can't be read.
    """
    try:
        if path.exists() and not path.is_file():  # a pipe would wait for ever
            raise InputError(f"{printable(str(path), 400)} is no regular file", hint="give the path of a file")
        with path.open("rb") as stream:
            return stream.read(DEFAULT_LIMITS.signed_bytes + 1)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise InputError(f"{printable(str(path), 400)} can't be read: {why}", hint="check the path") from error


def _lock(path: Path | None) -> Lock | None:
    if path is None:
        return None
    from gatekeeper import lockfile

    return lockfile.read(path)


def _approvals(place: Path, given: dict[str, Any]) -> tuple[tuple[Approval, ...], tuple[DisbelievedApproval, ...]]:
    """Read sign-offs: those that were named, else the usual folder, and only where somebody's key is believed."""
    places, keys = given["approval"], given["approver_key"]
    if places and not keys:
        raise InputError("--approval needs --approver-key", hint="give the public key of whoever may sign off")
    usual = approvals_folder(given["lock"])
    places = places or ((usual,) if keys and usual.is_dir() else ())
    if not places:
        return (), ()
    from gatekeeper import attest
    from gatekeeper.signers import Approver
    from gatekeeper.signing import read_public_key

    for each in places:
        refuse_inside(each, str(place))
    approvers = [Approver(name=path.stem, key=read_public_key(path).pem) for path in keys]
    return attest.read_approvals(places, approvers)


def _print(answer: Admission, place: Path) -> None:
    word, colour = ("ADMITTED", "green") if answer.admitted else ("REFUSED", "red")
    click.echo(f"{click.style(word, fg=colour, bold=True)}  {printable(str(place), 400)}")
    for step in answer.steps:
        mark, colour = _MARKS[step.outcome.value]
        if mark:
            entry(f"  {click.style(f'{mark:<2}', fg=colour)}  {step.name:<9}  ", step.words)


def _document(answer: Admission, place: Path) -> dict[str, Any]:
    verdict = answer.verdict
    return {
        "admitted": answer.admitted,
        "reason": answer.reason,
        "place": printable(str(place), 400),
        "attestation": printable(answer.attestation, 400),
        "steps": [{"step": step.name, "outcome": step.outcome.value, "words": step.words} for step in answer.steps],
        "verdict": None
        if verdict is None
        else {
            "action": verdict.decision.verdict.value,
            "row": printable(verdict.decision.row),
            "resource_uri": printable(verdict.summary.resource_uri),
            "levels": [printable(level) for level in verdict.summary.verified_levels],
            "policy_digest": verdict.decision.policy.digest,
            "decided_at": verdict.decision.decided_at.isoformat().replace("+00:00", "Z"),
            "artifact_digest": f"sha256:{verdict.decision.artifact.digest}",
        },
    }
