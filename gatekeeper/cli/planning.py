"""`gatekeeper patch --plan`: what a repair would cost, without loading a weight."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from gatekeeper.cli.layout import entry
from gatekeeper.cli.line import Settings, load_policy, refuse_own_settings, source_options
from gatekeeper.cli.progress import choose
from gatekeeper.errors import InputError
from gatekeeper.limits import DEFAULT_LIMITS, GIB, MIB
from gatekeeper.text import printable

if TYPE_CHECKING:
    from gatekeeper.patch import Plan

_CONFIG = "config.json"

_HEDGES = (
    "Computed from config.json by the formulas in docs/patcher.md, for prompts of 64 tokens and every pass needed, "
    "each with twice the steps of the last.",
    "Measured is the rate of the CPU alone, on models of 135 million weights. GPU rates are 40 % of what makers name; "
    "prices are round figures.",
    "This version runs LoRA, on one device or laid over all (`--device all`), of which one works at a time. "
    "Several processes (torchrun, accelerate launch) share the work where each can hold the model. QLoRA is planned "
    "for and not run.",
)


def show_plan(settings: Settings, *, passes: int | None) -> int:
    """Print a plan for the model that the settings name; give the exit code."""
    from dataclasses import replace

    from gatekeeper import patch, sources

    refuse_own_settings(settings.reference)
    allowed = load_policy(settings.policy).thresholds.patch_passes
    reference = sources.parse(settings.reference, revision=settings.revision)
    options = replace(source_options(settings), metadata_only=True)
    progress = choose(quiet=settings.quiet or settings.format == "json")
    with sources.open_artifact(reference, options, progress) as artifact:
        file = artifact.file(_CONFIG)
        if file is None:
            raise InputError(
                f"{printable(settings.reference)} has no {_CONFIG}", hint="a plan needs the configuration alone"
            )
        data = file.content.read(DEFAULT_LIMITS.json_bytes)
    shape = patch.shape_of(_parsed(data))
    made = patch.plan(shape, patch.defaults(shape.parameters), passes or allowed)
    if settings.format == "json":
        click.echo(json.dumps(_document(made), indent=2))
    else:
        _print(made, settings.reference)
    return 0


def _parsed(data: bytes) -> dict[str, Any]:
    from gatekeeper.parsing import ParseError, load_json_object

    try:
        return load_json_object(data, depth=DEFAULT_LIMITS.json_depth)
    except ParseError as error:
        raise InputError(f"{_CONFIG} can't be read: {error}") from error


def _document(made: Plan) -> dict[str, Any]:
    whole = asdict(made)
    for estimate in whole["estimates"]:
        if math.isinf(estimate["seconds"]):
            estimate["seconds"] = None
    return {**whole, "notes": list(_HEDGES)}


def _print(made: Plan, reference: str) -> None:
    shape = made.shape
    click.echo(click.style(f"Plan for {printable(reference)}", bold=True))
    active = "" if shape.active == shape.parameters else f", {_weights(shape.active)} of them active"
    entry("  model    ", f"{shape.kind}, {_weights(shape.parameters)} weights{active}")
    steps = " + ".join(str(count) for count in made.passes)
    entry("  passes   ", f"{len(made.passes)}, of {steps} steps, {made.step_tokens:,} tokens each")
    entry("  adapter  ", f"{_weights(made.adapter)} weights, all linear modules, first pass")
    method = ""
    for each in made.estimates:
        if each.method != method:
            method = each.method
            click.echo(click.style(f"\n{method}  {_bytes(each.memory)} in all", bold=True))
        if not each.count:
            entry(f"  {each.device.name:<14}", each.setting)
            continue
        cost = "" if each.dollars is None else f", about ${max(each.dollars, 0.01):,.2f}"
        entry(f"  {each.device.name:<14}", f"{_time(each.seconds)}{cost}; {each.setting}")
    click.echo()
    for hedge in _HEDGES:
        entry("  - ", hedge)


def _weights(count: int) -> str:
    return f"{count / 1e9:,.2f} billion" if count >= 1e9 else f"{count / 1e6:,.2f} million"


def _bytes(count: int) -> str:
    return f"{count / GIB:,.1f} GiB" if count >= GIB else f"{count / MIB:,.0f} MiB"


def _time(seconds: float) -> str:
    if seconds < 60:
        return "under a minute"
    return f"{round(seconds / 60):,} min" if seconds < 7200 else f"{seconds / 3600:,.1f} h"
