"""The rules of `files/model-code`."""

from __future__ import annotations

from gatekeeper.checks.check import Rule
from gatekeeper.evidence import Hazard, Severity

_REFUSE = "Don't load it; ask the publisher for weights without code."
_LOOK = "Find out what it is and why it is there; waive it with the reason, or refuse the file."
_REFETCH = "Fetch the file again; if it is the same, refuse it."
_ISOLATE = "Ask the publisher for weights without code, or run it where it can reach nothing."
_BRING = "Install the code from a source that you trust and have read; the file does not hold it."


def _payload(slug: str, title: str) -> Rule:
    return Rule(slug=slug, title=title, severity=Severity.CRITICAL, hazard=Hazard.PAYLOAD, mend=_REFUSE)


def _suspicious(slug: str, title: str, mend: str = _LOOK) -> Rule:
    return Rule(slug=slug, title=title, severity=Severity.HIGH, hazard=Hazard.SUSPICIOUS, mend=mend)


def _unverified(slug: str, title: str, mend: str = _BRING) -> Rule:
    return Rule(slug=slug, title=title, severity=Severity.MEDIUM, hazard=Hazard.UNVERIFIED, mend=mend)


RULES: tuple[Rule, ...] = (
    _payload("keras-lambda", "A Keras file holds the code of a function"),
    _payload("keras-runs", "A Keras configuration calls what is no part of a model"),
    _payload("keras-loader", "A Keras layer loads another model by itself"),
    _suspicious("keras-foreign", "A Keras configuration imports from another library"),
    _suspicious("keras-reads-file", "A Keras layer reads a file or an address when it is made"),
    _suspicious("keras-config", "A Keras configuration can't be read", _REFETCH),
    _unverified("keras-custom", "A Keras file names a class that it does not hold"),
    _suspicious("hdf5-elsewhere", "An HDF5 file takes data from other files"),
    _suspicious("hdf5-span", "A dataset does not lie where the HDF5 file says", _REFETCH),
    _suspicious("hdf5-bomb", "An HDF5 file unfolds to far more than it holds", _REFUSE),
    _payload("tensorflow-writes", "A TensorFlow graph writes files"),
    _suspicious("tensorflow-runs", "A TensorFlow graph calls code outside it"),
    _suspicious("tensorflow-reads", "A TensorFlow graph reads files"),
    _suspicious("tensorflow-network", "A TensorFlow graph talks to other machines"),
    Rule(slug="tensorflow-table", title="A TensorFlow graph reads a vocabulary", severity=Severity.LOW,
         hazard=Hazard.NONE, mend="See that the file is one of the model's own assets."),
    _unverified("tensorflow-unknown", "A TensorFlow graph has operators that nobody reviewed"),
    _suspicious("torchscript-reaches", "TorchScript code reaches for files or other processes"),
    _unverified("torchscript-custom", "TorchScript code needs a library that the file does not hold"),
    _unverified("torchscript-program", "A TorchScript file is a program", _ISOLATE),
    _suspicious("exported-reaches", "An exported program reaches for files or other processes"),
    _unverified("exported-custom", "An exported program needs a library that the file does not hold"),
    _payload("skops-runs", "A skops file imports what runs commands or code"),
    _suspicious("skops-foreign", "A skops file names a function that honest files don't"),
    _suspicious("skops-schema", "A skops file has no readable schema", _REFETCH),
    _unverified("skops-custom", "A skops file names a type that nobody reviewed"),
)  # fmt: skip
