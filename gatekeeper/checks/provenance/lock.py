"""Whether the bytes are those that the lock pins."""

from __future__ import annotations

from gatekeeper.artifact import Artifact
from gatekeeper.checks.check import Check, Context, Outcome, Rule
from gatekeeper.evidence import Gap, Hazard, Severity, Strength
from gatekeeper.lock import DriftKind, LockedModel, drift
from gatekeeper.text import printable


class Lock(Check):
    """The bytes are those that gatekeeper.lock pins.

    What it looks at:
        The digests that we computed over the bytes, the size and the path of each file, and the commit, against the
        model's entry in the lock.

    Why it matters:
        A name is no set of bytes: a branch moves, a repo is deleted and registered again by somebody else, a mirror
        answers with other files (a rug pull). What was judged once is then not what is loaded.

    What it cannot see:
        Whether what was pinned was good: the lock says that it is the same, the other checks say what it is. Whoever
        can change the lock can change what it pins, so review its changes as you review code.

    How to mend:
        Read what differs. When the change is meant, gate the new commit and pin it with `gatekeeper lock --update`.
        When the commit is the same, the bytes were exchanged behind it: don't load them, and report it.
    """

    id = "provenance/lock"
    title = "Bytes against gatekeeper.lock"
    rules = (
        Rule(
            slug="changed",
            title="A file has other bytes than the lock pins",
            severity=Severity.CRITICAL,
            hazard=Hazard.TAMPERED,
            strength=Strength.CRYPTOGRAPHIC,
            mend="When the change is meant, gate the new commit and lock it with --update; else don't load it and "
            "report it.",
        ),
        Rule(
            slug="added",
            title="A file that the lock does not know",
            severity=Severity.CRITICAL,
            hazard=Hazard.TAMPERED,
            strength=Strength.CRYPTOGRAPHIC,
            mend="Find out where the file comes from; when it is meant, lock the new commit with --update.",
        ),
        Rule(
            slug="removed",
            title="A file that the lock pins is not there",
            severity=Severity.CRITICAL,
            hazard=Hazard.TAMPERED,
            strength=Strength.CRYPTOGRAPHIC,
            mend="Fetch the pinned commit again; when the file is meant to go, lock the new commit with --update.",
        ),
        # The bytes may be the same, so nothing was tampered with; but what was judged was named by another commit.
        Rule(
            slug="other-commit",
            title="Another commit than the lock pins",
            severity=Severity.HIGH,
            hazard=Hazard.UNVERIFIED,
            mend="Load the pinned commit, or gate the new one and lock it with --update.",
        ),
    )
    facts = ("bytes.lock",)

    def not_applicable(self, artifact: Artifact, context: Context) -> str:
        """Without an entry there is nothing to compare with."""
        return "" if context.locked else "not held against a lock"

    def run(self, artifact: Artifact, context: Context) -> Outcome:
        """Compare every file with what is pinned for its path."""
        locked = context.locked
        assert locked is not None  # noqa: S101 - see `not_applicable`
        findings, gaps = [], []
        for difference in drift(locked, artifact.files):
            if difference.kind is DriftKind.UNHASHED:
                gaps.append(Gap(reason="bytes were not downloaded, so they are not compared", path=difference.path))
            else:
                message = f"{difference.words}{_behind(artifact, locked)}."
                findings.append(self.finding(difference.kind.value, message, path=difference.path))
        state = "mismatch" if findings else "unknown" if gaps else "match"
        if artifact.commit and artifact.commit != locked.commit:
            message = f"{printable(locked.id)} is pinned at {locked.commit}, this is {printable(artifact.commit, 40)}."
            findings.append(self.finding("other-commit", message))
        return Outcome(findings=tuple(findings), gaps=tuple(gaps), facts={"bytes.lock": state})


def _behind(artifact: Artifact, locked: LockedModel) -> str:
    """Say when the name stayed the same and the bytes did not."""
    return ", although the commit is the pinned one" if artifact.commit == locked.commit else ""
