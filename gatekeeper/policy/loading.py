"""From policy files to a `Policy`: read, validate, merge, compile, check the laws of the table."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

from gatekeeper.decision import Action
from gatekeeper.errors import PolicyError
from gatekeeper.evidence import CheckDescription
from gatekeeper.policy import builtin
from gatekeeper.policy.document import MAX_BYTES, parse
from gatekeeper.policy.expressions import Condition, ExpressionError, compile_condition, nearest
from gatekeeper.policy.keys import listed_approvers, read_pems, trusted_signers
from gatekeeper.policy.laws import check_table
from gatekeeper.policy.overlay import Draft, Layer, merge_rows, merge_thresholds, merge_waivers
from gatekeeper.policy.policy import Policy, PolicySource, Row, Thresholds, Waiver
from gatekeeper.policy.populations import named_populations, read_populations
from gatekeeper.policy.schema import PolicyDocument, validate
from gatekeeper.policy.schema import Row as RowModel
from gatekeeper.policy.schema import Waiver as WaiverModel
from gatekeeper.policy.searching import ignored, own_patterns
from gatekeeper.text import printable

MAX_EXTENDS = 8
"""Policies in one chain of `extends`."""

_CARET_WIDTH = 100
"""Characters of an expression that an error shows."""

KnownChecks = Mapping[str, CheckDescription]
"""What the installed checks say of themselves, by id."""


def load(source: str | Path | None = None, *, known_checks: KnownChecks | None = None) -> Policy:
    """Load a policy and everything that it extends.

    Args:
        source: `default` or `strict` for the built-in ones, else a path; None for the default.
        known_checks: The installed checks, by id. Given, ids of checks and findings that no installed check has
            are refused; None accepts every id of the right form.

    Raises:
        PolicyError: When anything is wrong with it, with file, line and column where there is one.
    """
    layers = _chain("default" if source is None else source)
    own, lists, thresholds = layers[-1], _Lists(layers), merge_thresholds(layers)
    rows = tuple(_row(draft, _known_ids(known_checks)) for draft in merge_rows(layers))
    if not rows:
        raise own.document.error("the table has no rows", hint="write `extends: default`, or rows of your own")
    check_table(rows)
    _refuse_unknown_checks(layers, known_checks)
    if not lists.required:
        raise own.document.error("no check is required: then nothing tells a good model from one nobody looked at")
    return Policy(
        name=own.content.name,
        digest=f"sha256:{_digest(layers)}",
        sources=tuple(
            PolicySource(name=layer.document.source, sha256=_sha256(layer.document.raw)) for layer in reversed(layers)
        ),
        required=tuple(sorted(lists.required)),
        trusted_publishers=lists.trusted,
        denied_publishers=lists.denied,
        allowed_licences=lists.allowed,
        refused_licences=lists.refused,
        contradictions=lists.contradictions,
        thresholds=thresholds,
        rows=rows,
        waivers=tuple(_waiver(draft, thresholds, known_checks) for draft in merge_waivers(layers)),
        signers=trusted_signers(layers),
        approvers=listed_approvers(layers),
        populations=named_populations(layers),
        patterns=own_patterns(layers),
        ignored=ignored(layers),
    )


class _Lists:
    """The lists of all layers, united; the stricter list wins."""

    def __init__(self, layers: tuple[Layer, ...]) -> None:
        contents = [layer.content for layer in layers]
        trusted = _united(content.publishers.trusted for content in contents)
        allowed = _united(content.licences.allowed for content in contents)
        self.denied = _united(content.publishers.denied for content in contents)
        self.refused = _united(content.licences.refused for content in contents)
        self.required = _united(content.required for content in contents)
        # Names on the Hub differ by more than letter case, so a denied name covers every spelling of it.
        denied = {name.casefold() for name in self.denied}
        both = {name for name in trusted if name.casefold() in denied}
        self.trusted = trusted - both
        self.allowed = allowed - self.refused
        self.contradictions = tuple(sorted(both | (allowed & self.refused)))


def _united(lists: Iterable[list[str]]) -> frozenset[str]:
    return frozenset(name for names in lists for name in names)


def _chain(source: str | Path) -> tuple[Layer, ...]:
    """Read a policy and what it extends, the base first."""
    layers: list[Layer] = []
    seen: set[str] = set()
    current: str | Path = source
    while True:
        layer, identity = _read(current, layers[-1] if layers else None)
        if identity in seen:
            raise layers[-1].document.error("`extends` goes in a circle", ("extends",))
        if len(layers) == MAX_EXTENDS:
            raise layers[-1].document.error(f"more than {MAX_EXTENDS} policies extend each other", ("extends",))
        seen.add(identity)
        layers.append(layer)
        target = layer.content.extends
        if target is None:
            return tuple(reversed(layers))
        current = target if target in builtin.BUILTIN_POLICIES else Path(layer.document.source).parent / target


def _read(source: str | Path, extended_by: Layer | None) -> tuple[Layer, str]:
    """Read one file; give it with a name by which a circle is seen."""
    if isinstance(source, str) and source in builtin.BUILTIN_POLICIES:
        document = parse(builtin.read(source), source)
        return Layer(document=document, content=validate(PolicyDocument, document), builtin=True), source
    path = Path(source)
    try:
        if path.exists() and not path.is_file():  # a pipe would wait for ever
            raise ValueError("not a regular file")
        with path.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        message = f"policy {printable(str(path))!r} can't be read: {reason[:1].lower()}{reason[1:]}"
        if extended_by is not None:
            raise extended_by.document.error(message, ("extends",)) from error
        hint = f"give the path of a policy, or one of {', '.join(builtin.BUILTIN_POLICIES)}"
        raise PolicyError(message, hint=hint) from error
    document = parse(raw, str(path))
    content = validate(PolicyDocument, document)
    layer = Layer(
        document=document,
        content=content,
        builtin=False,
        pems=read_pems(document, content),
        populations=read_populations(document, content),
    )
    return layer, str(path.resolve())


def _digest(layers: tuple[Layer, ...]) -> str:
    digest = ""
    for layer in layers:
        own = _sha256(layer.document.raw)
        if layer.files:
            # Other keys or populations make another policy, also where only the file beside it was changed.
            own = _sha256("".join(f"{each}\n" for each in (own, *map(_sha256, layer.files))).encode())
        digest = _sha256(f"{own}\n{digest}\n".encode()) if digest else own
    return digest


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _row(draft: Draft[RowModel], known_ids: Mapping[str, frozenset[str]]) -> Row:
    content = draft.content
    return Row(
        slug=content.row,
        condition=_condition(draft, known_ids),
        action=Action(content.action),
        words=content.words,
        ask=content.ask,
        origin=draft.origin,
    )


def _condition(draft: Draft[RowModel], known_ids: Mapping[str, frozenset[str]]) -> Condition:
    source = draft.content.when
    try:
        return compile_condition(source, known_ids)
    except ExpressionError as error:
        message = f"row `{draft.content.row}`: {error.message}{_caret(source, error.offset)}"
        path = ("rows", draft.index, "when")
        raise draft.layer.document.error(message, path, offset=error.offset, hint=error.hint) from error


def _caret(source: str, offset: int) -> str:
    """Show the place in an expression, as compilers do: at most `_CARET_WIDTH` characters of its line."""
    start = source.rfind("\n", 0, offset) + 1
    line = source[start:].split("\n", 1)[0]
    cut = max(0, offset - start - _CARET_WIDTH // 2)
    shown = line[cut : cut + _CARET_WIDTH]
    if printable(shown, _CARET_WIDTH) != shown:  # hidden characters would shift the caret
        return ""
    return f"\n  | {shown}\n  | {'.' * (offset - start - cut)}^"


def _known_ids(known: KnownChecks | None) -> Mapping[str, frozenset[str]]:
    """Say which ids may stand in the list facts that hold ids."""
    if known is None:
        return MappingProxyType({})
    checks = frozenset(known)
    findings = frozenset(rule.id for check in known.values() for rule in check.rules)
    return {
        "checks.unknown": checks,
        "checks.required_unknown": checks,
        "findings.ids": findings,
        "findings.waived": findings,
    }


def _refuse_unknown_checks(layers: tuple[Layer, ...], known: KnownChecks | None) -> None:
    if known is None:
        return
    for layer in layers:
        for index, name in enumerate(layer.content.required):
            if name not in known:
                hint = nearest(name, list(known))
                raise layer.document.error(f"no check has the id `{name}`", ("required", index), hint=hint)


def _waiver(draft: Draft[WaiverModel], thresholds: Thresholds, known: KnownChecks | None) -> Waiver:
    content, document = draft.content, draft.layer.document
    where = ("waivers", draft.index)
    if content.expires < content.created:
        raise document.error("the waiver expires before it was created", (*where, "expires"))
    if (content.expires - content.created).days > thresholds.waiver_max_days:
        message = f"the waiver counts for more than {thresholds.waiver_max_days} days (waiver_max_days)"
        raise document.error(message, (*where, "expires"))
    findings = sorted(_known_ids(known).get("findings.ids", frozenset()))
    if known is not None and content.finding not in findings:
        hint = nearest(content.finding, findings)
        raise document.error(f"no check makes a finding `{content.finding}`", (*where, "finding"), hint=hint)
    return Waiver(
        finding=content.finding,
        subject=content.subject,
        reason=content.reason,
        approver=content.approver,
        created=content.created,
        expires=content.expires,
        ticket=content.ticket or "",
        origin=draft.origin,
    )
