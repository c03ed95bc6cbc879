"""gatekeeper: admission control for open-weight models and LoRA adapters.

One line, one direction::

    reference ─sources→ Artifact ─checks→ Evidence ─policy→ Decision ─report→ files

- `sources` turn a reference into an `Artifact`: exactly the bytes that it names, hashed by us.
- `checks` look at an artifact and give `Evidence`: findings, facts, and what could not be looked at.
- `policy` decides by the deployer's table: allow, audit, patch, escalate or discard.
- `report` renders the `Attestation` of all that; no view computes a verdict.

The line in eight lines::

    from gatekeeper.gate import gate

    attestation = gate("hf://org/name@0123456789abcdef0123456789abcdef01234567")
    print(attestation.verdict.action, "because", attestation.verdict.because)
    for finding in attestation.findings:
        print(finding.severity.label, finding.id, finding.location.path)
    for omission in attestation.not_checked:
        print("not checked:", omission.what, omission.why)

Where models are loaded, `pinned` gives what the lock pins, with nothing but the standard library::

    from gatekeeper import pinned

    model = pinned("org/name")
    AutoModel.from_pretrained(model.id, **model.kwargs)

Importing this package loads nothing heavy.
"""

from __future__ import annotations

__version__ = "0.1.0"
__all__ = ["pinned"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gatekeeper.pins import pinned


def __getattr__(name: str) -> object:
    """Import `pinned` when it is asked for."""
    if name != "pinned":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from gatekeeper.pins import pinned

    return pinned
