"""The machine that a pickle is a program for, run without effect: a stack of symbols, a memo, and what it saw.

It follows the unpicklers of CPython (`Modules/_pickle.c`, `Lib/pickle.py`) and of torch. Where they differ it goes on
as long as one of them would, and says that they differ where an honest pickler never makes them.
"""

from __future__ import annotations

from collections.abc import Callable

from gatekeeper.checks.files.pickle_record import Broken, Record
from gatekeeper.checks.files.pickle_tape import Tape
from gatekeeper.checks.files.pickle_values import (
    OPAQUE,
    UNBOUNDED,
    Box,
    Global,
    Made,
    Opaque,
    Row,
    Span,
    Tree,
    Value,
    globals_in,
    rows,
    shown,
)
from gatekeeper.text import printable

_TEXT = 128
"""Characters of a text that is kept as it is; names are shorter."""

_LARGEST = 1 << 28
"""Bytes or items that a pickle may ask for by a number alone: libraries write what they have, and no such number."""

_KEPT = frozenset(
    {
        "numpy.dtype", "joblib.numpy_pickle.NumpyArrayWrapper",
        "sklearn.externals.joblib.numpy_pickle.NumpyArrayWrapper", "_codecs.encode", "codecs.encode",
    }
)  # fmt: skip
"""Callables whose arguments are asked for later."""

_MAKERS = frozenset(
    {
        "copy_reg.__newobj__", "copy_reg._reconstructor", "copyreg.__newobj__", "copyreg.__newobj_ex__",
        "copyreg._reconstructor",
    }
)  # fmt: skip
"""Callables that make an instance of their argument as NEWOBJ does, without its constructor."""

_ALLOCATING = frozenset({"bytes", "bytearray", "str", "unicode", "list", "tuple"})
_RANGES = frozenset({"range", "xrange"})
_BUILTINS = frozenset({"builtins", "__builtin__"})
_HOLE = Opaque()

Hook = Callable[["Machine", Global, Value, int], None]


