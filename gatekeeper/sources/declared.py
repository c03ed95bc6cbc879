"""What a repo says of itself: kind, model card, base models. All of it is self-declared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gatekeeper.artifact import ArtifactFile, Irregularity, IrregularityKind, Kind, LineageClaim
from gatekeeper.endings import is_graph, is_weights
from gatekeeper.errors import LimitError
from gatekeeper.limits import Limits
from gatekeeper.parsing import ParseError, front_matter, load_json_object

_CARD = "README.md"
_ADAPTER = "adapter_config.json"
_CONFIG = "config.json"
_FENCE_BYTES = 1024
"""Room for the lines around the front matter."""

_BASE_TAG = "base_model:"
_RELATIONS = frozenset({"adapter", "finetune", "merge", "quantized"})
_CLAIMS = 1000
"""Base models taken from one list; a merge names a dozen."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Declared:
    """Everything that a repo declares."""

    kind: Kind
    card: Mapping[str, Any]
    """Front matter of the model card; empty when there is none or it can't be read."""

    lineage: tuple[LineageClaim, ...]
    irregularities: tuple[Irregularity, ...]
    """Declarations that can't be read."""


def read_declared(files: Sequence[ArtifactFile], tags: Iterable[str], limits: Limits) -> Declared:
    """Read the declarations out of hashed files and the Hub's tags.

    Raises:
        ContentChangedError: When a file is no longer the one that was hashed.
        SourceError: When a file that is read by range can't be had.
    """
    by_path = {str(file.path): file for file in files}
    trouble: list[Irregularity] = []
    card = _read_card(by_path.get(_CARD), limits, trouble)
    adapter = _read_config(by_path.get(_ADAPTER), limits, trouble)
    config = _read_config(by_path.get(_CONFIG), limits, trouble)
    claims = [*_card_claims(card), *_tag_claims(tags), *_adapter_claims(adapter), *_config_claims(config)]
    return Declared(kind=_kind(by_path), card=card, lineage=tuple(dict.fromkeys(claims)), irregularities=tuple(trouble))


def _kind(paths: Iterable[str]) -> Kind:
    weights = [path for path in paths if is_weights(path)]
    if _ADAPTER in paths:
        return Kind.ADAPTER
    if weights and all(is_graph(path) for path in weights):
        return Kind.GRAPH
    return Kind.MODEL


def _read_card(file: ArtifactFile | None, limits: Limits, trouble: list[Irregularity]) -> Mapping[str, Any]:
    if file is None:
        return {}
    try:
        with file.content.open() as reader:
            return front_matter(reader.read(limits.card_bytes + _FENCE_BYTES), limit=limits.card_bytes)
    except ParseError as error:
        trouble.append(_unreadable(_CARD, str(error)))
        return {}


def _read_config(file: ArtifactFile | None, limits: Limits, trouble: list[Irregularity]) -> Mapping[str, Any]:
    if file is None:
        return {}
    try:
        return load_json_object(
            file.content.read(limits.json_bytes), depth=limits.json_depth, values=limits.json_values
        )
    except (ParseError, LimitError) as error:
        trouble.append(_unreadable(str(file.path), str(error)))
        return {}


def _unreadable(path: str, reason: str) -> Irregularity:
    return Irregularity(kind=IrregularityKind.CARD_UNREADABLE, path=path, detail=f"What it declares is lost: {reason}.")


def _card_claims(card: Mapping[str, Any]) -> Iterator[LineageClaim]:
    relation = card.get("base_model_relation")
    for base in _texts(card.get("base_model")):
        yield LineageClaim(base=base, said_by="card", relation=relation if isinstance(relation, str) else "")


def _tag_claims(tags: Iterable[str]) -> Iterator[LineageClaim]:
    """Read `base_model:<id>` and `base_model:<relation>:<id>`; the second says all of the first."""
    found: dict[str, str] = {}
    for tag in tags:
        if tag.startswith(_BASE_TAG):
            relation, _, base = tag.removeprefix(_BASE_TAG).rpartition(":")
            if base and (not relation or relation in _RELATIONS):
                found[base] = relation or found.get(base, "")
    for base, relation in found.items():
        yield LineageClaim(base=base, said_by="tag", relation=relation)


def _adapter_claims(config: Mapping[str, Any]) -> Iterator[LineageClaim]:
    revision = config.get("revision")
    for base in _texts(config.get("base_model_name_or_path")):
        yield LineageClaim(
            base=base,
            said_by="adapter_config",
            revision=revision if isinstance(revision, str) else "",
            relation="adapter",
        )


def _config_claims(config: Mapping[str, Any]) -> Iterator[LineageClaim]:
    for base in _texts(config.get("_name_or_path")):
        yield LineageClaim(base=base, said_by="config")


def _texts(value: object) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [each for each in values[:_CLAIMS] if isinstance(each, str) and each]
