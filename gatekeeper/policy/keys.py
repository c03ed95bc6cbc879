"""The keys in a policy: whose signatures count, on models (`signers`) and under approvals (`approvers`).

Every key is read when the policy loads, so that a damaged or a wrong one is an error with a place and not a signature
that never holds. A file that is named has its bytes in the policy's digest.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Literal, TypeVar

from gatekeeper.errors import InputError, PolicyError
from gatekeeper.limits import DEFAULT_LIMITS
from gatekeeper.policy.beside import read_beside
from gatekeeper.policy.document import Document, Path
from gatekeeper.policy.overlay import Layer
from gatekeeper.policy.schema import Approver as ApproverModel
from gatekeeper.policy.schema import Pem, PolicyDocument
from gatekeeper.policy.schema import Signer as SignerModel
from gatekeeper.signers import Approver, TrustedSigner
from gatekeeper.text import printable

_BEGIN = re.compile(r"^-----BEGIN ([^\n]{0,60}?)-----\s*$", re.MULTILINE)

Named = TypeVar("Named", SignerModel, ApproverModel)


def read_pems(document: Document, content: PolicyDocument) -> dict[Path, bytes]:
    """Read the files with keys that a policy names.

    Args:
        document: Says where the policy lies; paths are relative to that.
        content: The same, validated.

    Returns:
        Place in the document → bytes, in the order of signers and then approvers.

    Raises:
        PolicyError: When one can't be read.
    """
    return {
        where: read_beside(document, (*where, "file"), pem.file, limit=DEFAULT_LIMITS.key_bytes, field="key_bytes")
        for where, pem in _pems(content)
        if pem.file is not None
    }


def trusted_signers(layers: Iterable[Layer]) -> tuple[TrustedSigner, ...]:
    """Lay the signers of all layers over each other, the base's first; one of the same name replaces it in its place.

    Raises:
        PolicyError: When a name stands twice in one file, or a signer says not exactly one way to know it.
    """
    found: dict[str, TrustedSigner] = {}
    for layer in layers:
        names = _names(layer, "signers", layer.content.signers)
        found |= {name: _signer(layer, ("signers", index)) for index, name in enumerate(names)}
    return tuple(found.values())


def listed_approvers(layers: Iterable[Layer]) -> tuple[Approver, ...]:
    """Lay the approvers of all layers over each other, as `trusted_signers` does.

    Raises:
        PolicyError: When a name stands twice in one file, or a key can't be used.
    """
    from gatekeeper.signing import VERDICT_CURVES

    found: dict[str, Approver] = {}
    for layer in layers:
        for index, name in enumerate(_names(layer, "approvers", layer.content.approvers)):
            pem = layer.content.approvers[index].key
            found[name] = Approver(name=name, key=_key(layer, ("approvers", index, "key"), pem, VERDICT_CURVES))
    return tuple(found.values())


def _pems(content: PolicyDocument) -> Iterator[tuple[Path, Pem]]:
    for index, signer in enumerate(content.signers):
        if signer.key:
            yield ("signers", index, "key"), signer.key
        if signer.certificates:
            yield ("signers", index, "certificates"), signer.certificates
    for index, approver in enumerate(content.approvers):
        yield ("approvers", index, "key"), approver.key


def _names(layer: Layer, part: Literal["signers", "approvers"], entries: list[Named]) -> list[str]:
    """Give the names in their order; each must be one that can be told from the others when it is seen."""
    names: list[str] = []
    for index, entry in enumerate(entries):
        where: Path = (part, index, "name")
        if printable(entry.name) != entry.name or entry.name != entry.name.strip():
            raise layer.document.error(f"{printable(entry.name)!r} has characters that can't be seen", where)
        if entry.name in names:
            raise layer.document.error(f"the name `{entry.name}` stands twice among the {part}", where)
        names.append(entry.name)
    return names


def _signer(layer: Layer, where: tuple[str, int]) -> TrustedSigner:
    from gatekeeper.signing import PUBLISHER_CURVES

    content = layer.content.signers[where[1]]
    ways = [way for way in ("key", "certificates", "identity") if getattr(content, way) is not None]
    if len(ways) != 1:
        said = " and ".join(ways) or "none of them"
        raise layer.document.error(f"a signer has exactly one of key, certificates and identity, not {said}", where)
    if (content.identity is None) != (content.issuer is None):
        hint = "anybody can have any identity vouched for by an issuer of their own"
        raise layer.document.error("identity and issuer go together", where, hint=hint)
    key, certificates = content.key, content.certificates
    return TrustedSigner(
        name=content.name,
        key=_key(layer, (*where, "key"), key, PUBLISHER_CURVES) if key else "",
        certificates=_certificates(layer, (*where, "certificates"), certificates) if certificates else "",
        identity=content.identity or "",
        issuer=content.issuer or "",
        publishers=tuple(sorted(set(content.publishers))),
    )


def _key(layer: Layer, where: Path, pem: Pem, curves: tuple[str, ...]) -> str:
    from gatekeeper.signing import load_public_key

    try:
        return load_public_key(_text(layer, where, pem), curves=curves).pem
    except InputError as error:
        raise _wrong(layer, where, error.message, error.hint) from error


def _certificates(layer: Layer, where: Path, pem: Pem) -> str:
    from cryptography.x509 import load_pem_x509_certificates

    data = _text(layer, where, pem)
    text = data.decode("ascii", "replace")
    labels = set(_BEGIN.findall(text))
    if labels != {"CERTIFICATE"}:
        found = f"PEM of {printable(' and '.join(sorted(labels)), 80)}" if labels else "no PEM block"
        raise _wrong(layer, where, f"certificates in PEM were expected, and this is {found}", "")
    try:
        load_pem_x509_certificates(data)
    except ValueError as error:
        message = "the certificates can't be read: their PEM is damaged"
        raise _wrong(layer, where, message, "copy them again") from error
    return text


def _text(layer: Layer, where: Path, pem: Pem) -> bytes:
    if (pem.pem is None) == (pem.file is None):
        raise layer.document.error("give the PEM itself, or {file: PATH}", where)
    return layer.pems[where] if pem.pem is None else pem.pem.encode("utf-8", "surrogatepass")


def _wrong(layer: Layer, where: Path, message: str, hint: str) -> PolicyError:
    return layer.document.error(f"`{'.'.join(str(part) for part in where)}`: {message}", where, hint=hint)
