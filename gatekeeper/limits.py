"""Every limit on what a hostile model repo may cost, named in one place with its unit."""

from __future__ import annotations

from dataclasses import dataclass

KIB = 2**10
MIB = 2**20
GIB = 2**30


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """Upper bounds, each refused with a finding or a `LimitError` that names the field."""

    max_files: int = 20_000
    """Files in one artifact."""

    max_file_bytes: int = 512 * GIB
    """Bytes of one file."""

    max_total_bytes: int = 4096 * GIB
    """Bytes of all files of one artifact."""

    memory_file_bytes: int = 1 * MIB
    """Files up to this many bytes are kept in memory after hashing, so that they are read once."""

    memory_total_bytes: int = 64 * MIB
    """Bytes of all files kept in memory for one artifact."""

    path_bytes: int = 1024
    """Bytes of one path inside an artifact."""

    json_bytes: int = 32 * MIB
    """Bytes of a JSON file that a check parses."""

    json_depth: int = 64
    """Nesting of a JSON document."""

    card_bytes: int = 1 * MIB
    """Bytes of YAML front matter in a model card."""

    base_models: int = 64
    """Distinct base models of one artifact that are looked at; real merges name a dozen."""

    response_bytes: int = 64 * MIB
    """Bytes of one JSON answer of the Hub."""

    listing_pages: int = 1_000
    """Pages of one Hub listing."""

    report_bytes: int = 256 * MIB
    """Bytes of a JSON report that is read back."""

    header_bytes: int = 25_000_000
    """Bytes of a safetensors or GGUF header; the Hub's own client has the same limit for safetensors."""

    tensors: int = 200_000
    """Tensors in one file."""

    pickle_bytes: int = 64 * MIB
    """Bytes of one pickle stream that is handed to the scanners."""

    archive_members: int = 100_000
    """Members of one archive."""

    archive_ratio: int = 200
    """Uncompressed over compressed bytes of one archive member, above `archive_free_bytes`."""

    archive_free_bytes: int = 16 * MIB
    """Uncompressed bytes of one member that are never called a bomb."""

    archive_depth: int = 3
    """Archives and compressed streams inside each other that are opened."""

    scan_file_bytes: int = 256 * MIB
    """Bytes of a file that is handed whole to a scanner."""

    scan_opcodes: int = 400_000
    """Opcodes of all pickles in one file that are given to scanners by others, which cost five to ten microseconds
    each; an import counts as ten. What an answer depends on, so that it is the same on every machine."""

    child_cpu_seconds: int = 5
    """CPU seconds that scanning one file may cost, whatever lies in it: a net under `scan_opcodes`."""

    child_wall_seconds: float = 60
    """Wall-clock seconds of one scanner child: a net under its CPU seconds."""

    child_memory_bytes: int = 448 * MIB
    """Address space of one scanner child, in bytes; so that the whole gate stays under 600 MB."""

    child_output_bytes: int = 16 * MIB
    """Bytes that one scanner child may answer."""

    scan_seconds: int = 600
    """Wall-clock seconds of all scanner children of one artifact."""

    retries: int = 4
    """Attempts after the first for a request that failed with 429, 5xx or a dropped connection."""

    retry_seconds: float = 0.5
    """Seconds before the first retry; each further one waits twice as long."""

    retry_after_seconds: float = 60.0
    """Longest wait, in seconds, that a Hub may ask for (`Retry-After`); when it asks for more, the run ends."""

    request_seconds: float = 30.0
    """Seconds of silence before a request counts as failed."""

    disk_reserve_bytes: int = 1 * GIB
    """Free bytes that must remain on the cache's disk after a download."""


DEFAULT_LIMITS = Limits()
