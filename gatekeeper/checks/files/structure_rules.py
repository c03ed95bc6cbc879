"""The rules of `files/structure`, one for each way in which a file can break its format's promise."""

from __future__ import annotations

from gatekeeper.checks.check import Rule
from gatekeeper.evidence import Hazard, Severity

_REFETCH = "Fetch the file again; if it is the same, ask the publisher to write it anew with the format's own library."
_REFUSE = "Don't load it; ask the publisher for safetensors."


def _rule(slug: str, title: str, severity: Severity = Severity.HIGH, mend: str = _REFETCH) -> Rule:
    return Rule(slug=slug, title=title, severity=severity, hazard=Hazard.SUSPICIOUS, mend=mend)


RULES: tuple[Rule, ...] = (
    _rule("safetensors-truncated", "A safetensors file is cut off"),
    _rule("safetensors-header", "A safetensors header can't be read"),
    _rule("safetensors-metadata", "Safetensors metadata is not text", Severity.MEDIUM),
    _rule("safetensors-entry", "A safetensors entry is malformed"),
    _rule("safetensors-dtype", "A tensor has an unknown type"),
    _rule("safetensors-span", "A tensor's span does not fit its type and shape"),
    _rule("safetensors-overlap", "Tensors overlap"),
    _rule("safetensors-hole", "Bytes between tensors belong to none"),
    _rule("safetensors-trailing", "Bytes follow the last tensor"),
    _rule("gguf-truncated", "A GGUF file is cut off"),
    _rule("gguf-header", "A GGUF header can't be read"),
    _rule("gguf-string", "A GGUF string is too long"),
    _rule("gguf-type", "A GGUF value has an impossible type"),
    _rule("gguf-duplicate", "A GGUF key or tensor stands twice"),
    _rule("gguf-alignment", "GGUF alignment is broken"),
    _rule("gguf-shape", "A GGUF tensor has an impossible shape"),
    _rule("gguf-overlap", "GGUF tensors overlap"),
    _rule("gguf-hole", "Bytes between GGUF tensors belong to none"),
    _rule("gguf-trailing", "Bytes follow the last GGUF tensor"),
    _rule("gguf-split", "A split GGUF model is incomplete", Severity.MEDIUM),
    _rule("index-unreadable", "A shard index can't be read"),
    _rule("index-missing", "A shard of the weights is not there"),
    _rule("index-names", "A shard and its index disagree"),
    _rule("index-size", "A shard index is far off in size", Severity.MEDIUM),
    _rule("zip-truncated", "A zip archive has no readable directory"),
    _rule("zip-header", "A zip member is described in two ways", mend=_REFUSE),
    _rule("zip-duplicate", "Two zip members share a name", mend=_REFUSE),
    _rule("zip-overlap", "Zip members share bytes", mend=_REFUSE),
    _rule("zip-gap", "Bytes in a zip archive belong to no member", mend=_REFUSE),
    _rule("zip-prefix", "Bytes stand before a zip archive", mend=_REFUSE),
    _rule("zip-trailing", "Bytes follow a zip archive", mend=_REFUSE),
    _rule("zip-ambiguous", "Readers would disagree about a zip archive", mend=_REFUSE),
    _rule("zip-appended", "A zip archive hides behind another format", mend=_REFUSE),
    _rule("pickle-hidden", "A pickle hides behind another format", mend=_REFUSE),
    _rule("zip-encrypted", "A zip member is encrypted", mend=_REFUSE),
    _rule("zip-bomb", "A zip archive unpacks to far more than it takes", mend=_REFUSE),
    _rule("torch-version", "A torch archive lacks its version, or says what torch refuses"),
    _rule("torch-pickle", "A torch archive's pickle can't be read"),
    _rule("torch-storage-missing", "A storage that a torch file names is not there"),
    _rule("torch-storage-size", "A storage of a torch file has another length than its pickle says", mend=_REFUSE),
    _rule("torch-storage-extra", "A torch file holds a storage that nothing names"),
    _rule("torch-member", "A torch archive holds something that torch does not write"),
    _rule("torch-legacy-streams", "The pickles of an old torch file can't be followed"),
    _rule("torch-legacy-truncated", "An old torch file is cut off"),
    _rule("torch-legacy-storage", "The storages of an old torch file differ from what its pickle says", mend=_REFUSE),
    _rule("torch-legacy-trailing", "Bytes follow the storages of an old torch file", mend=_REFUSE),
    _rule("npy-header", "An npy header can't be read"),
    _rule("npy-truncated", "An npy file is cut off"),
    _rule("npy-trailing", "Bytes follow an npy array"),
    _rule("7z-header", "A 7z header is damaged"),
    _rule("7z-truncated", "A 7z archive is cut off"),
    _rule("7z-trailing", "Bytes follow a 7z archive", mend=_REFUSE),
    _rule("protobuf-header", "A graph or tokenizer file is broken"),
    _rule("protobuf-truncated", "A graph or tokenizer file is cut off"),
    _rule("json-truncated", "A JSON file is cut off", Severity.MEDIUM),
    _rule("table-truncated", "A table is cut off", Severity.MEDIUM),
    _rule("hdf5-header", "An HDF5 superblock can't be read"),
    _rule("hdf5-truncated", "An HDF5 file is cut off"),
    _rule("msgpack-truncated", "A msgpack file is cut off"),
    _rule("msgpack-header", "A msgpack file can't be read"),
    _rule("msgpack-type", "A msgpack value has an unknown type"),
    _rule("msgpack-array", "A msgpack array does not fit its type and shape"),
    _rule("msgpack-trailing", "Bytes follow a msgpack value"),
)
