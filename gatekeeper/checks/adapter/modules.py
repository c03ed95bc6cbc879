"""Tensors of one module → what they do to it: method, rank, scale and shape, by names and shapes."""

from __future__ import annotations

import math
from collections.abc import Sequence

from gatekeeper.checks.adapter.keys import layer_of, method_of, target_of
from gatekeeper.checks.adapter.layout import AdapterTensor, Method, Module, Part
from gatekeeper.checks.adapter.targets import Targets
from gatekeeper.checks.adapter.values import UnreadableError, read_pieces

Shape = tuple[int, ...]
_Form = tuple[int | None, int | None, int | None]
"""Rank, columns and rows."""

_PRODUCTS = frozenset({Method.LORA, Method.DORA, Method.ADALORA})


def module_of(name: str, tensors: Sequence[AdapterTensor], targets: Targets | None) -> Module:
    """Tell what the tensors of a module do to it.

    Args:
        name: Of the module.
        tensors: All that belong to it and are no whole weights.
        targets: What the configuration says; None when there is none.

    Raises:
        ContentChangedError: When the file is no longer the one that was hashed.
    """
    parts = {tensor.part: tensor for tensor in tensors}
    shapes = {part: tensor.shape for part, tensor in parts.items()}
    method = method_of(frozenset(parts))
    rank, columns, rows = _form(method, shapes)
    claimed = targets.rank(name) if targets else None
    experts = 1
    if rank and claimed and rank != claimed and rank % claimed == 0 and targets and targets.is_parameter(name):
        experts, rank = rank // claimed, claimed
    alpha = targets.alpha(name) if targets else _alpha(parts.get(Part.ALPHA))
    scale = targets.scale(name) if targets else _scale(alpha, rank, Part.ALPHA in parts)
    return Module(
        name=name,
        layer=layer_of(name),
        target=target_of(name),
        method=method,
        rank=rank,
        claimed_rank=claimed,
        alpha=alpha,
        scale=scale,
        in_features=columns,
        out_features=rows,
        targeted=targets.is_target(name) if targets else None,
        experts=experts,
        tensors=tuple(tensors),
    )


def _alpha(tensor: AdapterTensor | None) -> float | None:
    """Read kohya's alpha: one number."""
    if tensor is None or tensor.elements != 1:
        return None
    try:
        value = float(next(read_pieces(tensor))[0])
    except UnreadableError:
        return None
    return value if math.isfinite(value) else None


def _scale(alpha: float | None, rank: int | None, written: bool) -> float | None:
    """Give alpha / rank; where no alpha is written, loaders take the rank for it."""
    if not written:
        return 1.0 if rank else None
    return alpha / rank if rank and alpha is not None else None


def _form(method: Method, shapes: dict[Part, Shape]) -> _Form:
    if method in _PRODUCTS:
        return _product(shapes)
    if method is Method.LOHA:
        return _hadamard(shapes)
    if method is Method.LOKR:
        return _kronecker(shapes)
    if method is Method.VERA:
        return _only(shapes.get(Part.VERA_D)), None, _only(shapes.get(Part.VERA_B))
    if method is Method.IA3:
        shape = shapes.get(Part.IA3, ())
        return None, *((shape[1], None) if len(shape) == 2 and shape[0] == 1 else (None, shape[0] if shape else None))
    return None, None, None


def _product(shapes: dict[Part, Shape]) -> _Form:
    a = shapes.get(Part.A, shapes.get(Part.EMBEDDING_A, ()))
    b = shapes.get(Part.B, shapes.get(Part.EMBEDDING_B, ()))
    columns = math.prod(a[1:]) if len(a) >= 2 else None
    rows = b[0] if len(b) >= 2 else None
    if columns is None or rows is None or a[0] != b[1] or math.prod(b[2:]) != 1:
        return None, columns, rows
    if Part.MID in shapes:  # the kernel stands in the middle, so the change has more columns than A
        return a[0], None, rows
    values = shapes.get(Part.E)
    return (None if values is not None and math.prod(values) != a[0] else a[0]), columns, rows


def _hadamard(shapes: dict[Part, Shape]) -> _Form:
    pairs = [(shapes.get(Part.HADA_W1_A, ()), shapes.get(Part.HADA_W1_B, ()))]
    pairs.append((shapes.get(Part.HADA_W2_A, ()), shapes.get(Part.HADA_W2_B, ())))
    if not all(len(left) == 2 and len(right) == 2 for left, right in pairs):
        return None, None, None
    if Part.HADA_T1 in shapes:  # factors of the kernel stand between those two, which then are (rank, side)
        ranks = {side[0] for pair in pairs for side in pair}
        return (ranks.pop() if len(ranks) == 1 else None), None, None
    ranks = {left[1] for left, _ in pairs} | {right[0] for _, right in pairs}
    forms = {(right[1], left[0]) for left, right in pairs}
    columns, rows = forms.pop() if len(forms) == 1 else (None, None)
    return (ranks.pop() if len(ranks) == 1 else None), columns, rows


def _kronecker(shapes: dict[Part, Shape]) -> _Form:
    one, rank_one = _side(shapes, Part.LOKR_W1, Part.LOKR_W1_A, Part.LOKR_W1_B)
    two, rank_two = _side(shapes, Part.LOKR_W2, Part.LOKR_W2_A, Part.LOKR_W2_B)
    ranks = {rank for rank in (rank_one, rank_two) if rank is not None}
    rank = ranks.pop() if len(ranks) == 1 else None
    if len(one) != 2 or len(two) < 2 or Part.LOKR_T2 in shapes:
        return rank, None, None
    return rank, one[1] * math.prod(two[1:]), one[0] * two[0]


def _side(shapes: dict[Part, Shape], whole: Part, left: Part, right: Part) -> tuple[Shape, int | None]:
    """Give the shape of one side of a Kronecker product, and its rank where it is a product itself."""
    if whole in shapes:
        return shapes[whole], None
    a, b = shapes.get(left, ()), shapes.get(right, ())
    if len(a) != 2 or len(b) < 2 or a[1] != b[0]:
        return (), None
    return (a[0], *b[1:]), a[1]


def _only(shape: Shape | None) -> int | None:
    return shape[0] if shape is not None and len(shape) == 1 else None
