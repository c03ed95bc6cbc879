"""How a policy is laid over the one that it extends. `policies/README.md` says the same for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

from gatekeeper.decision import Action
from gatekeeper.policy.document import Document, Path
from gatekeeper.policy.expressions import nearest
from gatekeeper.policy.policy import Origin, Thresholds
from gatekeeper.policy.schema import PolicyDocument
from gatekeeper.policy.schema import Row as RowModel
from gatekeeper.policy.schema import Waiver as WaiverModel


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One policy file, validated but not yet merged."""

    document: Document
    content: PolicyDocument
    builtin: bool
    pems: Mapping[Path, bytes] = field(default_factory=dict)
    """Place in the document → bytes of the file that it names, in the order of the document's signers and approvers."""

    populations: Mapping[Path, bytes] = field(default_factory=dict)
    """The same of populations of adapters."""

    @property
    def files(self) -> tuple[bytes, ...]:
        """Bytes of every file that it names."""
        return (*self.pems.values(), *self.populations.values())


Content = TypeVar("Content", RowModel, WaiverModel)


@dataclass(frozen=True, kw_only=True, eq=False)
class Draft(Generic[Content]):
    """A row or waiver, and where it was written."""

    content: Content
    layer: Layer
    field: Literal["rows", "waivers"]
    index: int

    @property
    def origin(self) -> Origin:
        """Where it stands in its file."""
        line, column = self.layer.document.position((self.field, self.index))
        return Origin(source=self.layer.document.source, line=line, column=column, builtin=self.layer.builtin)


def merge_rows(layers: tuple[Layer, ...]) -> list[Draft[RowModel]]:
    """Lay the tables over each other.

    Args:
        layers: The base first.

    Raises:
        PolicyError: When a slug stands twice in one file, or `before` names no row.
    """
    table: list[Draft[RowModel]] = []
    for layer in layers:
        table = _lay(table, layer)
    return table


def merge_waivers(layers: tuple[Layer, ...]) -> list[Draft[WaiverModel]]:
    """Put the waivers of all layers together, the base's first."""
    return [
        Draft(content=waiver, layer=layer, field="waivers", index=index)
        for layer in layers
        for index, waiver in enumerate(layer.content.waivers)
    ]


def merge_thresholds(layers: tuple[Layer, ...]) -> Thresholds:
    """Let each layer override the thresholds that it names."""
    merged: dict[str, Any] = {}
    for layer in layers:
        merged.update(layer.content.thresholds.model_dump(exclude_none=True))
    return Thresholds(**merged)


def _lay(base: list[Draft[RowModel]], layer: Layer) -> list[Draft[RowModel]]:
    drafts = [
        Draft(content=row, layer=layer, field="rows", index=index) for index, row in enumerate(layer.content.rows)
    ]
    _refuse_twice(drafts)
    if not base:
        _refuse_pointless_before(drafts)
        return drafts
    slugs = {draft.content.row for draft in base}
    # A replaced row keeps its place, unless its new version says where it goes.
    staying = {draft.content.row: draft for draft in drafts if draft.content.row in slugs and not draft.content.before}
    moving = {draft.content.row for draft in drafts if draft.content.before}
    table = [staying.get(draft.content.row, draft) for draft in base if draft.content.row not in moving]
    new = [draft for draft in drafts if draft.content.row not in staying]
    first = [draft for draft in new if not draft.content.before and draft.content.action != Action.ALLOW.value]
    table = first + table
    for draft in new:
        if draft not in first:
            table.insert(_place(table, draft), draft)
    return table


def _place(table: list[Draft[RowModel]], draft: Draft[RowModel]) -> int:
    """Find the index at which a row goes in: above the row that it names, or above the first allow row."""
    slugs = [row.content.row for row in table]
    before = draft.content.before
    if before is None:
        allowing = (index for index, row in enumerate(table) if row.content.action == Action.ALLOW.value)
        return next(allowing, max(len(table) - 1, 0))
    if before not in slugs:
        raise draft.layer.document.error(
            f"there is no row `{before}` to stand before", ("rows", draft.index, "before"), hint=nearest(before, slugs)
        )
    return slugs.index(before)


def _refuse_twice(drafts: list[Draft[RowModel]]) -> None:
    seen: set[str] = set()
    for draft in drafts:
        if draft.content.row in seen:
            raise draft.layer.document.error(f"row `{draft.content.row}` stands twice", ("rows", draft.index, "row"))
        seen.add(draft.content.row)


def _refuse_pointless_before(drafts: list[Draft[RowModel]]) -> None:
    for draft in drafts:
        if draft.content.before:
            raise draft.layer.document.error(
                "`before` is for policies that extend another", ("rows", draft.index, "before")
            )
