"""How pickles and archives are walked, and what the children that do so may take."""

from __future__ import annotations

from dataclasses import dataclass

from gatekeeper.limits.units import GIB, MIB


@dataclass(frozen=True, kw_only=True)
class UnpackingLimits:
    """Bounds on pickles, archives and the children that look into them."""

    pickle_bytes: int = 64 * MIB
    """Bytes of one pickle stream that is handed to the scanners."""

    pickle_opcodes: int = 3_200_000
    """Opcodes of one file that are walked; a vocabulary of a million words takes three million."""

    pickle_memo: int = 4_000_000
    """Highest memo index of a pickle; unpicklers set aside memory up to twice the index."""

    pickle_marks: int = 10_000
    """Marks of a pickle that are open at once; the pickler itself gives up at a tenth of that."""

    pickle_depth: int = 5_000
    """Lists, tuples, sets and dictionaries in each other in a pickle."""

    pickle_unfolded: int = 1_000_000_000
    """Items that the containers of a pickle hold when whatever stands in several places is counted in each."""

    pickle_globals: int = 10_000
    """Distinct names that one pickle imports."""

    pickle_text_bytes: int = 64 * MIB
    """Characters of short texts of one pickle that are remembered while it is walked."""

    pickle_nesting: int = 4
    """Pickles in bytes of pickles that are walked."""

    pickle_streams: int = 10_000
    """Pickles one after the other in one file that are walked."""

    archive_members: int = 50_000
    """Members of all archives in one file."""

    archive_ratio: int = 200
    """Uncompressed over compressed bytes of one archive member, above `archive_free_bytes`."""

    archive_free_bytes: int = 16 * MIB
    """Uncompressed bytes of one member that are never called a bomb."""

    archive_depth: int = 3
    """Archives and compressed streams inside each other that are opened."""

    archive_opened: int = 10_000
    """Members of all archives in one file whose content is looked at; each costs a tenth of a millisecond or more."""

    archive_scanned: int = 1_000
    """Members of all archives in one file that are copied for the scanners; each costs three milliseconds or more."""

    array_bytes: int = 1 * GIB
    """Bytes that a packed array may unpack to although it takes few, when its own header asks for just these: zeros
    pack a thousandfold, and up to here a loader copes with them."""

    unpack_bytes: int = 1 * GIB
    """Work that unpacking the streams of one file may cost: bytes given by deflate; slower packers count more."""

    checksum_bytes: int = 64 * MIB
    """Bytes of zip members that are read for their checksum alone: larger files are hashed whole anyway."""

    scan_file_bytes: int = 256 * MIB
    """Bytes of a file that is handed whole to a scanner."""

    scan_opcodes: int = 400_000
    """Opcodes of all pickles in one file that are given to scanners by others, which cost five to ten microseconds
    each; an import counts as ten. What an answer depends on, so that it is the same on every machine."""

    child_cpu_seconds: int = 7
    """CPU seconds that scanning one file may cost, whatever lies in it: a net under `scan_opcodes`."""

    child_wall_seconds: float = 60
    """Wall-clock seconds of one scanner child: a net under its CPU seconds."""

    child_memory_bytes: int = 448 * MIB
    """Address space of one scanner child, in bytes; so that the whole gate stays under 600 MB."""

    child_output_bytes: int = 16 * MIB
    """Bytes that one scanner child may answer."""

    scan_seconds: int = 600
    """Wall-clock seconds of all scanner children of one artifact."""
