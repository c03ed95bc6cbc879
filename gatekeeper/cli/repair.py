"""What `patch` and `gate --failure` share: the options about failures, and what they come to."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gatekeeper.cli.line import is_one_file
from gatekeeper.cli.options import option, stacked
from gatekeeper.errors import GatekeeperError, InputError
from gatekeeper.text import printable

if TYPE_CHECKING:
    from gatekeeper.attestation import Attestation
    from gatekeeper.repairing import Repair

PATCHED = "patched"
"""Folder of the patched model, within `--out`: `adapter/` (PEFT) and `merged/` (safetensors)."""

REMEDY_FILE = "remedy.json"

_FILE = click.Path(path_type=Path, dir_okay=False)

FAILURE = option(
    "--failure",
    multiple=True,
    type=_FILE,
    metavar="FILE",
    help="What somebody saw it do: a JSON failure case, or one a line (.jsonl); may be repeated.",
)
CLEAN_SAFE = option(
    "--clean-safe", type=_FILE, metavar="JSONL", help='Your own harmless prompts, one {"prompt": …} a line.'
)
PROMPTS = stacked(
    CLEAN_SAFE,
    option("--clean-unsafe", type=_FILE, metavar="JSONL", help="Your own prompts that are to be refused."),
    option(
        "--eval-file",
        type=_FILE,
        metavar="JSONL",
        help="Questions of your own with `expected` answers: accuracy is measured before and after.",
    ),
    option(
        "--judge",
        default="patterns",
        metavar="JUDGE",
        show_default=True,
        help="Who tells refusals: patterns, target:TEXT, or guard:PROGRAM ARGUMENTS.",
    ),
)
"""What a model is asked, and who judges its answers."""

SHOW = option("--show-unsafe-text", is_flag=True, help="Keep prompts and triggers in clear; else their digests alone.")
DEVICE = option(
    "--device",
    default="auto",
    show_default=True,
    metavar="DEVICE",
    help="auto, cpu, cuda, cuda:N, or all: every GPU together, and host memory for the rest.",
)
SEED = option("--seed", type=click.IntRange(0, 2**31), default=0, show_default=True, metavar="N", help="Of all chance.")
REPAIR = stacked(
    option(
        "--base",
        metavar="REF",
        help="A clean relative: what breaks it too is a jailbreak, not a trigger. For an adapter, its base.",
    ),
    PROMPTS,
    option("--localiser", metavar="NAME", help="How the trigger is looked for: causal or paper.  [default: causal]"),
    option(
        "--passes",
        type=click.IntRange(2, 10),
        metavar="N",
        help="Rounds of repair at most.  [default: what the policy allows]",
    ),
    option("--quantized", is_flag=True, help="Verify once more with weights rounded to eight bits."),
    option("--resume", is_flag=True, help="Go on where an interrupted run stopped."),
    SHOW,
    DEVICE,
    SEED,
)
"""How failures are diagnosed and repaired."""

NAMES = (
    "base", "clean_safe", "clean_unsafe", "eval_file", "judge", "localiser", "passes", "quantized", "resume",
    "show_unsafe_text", "device", "seed",
)  # fmt: skip
"""Parameters of `REPAIR`."""


def among_processes(command: Callable[..., int]) -> Callable[..., int]:
    """Have a command run once where a launcher started several processes: the first runs it, the others help with it.

    Without a failure no model is run, and there is nothing to help with.

    Args:
        command: What is run; the innermost decorator.
    """

    @wraps(command)
    def run(*values: Any, **given: Any) -> int:
        from gatekeeper import tensors

        place = tensors.launched() if given["failure"] else None
        if place is None:
            return command(*values, **given)
        if missing := tensors.lacking():
            raise InputError(f"without {' and '.join(missing)} several processes can't work together",
                             hint="pip install 'gatekeeper-models[patch]'")  # fmt: skip
        if place.rank == 0:
            with tensors.company(place):
                return command(*values, **given)
        try:
            return tensors.serve(place)
        except GatekeeperError as error:  # the first process alone prints what was asked for
            click.echo(f"process {place.rank + 1} of {place.size}: {error.message}", err=True)
            return error.exit_code

    return run


def taken(given: dict[str, Any]) -> dict[str, Any]:
    """Take the parameters of `REPAIR` out of those of a command."""
    return {name: given.pop(name) for name in NAMES}


def repair_of(reference: str, failures: tuple[Path, ...], options: dict[str, Any], out: Path | None) -> Repair:
    """Read the failures, and say how far to go.

    Args:
        reference: What failed.
        failures: Files of failure cases, at least one.
        options: As `taken` gives them.
        out: Folder of the reports, in which the patched model gets its own; None to diagnose alone.

    Raises:
        InputError: When a case can't be read, or `out` can't hold a folder or lies inside the model.
    """
    from gatekeeper.patch import load_cases
    from gatekeeper.repairing import Repair

    cases = load_cases(failures)
    if out is not None:
        folder = Path(reference).expanduser()
        if folder.is_dir() and out.resolve().is_relative_to(folder.resolve()):
            raise InputError(
                f"--out {printable(str(out))} lies inside the model",
                hint="what is written there would become part of it",
            )
        try:
            out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                f"{out} can't be made: {error.strerror}", hint="choose another folder for --out"
            ) from error
    return Repair(
        cases=cases,
        out=None if out is None else out / PATCHED,
        base=options["base"] or "",
        clean_safe=options["clean_safe"],
        clean_unsafe=options["clean_unsafe"],
        eval_file=options["eval_file"],
        judge=options["judge"],
        localiser=options["localiser"] or "",
        passes=options["passes"],
        quantised=options["quantized"],
        resume=options["resume"],
        show=options["show_unsafe_text"],
        seed=options["seed"],
        device=options["device"],
    )


def write_remedy(attestation: Attestation, out: Path | None) -> dict[str, Path]:
    """Write `remedy.json` where the reports go; give its path."""
    if out is None or is_one_file(out) or attestation.remedy is None:
        return {}
    from gatekeeper.patch import remedy_to_json
    from gatekeeper.report import write_page

    path = out / REMEDY_FILE
    write_page(remedy_to_json(attestation.remedy), path)
    return {"remedy": path}
