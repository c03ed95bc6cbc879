"""Jobs of the sample repository: a pull request, the Hub that serves its models, and the action that judges it."""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gatekeeper.demo.hub import Faults, LoopbackHub
from tests.support.action_runner import ROOT, Job, Ran, installed, run_action
from tests.support.sample_pull_requests import LORA, MODEL, POLICY, PullRequest


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a job of the sample repository asks for, beside the defaults."""

    inputs: Mapping[str, str] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    github: Mapping[str, str] = field(default_factory=dict)
    event_name: str = "pull_request"
    event: Mapping[str, Any] | None = None
    """None is the pull request's."""

    faults: Faults = field(default_factory=Faults)
    endpoint: str = ""
    """Of another Hub than the sample's."""

    token: str = ""


def conclude(temp: Path, outputs: Mapping[str, str], inputs: Mapping[str, str], refused: Collection[str] = ()) -> Ran:
    """Run what comes after the gate, as if it had given these outputs."""
    temp.mkdir(parents=True, exist_ok=True)
    stand_ins = {"python": lambda: {"python-path": sys.executable}, "install": dict, "gate": lambda: dict(outputs)}
    job = Job(workspace=temp, temp=temp / "temp", event_name="pull_request")
    return run_action(ROOT, job, inputs, stand_ins, refused)


def judge(pull: PullRequest, temp: Path, asked: Asked | None = None) -> Ran:
    """Run the action on a pull request, against the sample's Hub unless another one is named."""
    asked = asked or Asked()
    temp.mkdir(parents=True, exist_ok=True)
    policy = temp / "policy.yaml"
    policy.write_text(POLICY, "utf-8")
    hub: AbstractContextManager[LoopbackHub | None] = (
        nullcontext() if asked.endpoint else LoopbackHub([MODEL, LORA], asked.faults)
    )
    with hub as served:
        env = {"HF_ENDPOINT": served.endpoint if served else asked.endpoint, **asked.env}
        job = Job(
            workspace=pull.workspace,
            temp=temp,
            event_name=asked.event_name,
            event=pull.event if asked.event is None else asked.event,
            github={**pull.github, **asked.github},
            env=env,
            token=asked.token,
        )
        stand_ins = {"python": lambda: {"python-path": sys.executable}, "install": installed(temp)}
        return run_action(ROOT, job, {"policy": str(policy), **asked.inputs}, stand_ins)


def sarif_places(ran: Ran) -> list[tuple[str, str, int]]:
    """Give rule, path and line of every result that the action wrote, worst first as they stand."""
    document = json.loads(Path(ran.outputs["sarif-file"]).read_text("utf-8"))
    places = []
    for result in document["runs"][0]["results"]:
        physical = result["locations"][0]["physicalLocation"]
        places.append((result["ruleId"], physical["artifactLocation"]["uri"], physical["region"]["startLine"]))
    return places
