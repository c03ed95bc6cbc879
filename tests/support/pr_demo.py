"""Three pull requests, judged by the action's own steps: `python -m tests.support.pr_demo` plays and prints them.

`--write` puts what was printed into docs/pull-requests.md, between its markers.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tests.support.action_jobs import Asked, judge, sarif_places
from tests.support.action_runner import ROOT, Ran, Step
from tests.support.sample_pull_requests import SAMPLES, PullRequest, Sample, git, opened

PAGE = ROOT / "docs" / "pull-requests.md"
_QUOTING = re.compile(r"^::(stop-commands::)?[0-9a-f]{32}(::)?\n", re.MULTILINE)


def play(sample: Sample, work: Path) -> tuple[PullRequest, Ran]:
    """Open one of the pull requests in an empty folder, and let the action judge it."""
    pull = opened(work, {sample.path: sample.text})
    return pull, judge(pull, work / "temp", Asked(inputs={"sarif": "true"}, faults=sample.faults))


def transcript(sample: Sample, pull: PullRequest, ran: Ran, work: Path) -> str:
    """Tell of one pull request: its diff, the steps, what they printed, and where the alert points."""
    log = _QUOTING.sub("", ran.log).replace(str(work / "temp"), "$RUNNER_TEMP").strip("\n")
    places = sarif_places(ran)
    told = [f"{rule} at {path}:{line}" for rule, path, line in places] or ["no alert"]
    names = pull.workspace / sample.path
    named = names.read_text("utf-8").splitlines()[sample.line - 1].strip()
    parts = [
        f"```diff\n{_diff(pull, sample.path)}\n```",
        "The action's steps; what another's action does is recorded, not run:",
        "```text\n" + "\n".join(map(_step, ran.steps)) + "\n```",
        "What they print:",
        f"```text\n{log}\n```",
        "The first lines of the job's summary:",
        f"````markdown\n{_head(ran.summary)}\n````",
        "In code scanning:",
        "```text\n" + "\n".join(told) + f"\n{sample.path}:{sample.line} is: {named}\n```",
        f"The job ends with **{ran.code}**; `verdict` is `{ran.outputs['verdict']}`.",
    ]
    return "\n\n".join(parts)


def page(parts: Mapping[str, str], text: str) -> str:
    """Put every transcript into the page's text, between its markers."""
    for name, body in parts.items():
        pattern = rf"(<!-- begin {name} -->\n).*?(<!-- end {name} -->)"
        text, count = re.subn(pattern, lambda found, body=body: f"{found[1]}{body}\n{found[2]}", text, flags=re.DOTALL)
        assert count == 1, f"the page has {count} places for {name}"
    return text


def _diff(pull: PullRequest, path: str) -> str:
    lines = git(pull.workspace, "diff", "--unified=1", "origin/main...HEAD", "--", path).splitlines()
    return "\n".join(line for line in lines if not line.startswith(("diff ", "index ", "new file")))


def _step(step: Step) -> str:
    uses = re.sub(r"@([0-9a-f]{8})[0-9a-f]{32}$", r"@\1…", step.uses)
    outcome = f"exit {step.code}" if step.outcome == "failure" else step.outcome
    return f"{step.id:<11}{'recorded' if step.stood_in else outcome:<10}{uses}".rstrip()


def _head(summary: str) -> str:
    return summary.partition("\n### ")[0].strip()


def main() -> None:
    """Play all three."""
    parts = {}
    for name, sample in SAMPLES.items():
        with tempfile.TemporaryDirectory(prefix="gatekeeper-pr-") as made:
            work = Path(made).resolve()
            parts[name] = transcript(sample, *play(sample, work), work)
        print(f"# {sample.title}\n\n{parts[name]}\n", flush=True)
    if "--write" in sys.argv:
        PAGE.write_text(page(parts, PAGE.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