class Machine:
    """One pickle's run.

    Args:
        record: Where everything seen goes.
        tape: The file's bytes.
    """

    __slots__ = (
        "_counted", "_depth", "_far", "_memo_limit", "_repeats", "_unfolded", "frame_end", "frame_is_short", "globals",
        "marks", "memo", "on_build", "on_call", "record", "stack", "tape",
    )  # fmt: skip

    def __init__(self, record: Record, tape: Tape) -> None:
        self.record = record
        self.tape = tape
        self.stack: list[Value] = []
        self.marks: list[list[Value]] = []
        self.memo: list[Value] = []
        self.globals: dict[tuple[str, str], Global] = {}
        self.frame_end = 0
        """Offset of the end of the frame; 0 when there is none."""

        self.frame_is_short = False
        """Whether a frame promised more bytes than there are."""

        self.on_call: Hook | None = None
        self.on_build: Callable[[Machine, Made, Value, int], int] | None = None
        """Told of each state that an instance is given; answers with the index to go on at."""

        self._unfolded = record.limits.pickle_unfolded
        self._depth = record.limits.pickle_depth
        self._far: dict[int, Value] = {}
        self._counted = 0
        self._repeats = False
        self._memo_limit = record.limits.pickle_memo

    def pop(self) -> Value:
        """Take the top.

        Raises:
            Broken: When nothing is left above the last mark.
        """
        if not self.stack:
            raise Broken("an opcode takes more from the stack than there is")
        return self.stack.pop()

    def top(self) -> Value:
        """Give the top; raises as `pop`."""
        if not self.stack:
            raise Broken("an opcode takes more from the stack than there is")
        return self.stack[-1]

    def mark(self, at: int) -> None:
        """Set a mark."""
        self.marks.append(self.stack)
        self.stack = []
        if len(self.marks) > self.record.limits.pickle_marks:
            self.greedy(f"more than {self.record.limits.pickle_marks} marks are open at once", at)
            raise Broken("its marks are more than are followed")

    def pop_mark(self) -> list[Value]:
        """Take everything above the last mark, and the mark.

        Raises:
            Broken: When there is none.
        """
        if not self.marks:
            raise Broken("an opcode asks for a mark that is not there")
        items, self.stack = self.stack, self.marks.pop()
        return items

    def text(self, data: bytes, start: int, end: int) -> None:
        """Push a text; a long one, or one too many, as its place alone."""
        if end - start <= _TEXT:
            self.stack.append(self.short(data[start:end].decode("utf-8", "replace"), start, end))
        else:
            base = self.tape.base
            self.stack.append(Span(base + start, base + end, True))

    def short(self, text: str, start: int, end: int) -> Value:
        """Give a short text as a value."""
        record = self.record
        record.text += len(text)
        if record.texts is not None:
            record.texts.append(text)
        if record.text > record.limits.pickle_text_bytes:
            base = self.tape.base
            return Span(base + start, base + end, True)
        return text

    def store(self, index: int, at: int) -> None:
        """Put the top in the memo."""
        value, memo = self.top(), self.memo
        if index < 0:
            raise Broken("a memo index is negative")
        if index >= self.record.limits.pickle_memo:
            self.greedy(f"memo index {index} makes unpicklers set aside memory for all below it", at)
            self._counted += index not in self._far
            self._far[index] = value
            return
        if index >= len(memo):
            memo.extend([_HOLE] * (index - len(memo)))
            memo.append(value)
            self._counted += 1
        else:
            self._counted += memo[index] is _HOLE
            memo[index] = value

    def memoize(self, at: int) -> None:
        """Put the top in the memo under the number of its entries."""
        memo, stack = self.memo, self.stack
        if self._counted == len(memo) < self._memo_limit and stack:
            top = stack[-1]
            # Short texts are shared by Python itself, so that two of them can be one object here.
            if memo and memo[-1] is top and type(top) is not str and not self._repeats:
                self._repeats = True
                self.note("pickle-odd", "one value is put in the memo again and again, which no pickler does", at)
            memo.append(top)
            self._counted += 1
        else:
            self.store(self._counted, at)

    def fetch(self, index: int) -> None:
        """Push what the memo has.

        Raises:
            Broken: When it has nothing there.
        """
        value = self.memo[index] if 0 <= index < len(self.memo) else self._far.get(index, _HOLE)
        if value is _HOLE:
            raise Broken("an opcode asks for a memo entry that is not there")
        self.stack.append(value)

    def name(self, module: str, attribute: str, at: int) -> Global:
        """Give the name that is imported here, and keep it."""
        key = (module, attribute)
        found = self.globals.get(key)
        if found is None:
            self.record.imported(module, attribute, self.tape.base + at)
            found = self.globals[key] = Global(module, attribute)
        return found

    def stack_global(self, at: int) -> None:
        """Import a name whose parts are on the stack."""
        attribute, module = self.pop(), self.pop()
        if isinstance(attribute, str) and isinstance(module, str):
            self.stack.append(self.name(module, attribute, at))
            return
        for part in (attribute, module):
            if not isinstance(part, (str, Made, Opaque)) and not (isinstance(part, Span) and part.text):
                raise Broken("a name is made of something that is no text")
        self.note("pickle-computed", f"it imports a name that is computed ({shown(module)}, {shown(attribute)})", at)
        self.stack.append(OPAQUE)

    def call(self, callee: Value, arguments: Value, at: int, *, new: bool = False) -> Made:
        """Call something, or make an instance of it without its constructor (`new`)."""
        if not isinstance(callee, Global):
            if not isinstance(callee, (Made, Opaque)):
                raise Broken("it calls something that can't be called")
            what = f"the result of {shown(callee.callee)}" if isinstance(callee, Made) and callee.callee else "a value"
            self.note("pickle-computed", f"it calls {what} instead of a name", at)
            return Made(None, arguments, keep=False)
        name = callee.name
        if not new:
            self.record.calls.setdefault(name, f"{printable(name, 120)}{shown(arguments)}")
        if name not in _MAKERS:
            self.record.passed.update(found.name for found in globals_in(arguments))
        if self.on_call is not None:
            self.on_call(self, callee, arguments, at)
        self._allocation(callee, arguments, at)
        made = Made(callee, arguments, keep=name in _KEPT or any(globals_in(arguments)))
        self._measure(made, at)
        return made

    def build(self, at: int) -> int:
        """Give the top a state; returns the index to go on at."""
        state, target = self.pop(), self.top()
        if isinstance(target, Global):
            what = shown(target)
            self.note("pickle-patch", f"it sets attributes of {what} itself, which everybody who imports it gets", at)
        parts = [state, *rows(state)]
        known = [entries for part in parts if isinstance(part, Box) and (entries := part.known())]
        for key in {key for entries in known for key in entries if key in _HOOKS}:
            self.note("pickle-computed", f"it gives an instance its own {key}, which unpicklers call", at)
        if self.on_build is not None and isinstance(target, Made):
            return self.on_build(self, target, state, at)
        return at

    def fill(self, kind: str, items: list[Value], at: int) -> None:
        """Put items into the container on top.

        What is no container ends some unpicklers and not others: a list takes items by number, bytes that can be
        changed take numbers, and no items go into anything.

        Raises:
            Broken: When there is no top.
        """
        target = self.top()
        if isinstance(target, Box):
            if kind != target.kind:
                self.note("pickle-odd", f"it fills a {target.kind} as if it were a {kind}", at)
            elif kind == "dict":
                target.put(items)
            else:
                target.take(items)
            self._measure(target, at)
        elif isinstance(target, Made):
            if target.callee and target.callee.name.startswith("torch._utils._rebuild"):
                message = "it sets items of a tensor, which memory checks of torch before 2.10 don't stop"
                self.note("pickle-odd", message, at)
        elif not isinstance(target, Opaque):
            self.note("pickle-odd", "it puts items into something that holds none", at)

    def box(self, kind: str, items: list[Value], at: int) -> None:
        """Push a container."""
        made = Box(kind, () if kind == "dict" else items)
        if kind == "dict" and items:
            made.put(items)
        self._measure(made, at)
        self.stack.append(made)

    def row(self, items: list[Value], at: int) -> None:
        """Push a tuple."""
        made = Row(items)
        self._measure(made, at)
        self.stack.append(made)

    def outside(self, what: str, at: int) -> None:
        """Note that something is asked for that the file does not hold."""
        self.note("pickle-outside", what, at)

    def greedy(self, message: str, at: int) -> None:
        """Note something that costs out of proportion."""
        self.note("pickle-greedy", message, at)

    def note(self, slug: str, message: str, at: int) -> None:
        """Note a problem at an index of the block."""
        self.record.note(slug, message, self.tape.base + at)

    def _measure(self, made: Tree, at: int) -> None:
        if made.size > self._unfolded:
            self.greedy(f"its containers unfold to more than {self._unfolded} items", at)
            self._unfolded = UNBOUNDED
        if made.depth > self._depth:
            self.greedy(f"its containers lie more than {self._depth} deep in each other", at)
            self._depth = UNBOUNDED

    def _allocation(self, callee: Global, arguments: Value, at: int) -> None:
        """Note numbers that make a reviewed callable set memory aside, or count very far."""
        if callee.module not in _BUILTINS and callee.name not in _RESERVING:
            return
        numbers = [item for item in _numbers(arguments) if abs(item) > _LARGEST]
        if numbers and (callee.attribute in _ALLOCATING or callee.name in _RESERVING or callee.attribute in _RANGES):
            self.greedy(f"{shown(callee)} is asked for {max(map(abs, numbers))} items", at)


_HOOKS = frozenset({"__setstate__", "__reduce__", "__reduce_ex__", "__class__", "__init__", "__new__"})
"""Attributes of an instance that change what unpicklers and copies do with it."""

_RESERVING = frozenset(
    {
        "numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct", "numpy.ndarray",
        "torch.FloatStorage", "torch.UntypedStorage", "torch.storage.UntypedStorage",
    }
)  # fmt: skip
"""Callables that take a number of items and set them aside."""


def _numbers(value: Value, depth: int = 3) -> list[int]:
    if isinstance(value, int):
        return [value]
    if not depth:
        return []
    return [number for item in rows(value) for number in _numbers(item, depth - 1)]
