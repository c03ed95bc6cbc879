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

    source_bytes: int = 2 * MIB
    """Bytes of a Python file or notebook that is parsed; the largest of honest models have a tenth of this."""

    source_files: int = 20_000
    """Source files that are searched for the models they name."""

    source_words: int = 200_000
    """Words and signs of a Python file that is parsed: its tree takes about a kilobyte for each."""

    source_depth: int = 60
    """Brackets inside each other in a Python file that is parsed; the parser's work grows steeply with them."""
    hdf5_steps: int = 500_000
    """Parts of an HDF5 file that are read one by one; a model of a thousand tensors has about twenty thousand."""

    graph_fields: int = 800_000
    """Fields of a TensorFlow graph that are read one by one; a graph of ten thousand operators has some 100,000."""

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

    onnx_bytes: int = 64 * MIB
    """Bytes of an ONNX model without the weights that are left out; a graph of 100,000 nodes has half of this."""

    onnx_nodes: int = 400_000
    """Nodes, constants and types of an ONNX graph when local functions are written out at each of their calls; the
    largest honest ones have a quarter of this."""

    onnx_edges: int = 4_000_000
    """Operands and results of all these nodes."""

    onnx_depth: int = 64
    """Graphs of `If`, `Loop` and `Scan` and local functions of an ONNX model in each other."""

    onnx_functions: int = 20_000
    """Local functions of an ONNX model; old exporters write one for each kind of module."""

    onnx_attributes: int = 1_000
    """Attributes of one node of an ONNX graph; standard operators have some twenty."""

    onnx_name_characters: int = 4_096
    """Characters of one name in an ONNX model; exporters join module paths to a few hundred."""

    onnx_listed: int = 1_024
    """Numbers of one attribute that are kept as a list; longer ones, such as the trees of a forest, are tables."""

    onnx_constant_elements: int = 65_536
    """Elements of one constant of an ONNX graph that are decoded."""

    onnx_metadata_bytes: int = 1 * MIB
    """Characters of an ONNX model's metadata that are kept."""

    onnx_checksum_bytes: int = 4 * GIB
    """Bytes of a file of tensors whose SHA-1 is computed because an ONNX graph gives it; hardly any does."""

    onnx_whole_bytes: int = 8 * MIB
    """Bytes of an ONNX model up to which it is parsed as it is; larger ones are parsed without their weights."""

    onnx_tensor_bytes: int = 256 * KIB
    """Bytes of one tensor of a large ONNX model that are kept with the graph; a sixteenth of it in a model that is
    larger than `onnx_bytes`."""

    onnx_cpu_seconds: int = 60
    """CPU seconds that analysing one ONNX graph may cost: a net under `onnx_nodes` and `onnx_edges`; a graph of 100,000
    nodes costs six."""

    onnx_wall_seconds: float = 300
    """Wall-clock seconds of the same: a net under its CPU seconds."""

    onnx_memory_bytes: int = 1 * GIB
    """Address space of the child that analyses it, in bytes; libraries map a third of this without using it."""

    onnx_confirm_runs: int = 3_000
    """Inputs on which one detector found in an ONNX graph is run, when onnxruntime is installed."""

    onnx_confirm_cpu_seconds: int = 60
    """CPU seconds that running the detectors of one ONNX graph may cost."""

    onnx_confirm_memory_bytes: int = 2 * GIB
    """Address space of the child that runs them, in bytes."""

    onnx_deep_bytes: int = 512 * MIB
    """Bytes of an ONNX model and of the files that its tensors lie in, up to which it is run as a whole."""

    onnx_deep_cpu_seconds: int = 120
    """CPU seconds that running one whole ONNX graph may cost; it is run as often as they allow, up to a few dozen
    times."""

    onnx_deep_memory_bytes: int = 6 * GIB
    """Address space of the child that runs it, in bytes: it holds the model four times over."""

    onnx_export_parameters: int = 300_000_000
    """Weights of an architecture of two layers up to which it is written out anew to hold a graph against it; language
    models up to some two billion weights have fewer."""

    onnx_export_cpu_seconds: int = 900
    """CPU seconds that writing out one architecture may cost, by each exporter with and without its head; a large
    encoder takes two minutes."""

    onnx_export_memory_bytes: int = 16 * GIB
    """Address space of the child that does it, in bytes: torch maps several gigabytes without using them."""

    conversion_bytes: int = 1 * GIB
    """Bytes of weights that are read to tell whether a graph holds those that lie beside it in another format."""

    conversion_tensor_bytes: int = 48 * MIB
    """Bytes of one tensor that is compared so; the embeddings of large language models have more."""

    flatbuffer_tables: int = 60_000
    """Tables of a TFLite model that are read; the largest honest ones have a fifth of this."""

    msgpack_values: int = 2_500_000
    """Values of one part of a spaCy pipeline; the largest table of word vectors has a million."""

    fasttext_words: int = 5_000_000
    """Words in the dictionary of a fastText model; the largest published ones have two million."""

    fields: int = 1_000_000
    """Outermost fields of a protobuf file that are walked; each costs a microsecond or two."""

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

    signed_bytes: int = 64 * MIB
    """Bytes of an envelope, a bundle or a statement; one subject for each of 20,000 files takes a tenth of this."""

    signed_depth: int = 64
    """Nesting of an envelope, a bundle or a statement."""

    statement_subjects: int = 21_000
    """Subjects of one statement: one for each file of an artifact, and a few for the whole."""

    publisher_signature_bytes: int = 24 * MIB
    """Bytes of a publisher's signature; one over 20,000 files has three, and parsing takes ten times its size."""

    signed_resources: int = 100_000
    """Files, or slices of them, in a publisher's signature; 20,000 files and slices of 1 GB of the largest models."""
    approval_files: int = 1_000
    """Approvals in one folder."""
    approval_ids: int = 2_000
    """Findings, or checks that could not look, that one approval covers."""

    bundle_certificates: int = 16
    """Certificates in one bundle; chains of public authorities have three."""

    certificate_bytes: int = 64 * KIB
    """Bytes of one certificate."""

    key_bytes: int = 64 * KIB
    """Bytes of a file with a key."""

    signer_seconds: float = 120
    """Wall-clock seconds that a signing command may take; a person may have to touch a token."""

    signer_output_bytes: int = 16 * KIB
    """Bytes that a signing command may write, on either stream."""

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
