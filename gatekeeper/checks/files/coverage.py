"""`files/coverage`: what no check has judged, said aloud."""

from __future__ import annotations

from gatekeeper.artifact import Artifact
from gatekeeper.checks.check import Check, Context, Outcome
from gatekeeper.checks.files.formats import UNJUDGED
from gatekeeper.checks.files.identify import identities
from gatekeeper.evidence import Gap


class Coverage(Check):
    """Formats that a loader would read and no check can judge whole.

    What it looks at:
        The format of every file against the list of formats that the checks can judge.

    Why it matters:
        A file that nobody looked into is not a file in which nothing was found.

    What it cannot see:
        Whether such a file is harmful: that is why it ends unknown.

    How to mend:
        Ask for safetensors or GGUF, or have the graph reviewed by a person before deployment.
    """

    id = "files/coverage"
    title = "Every loadable file is judged by some check"

    def run(self, artifact: Artifact, context: Context) -> Outcome:
        """Name every file whose format no check can judge."""
        gaps = tuple(
            Gap(reason=UNJUDGED[identity.format], path=str(identity.file.path))
            for identity in identities(artifact, context.limits)
            if identity.format in UNJUDGED
        )
        return Outcome(gaps=gaps)
