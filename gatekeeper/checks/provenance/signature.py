"""`provenance/signature`: whether somebody whom the deployer trusts signed exactly these files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from types import MappingProxyType
from typing import ClassVar

from gatekeeper.artifact import Artifact
from gatekeeper.checks.check import Check, Context, Outcome, Rule
from gatekeeper.checks.provenance.names import listed, publishers_of
from gatekeeper.errors import InputError, LimitError, Refusal, SignatureError
from gatekeeper.evidence import FactValue, Finding, Gap, Hazard, Severity, Strength
from gatekeeper.signers import TrustedSigner
from gatekeeper.signing.keyless import KeylessUnavailableError
from gatekeeper.signing.oms import SIGNATURE_NAME
from gatekeeper.signing.oms_files import Difference, DifferenceKind, differences
from gatekeeper.signing.oms_verify import Verified, claimed_manifest, verify_model_signature
from gatekeeper.text import plural, printable

_OTHER_ENDINGS = (".sig", ".sigstore", ".sigstore.json", ".sigstore.bundle")
_MOST = 50
"""Findings of one rule; a hostile repo can add twenty thousand files."""

_RULES = {
    DifferenceKind.CHANGED: "changed-file",
    DifferenceKind.MISSING: "missing-signed-file",
    DifferenceKind.EXTRA: "extra-unsigned-file",
    DifferenceKind.IGNORED: "ignores-loadable",
    DifferenceKind.OVERLOOKED: "ignores-files",
    DifferenceKind.LEFT_OUT: "not-covered",
}
_ALTERED = frozenset({DifferenceKind.CHANGED, DifferenceKind.MISSING, DifferenceKind.EXTRA})

_REFUSALS = {
    Refusal.BAD_SIGNATURE: "invalid",
    Refusal.OTHER_TYPE: "other-format",
    Refusal.OUTDATED: "outdated-certificate",
    Refusal.OTHER_USE: "refused-certificate",
    Refusal.UNPROVEN: "refused-certificate",
}
"""Why a signature is not believed → rule; all others are `unreadable`."""


class Signature(Check):
    """Somebody whom the deployer trusts signed exactly these files.

    What it looks at:
        `model.sig` (OpenSSF Model Signing, version 1) against the policy's signers: keys, certificates that lead to
        trusted roots, and keyless identities. Then every file against the signed list: other bytes, files that are
        missing or were added, and files that the signer's own ignore list leaves out although a loader may read them.

    Why it matters:
        Who holds a publisher's account, or the Hub itself, can change a repo and everything that is said about it,
        but can't sign in the publisher's name. It is the only strong evidence of where a model comes from.

    What it cannot see:
        When it was signed: certificates must be valid today. Whether a certificate was revoked, as no network is
        asked. Empty files, when a signer hashed slices instead of files. Which of its models a signer meant: the name
        in a signature is free text. Whether what was signed is harmless. Signatures in other formats.

    How to mend:
        Fetch the model again from its publisher. Add a signer to the policy only after having its key or identity
        from another channel than the repo itself.
    """

    id = "provenance/signature"
    title = "The publisher's signature"
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(slug="invalid", title="The signature of a trusted signer does not hold", severity=Severity.CRITICAL,
             hazard=Hazard.TAMPERED, strength=Strength.CRYPTOGRAPHIC,
             mend="Don't load it; fetch it again from the publisher, and report it if it persists."),
        Rule(slug="changed-file", title="A signed file has other bytes", severity=Severity.CRITICAL,
             hazard=Hazard.TAMPERED, strength=Strength.CRYPTOGRAPHIC,
             mend="Don't load it; fetch it again from the publisher, and report it if it persists."),
        Rule(slug="extra-unsigned-file", title="A file was added to what is signed", severity=Severity.CRITICAL,
             hazard=Hazard.TAMPERED, strength=Strength.CRYPTOGRAPHIC,
             mend="Delete the file, or ask the publisher to sign the model with it."),
        Rule(slug="missing-signed-file", title="A signed file is not there", severity=Severity.HIGH,
             hazard=Hazard.TAMPERED, strength=Strength.CRYPTOGRAPHIC,
             mend="Fetch the whole model; what you leave out yourself goes into --exclude."),
        Rule(slug="ignores-loadable", title="The signer's ignore list covers a file that a loader may read",
             severity=Severity.HIGH, hazard=Hazard.SUSPICIOUS, strength=Strength.CRYPTOGRAPHIC,
             mend="Leave the file out with --exclude, or ask the publisher to sign it too."),
        Rule(slug="unreadable", title="The signature can't be read", severity=Severity.HIGH,
             hazard=Hazard.SUSPICIOUS,
             mend="Fetch model.sig again, or ask the publisher to sign with model_signing 1.0 or newer."),
        Rule(slug="refused-certificate", title="What should prove the signer's identity is not believed",
             severity=Severity.HIGH, hazard=Hazard.SUSPICIOUS, strength=Strength.CRYPTOGRAPHIC,
             mend="Ask the publisher to sign again with a certificate for signing code."),
        Rule(slug="outdated-certificate", title="The signer's certificate is outside its validity",
             severity=Severity.MEDIUM, hazard=Hazard.UNVERIFIED, strength=Strength.CRYPTOGRAPHIC,
             mend="Ask the publisher to sign again: nothing proves that it signed in time."),
        Rule(slug="other-publisher", title="A trusted signer signed another publisher's model",
             severity=Severity.MEDIUM, hazard=Hazard.UNVERIFIED, strength=Strength.CRYPTOGRAPHIC,
             mend="Take the model from the signer's own organisation, or let the policy's signer sign for this one."),
        Rule(slug="unknown-differs", title="Files are not those that an unknown signer's signature lists",
             severity=Severity.MEDIUM, hazard=Hazard.UNVERIFIED,
             mend="Ask the publisher whether the signature is out of date."),
        Rule(slug="unknown-signer", title="A signature of nobody whom the policy trusts", severity=Severity.INFO,
             hazard=Hazard.NONE,
             mend="If you trust the publisher, get its key or identity from another channel and add it to the policy."),
        Rule(slug="not-covered", title="A signed file was left out", severity=Severity.INFO, hazard=Hazard.NONE,
             mend="Nothing: the signature was held against the files that stay."),
        Rule(slug="ignores-files", title="The signer's ignore list covers a file that no loader reads",
             severity=Severity.INFO, hazard=Hazard.NONE, strength=Strength.CRYPTOGRAPHIC,
             mend="Read the file as nobody's word."),
        Rule(slug="other-format", title="A signature in a format that is not read", severity=Severity.INFO,
             hazard=Hazard.NONE, mend="Ask the publisher for a model.sig of model_signing 1.0 or newer."),
    )  # fmt: skip
    facts = ("signature.status", "signature.trusted", "signature.signer")
    not_applicable_facts = MappingProxyType(
        {"signature.status": "none", "signature.trusted": False, "signature.signer": ""}
    )

    def not_applicable(self, artifact: Artifact, context: Context) -> str:
        """Without any signature there is nothing to look at."""
        return "" if _is_signed(artifact) or any(_others(artifact)) else "there is no signature"

    def run(self, artifact: Artifact, context: Context) -> Outcome:
        """Verify the signature, then hold every file against it."""
        others = tuple(
            self.finding("other-format", f"{printable(path)} may be a signature; it was not read.", path=path)
            for path in list(_others(artifact))[:_MOST]
        )
        if not _is_signed(artifact):
            return Outcome(findings=others, facts=self.not_applicable_facts)
        file = artifact.file(SIGNATURE_NAME)
        if file is None:
            return _unknown(f"{SIGNATURE_NAME} was left out by --exclude", findings=others)
        if artifact.metadata_only or file.sha256 is None:
            return _unknown("files were not downloaded, so that the signature was not held against them", others)
        try:
            data = file.content.read(context.limits.publisher_signature_bytes)
            verified = verify_model_signature(data, _in_turn(artifact, context.signers), context.now)
        except SignatureError as error:
            return self._refused(error, data, artifact, others)
        except LimitError as error:
            finding = self.finding(
                "unreadable", f"{SIGNATURE_NAME}: {error.message} (publisher_signature_bytes).", path=SIGNATURE_NAME
            )
            return Outcome(findings=(finding, *others), facts=_facts("unknown"))
        except (KeylessUnavailableError, InputError) as error:
            return _unknown(str(error), others)
        return self._held(verified, artifact, context, others)

    def _held(self, verified: Verified, artifact: Artifact, context: Context, others: tuple[Finding, ...]) -> Outcome:
        """Judge files against a signature that holds."""
        left_out = {each.path for each in artifact.excluded}
        found = differences(verified.manifest, artifact.files, left_out=left_out, progress=context.progress)
        findings = (*self._different(found), *others)
        gaps = tuple(
            Gap(reason="signed files could not be held against the signature: " + each.words, path=each.path)
            for each in found
            if each.kind is DifferenceKind.UNREAD
        )[:_MOST]
        kinds = {each.kind for each in found}
        if kinds & _ALTERED:
            return Outcome(findings=findings, gaps=gaps, facts=_facts("invalid"))
        if gaps or DifferenceKind.IGNORED in kinds:
            return Outcome(findings=findings, gaps=gaps, facts=_facts("unknown"))
        name = printable(verified.signer.name)
        if _signs_for(verified.signer, artifact):
            return Outcome(findings=findings, facts=_facts("valid", signer=name, trusted=True))
        publisher = publishers_of(artifact)[0] or artifact.reference.name
        allowed = ", ".join(printable(each, 40) for each in verified.signer.publishers)
        message = f"{name} signed it, whom the policy trusts for {allowed} and not for {printable(publisher)}."
        elsewhere = self.finding("other-publisher", message, path=SIGNATURE_NAME)
        return Outcome(findings=(elsewhere, *findings), facts=_facts("valid", signer=name))

    def _different(self, found: Iterable[Difference]) -> Iterator[Finding]:
        told: Counter[str] = Counter()
        for each in found:
            slug = _RULES.get(each.kind)
            if slug is None:
                continue
            told[slug] += 1
            if told[slug] <= _MOST:
                yield self.finding(slug, f"{each.words}.", path=each.path)
        for slug, count in told.items():
            if count > _MOST:
                yield self.finding(slug, f"The same holds for {plural(count - _MOST, 'more file')}.")

    def _refused(self, error: SignatureError, data: bytes, artifact: Artifact, others: tuple[Finding, ...]) -> Outcome:
        """Judge a signature that does not count."""
        if error.refusal is Refusal.OTHER_KEY:
            return Outcome(findings=(*self._of_nobody(error, data, artifact), *others), facts=_facts("unknown"))
        slug = _REFUSALS.get(error.refusal, "unreadable")
        finding = self.finding(slug, f"{SIGNATURE_NAME}: {error.message}.", path=SIGNATURE_NAME)
        return Outcome(findings=(finding, *others), facts=_facts("invalid" if slug == "invalid" else "unknown"))

    def _of_nobody(self, error: SignatureError, data: bytes, artifact: Artifact) -> Iterator[Finding]:
        """Tell what can be told of a signature whose signer is unknown."""
        try:
            manifest = claimed_manifest(data)
        except SignatureError as broken:
            slug = "other-format" if broken.refusal is Refusal.OTHER_TYPE else "unreadable"
            yield self.finding(slug, f"{SIGNATURE_NAME}: {broken.message}.", path=SIGNATURE_NAME)
            return
        yield self.finding("unknown-signer", f"{SIGNATURE_NAME}: {error.message}.", path=SIGNATURE_NAME)
        # Reading all bytes again is not worth it for a list that anybody may have written.
        if manifest.shard_bytes or manifest.hash != "sha256":
            return
        left_out = {each.path for each in artifact.excluded}
        found = [each for each in differences(manifest, artifact.files, left_out=left_out) if each.kind in _ALTERED]
        if found:
            more = f", and {plural(len(found) - 1, 'more file')} differ" if len(found) > 1 else ""
            message = f"By that signature's own list, {found[0].words}{more}."
            yield self.finding("unknown-differs", message, path=found[0].path)


def _facts(status: str, *, signer: str = "", trusted: bool = False) -> dict[str, FactValue]:
    return {"signature.status": status, "signature.trusted": trusted, "signature.signer": signer}


def _unknown(reason: str, findings: tuple[Finding, ...] = ()) -> Outcome:
    gap = Gap(reason=reason, path=SIGNATURE_NAME)
    return Outcome(findings=findings, gaps=(gap,), facts=_facts("unknown"))


def _is_signed(artifact: Artifact) -> bool:
    return artifact.file(SIGNATURE_NAME) is not None or any(each.path == SIGNATURE_NAME for each in artifact.excluded)


def _others(artifact: Artifact) -> Iterator[str]:
    """Give files whose names say that they are signatures, and that are not looked into."""
    paths = (str(file.path) for file in artifact.files)
    return (path for path in paths if path != SIGNATURE_NAME and path.lower().endswith(_OTHER_ENDINGS))


def _signs_for(signer: TrustedSigner, artifact: Artifact) -> bool:
    """Whether a signer may sign this: a folder or a file claims no publisher that could be contradicted."""
    publishers = publishers_of(artifact)[:1]  # whose bytes they are, where a redirect was followed
    return not signer.publishers or all(listed(each, signer.publishers) for each in publishers)


def _in_turn(artifact: Artifact, signers: tuple[TrustedSigner, ...]) -> list[TrustedSigner]:
    """Those who may sign this model first: one key may stand for several organisations under several names."""
    return sorted(signers, key=lambda each: not _signs_for(each, artifact))
