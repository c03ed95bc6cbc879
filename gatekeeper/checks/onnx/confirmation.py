"""What running a detector says: for one suspicion, whether its decision fires."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Confirmation:
    """What became of one suspicion when the detector behind it was run by itself."""

    suspicion: int
    """Index in what the taint rule said of the same graph."""

    fires: bool = False
    """The gate had one value on all ordinary inputs, and another on one that was looked for, by the detector's
    constants first."""

    ordinary: int = 0
    """Ordinary inputs that were run."""

    tried: int = 0
    """Further inputs that were run: made of the detector's constants, then more ordinary ones."""

    witness: str = ""
    """An input on which it fires, shortened. Hostile text: names come from the file."""

    untried: str = ""
    """Why it could not be run; empty when it was. Quotes no text from the file."""
