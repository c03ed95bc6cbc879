"""Whether the reference names one set of bytes for ever."""

from __future__ import annotations

import re

from gatekeeper.artifact import Artifact, PlatformRecord, Scheme
from gatekeeper.checks.check import Check, Context, Outcome, Rule
from gatekeeper.evidence import Finding, Gap, Hazard, Severity, Strength
from gatekeeper.text import printable

_COMMIT = re.compile(r"[0-9a-f]{40}")
_PULL_REQUEST = "refs/pr/"


class Revision(Check):
    """The reference names a commit of the publisher's, by its forty digits.

    What it looks at:
        The revision as it was asked for, and the commit that the Hub answered with.

    Why it matters:
        A branch or a tag can be moved after the model was judged: what is deployed is then not what was looked at.
        A revision under refs/pr/ was pushed by whoever opened the pull request, under the publisher's name.
        A local folder has no listing to hold its bytes against.

    What it cannot see:
        Whether a commit that is named by its digits lies on a branch of the publisher's: the Hub serves commits of
        pull requests by their digits too.

    How to mend:
        Write the reference with the commit, hf://org/name@<40 digits>, and change it by review.
    """

    id = "provenance/revision"
    title = "Revision of the reference"
    rules = (
        Rule(
            slug="unpinned",
            title="The reference can move",
            severity=Severity.MEDIUM,
            hazard=Hazard.UNVERIFIED,
            mend="Name the commit in the reference.",
        ),
        Rule(
            slug="pull-request",
            title="The revision is a pull request",
            severity=Severity.HIGH,
            hazard=Hazard.SUSPICIOUS,
            mend="Use a commit of the publisher's own branch; anybody can push to a pull request.",
        ),
        Rule(
            slug="other-commit",
            title="The Hub answered with another commit",
            severity=Severity.CRITICAL,
            hazard=Hazard.TAMPERED,
            strength=Strength.PLATFORM,
            mend="Don't use these bytes; check which Hub or mirror answered, and report it.",
        ),
        Rule(
            slug="local",
            title="The artifact comes from this machine",
            severity=Severity.MEDIUM,
            hazard=Hazard.UNVERIFIED,
            mend="Gate the Hub reference that the files came from, pinned to its commit.",
        ),
    )
    facts = (
        "artifact.kind",
        "source.scheme",
        "source.pinned",
        "source.pull_request",
        "source.subset",
        "source.metadata_only",
    )

    def run(self, artifact: Artifact, context: Context) -> Outcome:
        """Look at the reference and at the commit it was resolved to."""
        reference = artifact.reference
        hub = reference.scheme is Scheme.HUB
        return Outcome(
            findings=tuple(self._hub_findings(artifact)) if hub else (self._local(artifact),),
            gaps=_gaps(artifact.platform),
            facts={
                "artifact.kind": artifact.kind.value,
                "source.scheme": reference.scheme.value,
                "source.pinned": hub and reference.is_commit,
                "source.pull_request": hub and _is_pull_request(reference.revision),
                "source.subset": bool(artifact.exclude),
                "source.metadata_only": artifact.metadata_only,
            },
        )

    def _local(self, artifact: Artifact) -> Finding:
        what = "folder" if artifact.reference.scheme is Scheme.FOLDER else "file"
        return self.finding("local", f"A local {what}: there is nothing to hold its bytes against.")

    def _hub_findings(self, artifact: Artifact) -> list[Finding]:
        reference, commit = artifact.reference, artifact.commit
        revision = printable(reference.revision)
        if reference.is_commit:
            if commit == reference.revision:
                return []
            answer = printable(commit, 40)
            return [self.finding("other-commit", f"Commit {revision} was asked for, the Hub answered with {answer}.")]
        findings = []
        asked = f"revision {revision!r}" if revision else "the default branch"
        if _COMMIT.fullmatch(commit):
            pin = f"hf://{printable(reference.name)}@{commit}"
            message = f"The reference names {asked}, which is commit {commit} now. Pinned, it reads {pin}"
        else:
            message = f"The reference names {asked}; which commit that is was not told."
        findings.append(self.finding("unpinned", message))
        if _is_pull_request(reference.revision):
            message = f"The reference names {asked}, which anybody with an account can write."
            findings.append(self.finding("pull-request", message))
        return findings


def _is_pull_request(revision: str) -> bool:
    return revision.lower().startswith(_PULL_REQUEST)


def _gaps(platform: PlatformRecord | None) -> tuple[Gap, ...]:
    if platform is None or _COMMIT.fullmatch(platform.commit):
        return ()
    return (Gap(reason="the Hub did not name a commit of forty hexadecimal digits"),)
