"""Folders to be signed, and signatures over them by model_signing, the format's own tool."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

from gatekeeper import sources
from gatekeeper.artifact import Artifact
from gatekeeper.signers import TrustedSigner
from gatekeeper.signing import PAYLOAD_TYPE, Envelope, pae, wrap
from gatekeeper.signing.envelope import Signature
from gatekeeper.signing.oms import manifest_of, statement_of
from gatekeeper.signing.statement import statement_json
from tests.support.hub_artifacts import folder as folder_artifact
from tests.support.signing import Issued, KeyPair, key_pair


def model(root: Path, files: int = 6) -> Path:
    """Make a folder with subfolders, an empty file, names beyond ASCII and, with 30 files, some of everything."""
    folder = root / "tiny"
    (folder / "onnx" / "deep").mkdir(parents=True)
    (folder / "config.json").write_bytes(b'{"model_type": "bert"}')
    (folder / "model.safetensors").write_bytes(b"\x02\0\0\0\0\0\0\0{}")
    (folder / "README.md").write_bytes(b"# tiny\n")
    (folder / "empty.txt").write_bytes(b"")
    (folder / "onnx" / "mod\u00e8le \u6a21.onnx").write_bytes(b"\x08\x07")
    (folder / "onnx.txt").write_bytes(b"sorts after onnx/ by parts, before it as text")
    for number in range(files - 6):
        (folder / "onnx" / "deep" / f"part-{number:02}.bin").write_bytes(bytes([number]) * number)
    return folder


def opened(folder: Path, *, exclude: Sequence[str] = ()) -> AbstractContextManager[Artifact]:
    return sources.open_artifact(sources.parse(str(folder)), sources.SourceOptions(exclude=tuple(exclude)))


def by_key(pair: KeyPair | None = None, **changes: Any) -> TrustedSigner:
    return replace(TrustedSigner(name="acme", key=(pair or key_pair()).public.decode()), **changes)


def by_root(pem: bytes, **changes: Any) -> TrustedSigner:
    return replace(TrustedSigner(name="acme", certificates=pem.decode()), **changes)


def sign_as_oracle(folder: Path, signer: KeyPair | Issued, hashing: Any = None) -> Path:
    """Let model_signing sign a folder."""
    from model_signing import hashing as oracle_hashing
    from model_signing import signing

    keys = folder.parent
    config = signing.Config()
    if isinstance(signer, KeyPair):
        config.use_elliptic_key_signer(private_key=signer.write(keys)[0])
    else:
        for name, data in (("k", signer.key_pem), ("c", signer.certificate_pem), ("chain", signer.chain_pem)):
            (keys / f"{name}.pem").write_bytes(data)
        config.use_certificate_signer(
            private_key=keys / "k.pem", signing_certificate=keys / "c.pem", certificate_chain=[keys / "chain.pem"]
        )
    hashing = hashing or oracle_hashing.Config().set_ignored_paths(paths=["model.sig"])
    config.set_hashing_config(hashing).sign(folder, folder / "model.sig")
    return folder / "model.sig"


def statement(manifest: Any, **changes: Any) -> dict[str, Any]:
    """Give a manifest's statement as plain JSON, to be bent."""
    document: dict[str, Any] = json.loads(statement_json(statement_of(manifest)))
    document.update(changes)
    return document


def signed(payload: bytes, pair: KeyPair | None = None) -> bytes:
    """Put any payload into a bundle that holds."""
    pair = pair or key_pair()
    value = pair.signer.sign(pae(PAYLOAD_TYPE, payload))
    signature = Signature(key_id=pair.signer.key_id, value=value)
    envelope = Envelope(payload_type=PAYLOAD_TYPE, payload=payload, signatures=(signature,))
    return wrap(envelope, pair.signer.key_id).encode()


def bundle(artifact: Artifact, pair: KeyPair | None = None) -> bytes:
    """Sign the files of an artifact."""
    digests = [(str(file.path), file.sha256 or "") for file in artifact.files]
    return signed(statement_json(statement_of(manifest_of("tiny", digests, follows_links=False))), pair)


def plain(*files: Any, **changes: Any) -> Artifact:
    """Give an artifact with these files."""
    return folder_artifact(files=tuple(sorted(files, key=lambda each: str(each.path))), **changes)
