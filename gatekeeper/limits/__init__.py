"""Every limit on what a hostile model repo may cost, each named with its unit."""

from __future__ import annotations

from dataclasses import dataclass

from gatekeeper.limits.adapters import AdapterLimits
from gatekeeper.limits.graphs import GraphLimits
from gatekeeper.limits.pickles import UnpackingLimits
from gatekeeper.limits.repositories import RepositoryLimits
from gatekeeper.limits.signatures import SignatureLimits
from gatekeeper.limits.units import GIB, KIB, MIB

__all__ = ["DEFAULT_LIMITS", "GIB", "KIB", "MIB", "Limits"]


@dataclass(frozen=True, kw_only=True)
class Limits(RepositoryLimits, GraphLimits, AdapterLimits, UnpackingLimits, SignatureLimits):
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

    text_bytes: int = 32 * MIB
    """Bytes of one text that are searched for credentials; the largest tokenizers have half."""

    secret_places: int = 2_000_000
    """Places of one text that have a provider's mark and are looked at; the largest honest texts have thousands."""

    json_values: int = 300_000
    """Commas of a JSON file that a check parses, a bound on its values: the largest indexes have half of this, and
    vocabularies, which have more, are searched as text."""

    prose_bytes: int = 1 * MIB
    """Bytes of one text that are searched for hidden text and instructions; model cards have a tenth."""

    yaml_bytes: int = 4 * MIB
    """Bytes of a YAML or TOML file, or of a list of requirements, that a check reads; vocabularies take most of it."""

    yaml_events: int = 500_000
    """Parts of a YAML file that are read one by one."""

    yaml_unfolded: int = 1_000_000
    """Parts that the aliases of a YAML file may unfold to."""

    config_parts: int = 200_000
    """Objects and lists of one configuration that are looked at; values in them count for a quarter."""

    listing_bytes: int = 8 * MIB
    """Bytes of TorchScript code in one archive that are read; the largest honest ones have a tenth of this."""

    lock_bytes: int = 16 * MIB
    """Bytes of gatekeeper.lock; a hundred models of fifteen files take a hundredth of this."""

    compare_bytes: int = 64 * MIB
    """Bytes of headers, configurations and templates of one artifact that are read to tell what changed in it; those
    of the largest honest models have a quarter of this."""

    compare_changes: int = 50
    """Changes of one topic that are told one by one; the others are counted."""

    compare_lines: int = 1_000
    """Lines of a template whose difference is shown; finding it takes time that grows with their square."""

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

    audit_reports: int = 5_000
    """Reports in one audit report; that of so many can still be read back to be compared with the next."""

    audit_entries: int = 1_000_000
    """Entries of the folders that are searched for reports."""

    failure_bytes: int = 4 * MIB
    """Bytes of one file of failure cases, or of one of prompts; a context of 100,000 tokens takes half a megabyte."""

    failure_cases: int = 64
    """Failures that are diagnosed and repaired in one run."""

    load_path_bytes: int = 32 * MIB
    """Bytes of all indexes and configurations of one artifact that are read to tell which loader reads what."""

    header_bytes: int = 25_000_000
    """Bytes of a safetensors or GGUF header; the Hub's own client has the same limit for safetensors."""

    tensors: int = 200_000
    """Tensors in one file."""

    checkpoint_index_bytes: int = 4 * MIB
    """Bytes of the index of a TensorFlow checkpoint; one for a thousand tensors has a fiftieth of this, and its
    checksums cost a tenth of a second for each megabyte."""

    coreml_fields: int = 500_000
    """Fields of a Core ML model that are read one by one; one of a thousand operators has fifty thousand."""

    xml_bytes: int = 16 * MIB
    """Bytes of an XML model; OpenVINO's graphs of the largest language models have a third of this."""

    xml_elements: int = 1_000_000
    """Elements and attributes of an XML model; those of large graphs and forests have a fifth of this."""

    flatbuffer_tables: int = 60_000
    """Tables of a TFLite model that are read; the largest honest ones have a fifth of this."""

    msgpack_values: int = 2_500_000
    """Values of one part of a spaCy pipeline; the largest table of word vectors has a million."""

    fasttext_words: int = 5_000_000
    """Words in the dictionary of a fastText model; the largest published ones have two million."""

    fields: int = 1_000_000
    """Outermost fields of a protobuf file that are walked; each costs a microsecond or two."""

    convert_cpu_seconds: int = 120
    """CPU seconds of the child that converts one file, beside one for each 8 MiB of it: a net, not a budget."""

    convert_memory_bytes: int = 8 * GIB
    """Address space of that child, in bytes, beside four times the file's size: torch alone maps several GiB."""

    template_characters: int = 128 * KIB
    """Characters of one chat template; the longest honest one that is known has a quarter of this."""

    template_nodes: int = 20_000
    """Parts of one chat template's syntax tree; the largest honest one that is known has fifteen hundred."""

    templates: int = 64
    """Chat templates of one file; tokenizers with tools and roles have a handful."""

    templates_characters: int = 256 * KIB
    """Characters of all chat templates of one artifact, each counted once."""

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
