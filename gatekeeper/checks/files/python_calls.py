"""What source calls, and when: while it is imported, or once something in it is used.

Names are followed through imports, simple assignments, `getattr` and `__import__` with texts that can be folded. What
runs on import are the statements of modules and classes, decorators, defaults, and whatever of the file these call.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gatekeeper.checks.files.python_names import DECODERS, Deed, deed_of, is_of_note

Function = ast.FunctionDef | ast.AsyncFunctionDef
_LONGEST_TEXT = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One thing that the source does."""

    deed: Deed
    name: str
    """Dotted, as resolved."""

    line: int
    on_import: bool
    hidden: bool = False
    """Whether what it runs is decoded or pieced together first."""

    installs: bool = False
    """Whether it starts pip to install packages by name."""


def calls(tree: ast.Module) -> Iterator[Call]:
    """Give everything that a module does, in no order.

    Args:
        tree: The parsed module.
    """
    names = _Names(tree)
    importing, used = _split(tree, names)
    for on_import, roots in ((True, importing), (False, used)):
        for root in roots:
            yield from _in(root, names, on_import=on_import)


class _Names:
    """What the names of a module stand for."""

    def __init__(self, tree: ast.Module) -> None:
        self._known: dict[str, str] = {}
        self._stars: dict[str, None] = {}
        self._starred: dict[str, str] = {}
        assignments: list[tuple[str, ast.expr]] = []
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    self._known[alias.asname or alias.name.split(".")[0]] = (
                        alias.name if alias.asname else alias.name.split(".")[0]
                    )
            elif isinstance(node, ast.ImportFrom) and not node.level:
                if any(alias.name == "*" for alias in node.names) and is_of_note(str(node.module)):
                    self._stars[str(node.module)] = None
                for alias in node.names:
                    self._known[alias.asname or alias.name] = f"{node.module}.{alias.name}"
            elif isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
                assignments.append((node.targets[0].id, node.value))
        for name, value in assignments:
            dotted = self.dotted(value)
            if dotted and dotted != name and name not in self._known:
                self._known[name] = dotted

    def dotted(self, node: ast.expr) -> str:
        """Resolve an expression to a dotted name; empty when it is none."""
        attributes: list[str] = []
        while isinstance(node, ast.Attribute):
            attributes.append(node.attr)
            node = node.value
        base = self._base(node)
        if not base:
            return ""
        # A name that is assigned to the next would otherwise grow with every line.
        dotted = ".".join([base, *reversed(attributes)]).replace("__builtins__.", "builtins.")
        return dotted if len(dotted) <= _LONGEST_TEXT else ""

    def _base(self, node: ast.expr) -> str:
        if isinstance(node, ast.Name):
            return self._known.get(node.id) or self._from_star(node.id)
        if isinstance(node, ast.Call):
            return self._made(node)
        if isinstance(node, ast.Subscript):
            key, holder = text_of(node.slice), self.dotted(node.value)
            if key and holder == "sys.modules":
                return key
            if key and holder.endswith((".__dict__", "__builtins__")):
                return f"{holder.removesuffix('.__dict__')}.{key}"
        return ""

    def _from_star(self, name: str) -> str:
        if name not in self._starred:
            starred = (f"{module}.{name}" for module in self._stars)
            self._starred[name] = next((each for each in starred if deed_of(each)), name)
        return self._starred[name]

    def _made(self, node: ast.Call) -> str:
        """Resolve `__import__("x")`, `import_module("x")`, `getattr(x, "y")` and `vars(x)`."""
        function = self.dotted(node.func) if isinstance(node.func, ast.Name | ast.Attribute) else ""
        first = text_of(node.args[0]) if node.args else ""
        if function in ("__import__", "builtins.__import__", "importlib.import_module", "importlib.__import__"):
            return first
        if function in ("getattr", "builtins.getattr") and len(node.args) >= 2:
            holder, attribute = self.dotted(node.args[0]), text_of(node.args[1])
            return f"{holder}.{attribute}" if holder and attribute else ""
        if function in ("vars", "builtins.vars") and node.args:
            return f"{self.dotted(node.args[0])}.__dict__"
        return "__builtins__" if function in ("globals", "locals") else ""


def text_of(node: ast.expr) -> str:
    """Fold an expression of texts: concatenation, joining, reversing; empty when it can't be."""
    if isinstance(node, ast.Constant):
        return node.value[:_LONGEST_TEXT] if isinstance(node.value, str) else ""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = text_of(node.left), text_of(node.right)
        return left + right if left and right else ""
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):
        step = node.slice.step
        backwards = isinstance(step, ast.UnaryOp) and isinstance(step.op, ast.USub)
        return text_of(node.value)[::-1] if backwards else ""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "join" and node.args:
        parts = node.args[0].elts if isinstance(node.args[0], ast.List | ast.Tuple) else []
        return text_of(node.func.value).join(text_of(part) for part in parts)
    return ""


def _split(tree: ast.Module, names: _Names) -> tuple[list[ast.AST], list[ast.AST]]:
    """Split a module into what runs on import and what runs later, following calls of its own functions."""
    importing, later = _level(tree.body, "")
    waiting = list(importing)
    while waiting:
        node = waiting.pop()
        for called in _own_names(node):
            for body in later.pop(called, []):
                inner, nested = _level(body.body, "")
                importing += inner
                waiting += inner
                for name, more in nested.items():
                    later.setdefault(name, []).extend(more)
    used: list[ast.AST] = [part for nodes in later.values() for body in nodes for part in body.body]
    return importing, used


def _own_names(node: ast.AST) -> Iterator[str]:
    """Give names that running a statement may call: every one that it speaks of."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Load):
            yield inner.id


def _level(body: Iterable[ast.stmt], owner: str) -> tuple[list[ast.AST], dict[str, list[Function]]]:
    """Give what a block runs at once, and the functions in it by the names under which they can be called."""
    running: list[ast.AST] = []
    functions: dict[str, list[Function]] = {}
    for statement in body:
        if isinstance(statement, Function):
            running += [*statement.decorator_list, *statement.args.defaults]
            running += [default for default in statement.args.kw_defaults if default is not None]
            # Dunder methods run when their class is called, derived from or decorated with.
            name = owner if owner and statement.name.startswith("__") else f"{owner}.{statement.name}".lstrip(".")
            functions.setdefault(name, []).append(statement)
        elif isinstance(statement, ast.ClassDef):
            running += [*statement.decorator_list, *statement.bases, *(word.value for word in statement.keywords)]
            inner, nested = _level(statement.body, statement.name)
            running += inner
            for name, more in nested.items():
                functions.setdefault(name, []).extend(more)
        elif isinstance(statement, ast.If) and _is_main(statement.test):
            functions.setdefault("__main__", []).append(_as_function(statement))
            inner, nested = _level(statement.orelse, owner)
            running += inner
            for name, more in nested.items():
                functions.setdefault(name, []).extend(more)
        elif isinstance(statement, ast.If | ast.Try | ast.With | ast.For | ast.While | ast.AsyncWith | ast.AsyncFor):
            inner, nested = _level(_blocks(statement), owner)
            running += [*inner, *_heads(statement)]
            for name, more in nested.items():
                functions.setdefault(name, []).extend(more)
        else:
            running.append(statement)
    return running, functions


def _blocks(statement: ast.stmt) -> list[ast.stmt]:
    blocks: list[ast.stmt] = []
    for part in ("body", "orelse", "finalbody"):
        blocks += getattr(statement, part, [])
    for handler in getattr(statement, "handlers", []):
        blocks += handler.body
    return blocks


def _heads(statement: ast.stmt) -> list[ast.AST]:
    heads = [getattr(statement, part, None) for part in ("test", "iter")]
    heads += [item.context_expr for item in getattr(statement, "items", [])]
    return [head for head in heads if isinstance(head, ast.AST)]


def _is_main(test: ast.expr) -> bool:
    return (
        isinstance(test, ast.Compare)
        and isinstance(test.left, ast.Name)
        and test.left.id == "__name__"
        and isinstance(test.ops[0], ast.Eq)
        and text_of(test.comparators[0]) == "__main__"
    )


def _as_function(statement: ast.If) -> ast.FunctionDef:
    function = ast.parse("def main(): pass").body[0]
    assert isinstance(function, ast.FunctionDef)  # noqa: S101 - a fact about the line above
    function.body = statement.body
    return function


def _in(root: ast.AST, names: _Names, *, on_import: bool) -> Iterator[Call]:
    """Find what one statement does, with all that stands inside it."""
    inner: set[int] = set()  # parts of a longer name, which says it all
    for node in ast.walk(root):
        if isinstance(node, ast.Attribute):
            inner.add(id(node.value))
        if isinstance(node, ast.Call):
            yield from _call(node, names, on_import=on_import)
        elif isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load) and id(node) not in inner:
            name = names.dotted(node)
            deed = deed_of(name)
            if deed in (Deed.PROCESS, Deed.CODE) and not name.startswith(("types.", "sys.", "compile")):
                yield Call(deed=deed, name=name, line=node.lineno, on_import=on_import)


def _call(node: ast.Call, names: _Names, *, on_import: bool) -> Iterator[Call]:
    name = names.dotted(node.func)
    deed = deed_of(name) or _writing(node, name)
    if deed is None or (name in ("__import__", "builtins.__import__") and text_of(node.args[0] if node.args else node)):
        return
    runs = deed in (Deed.CODE, Deed.EVALUATES)
    yield Call(
        deed=deed,
        name=name,
        line=node.lineno,
        on_import=on_import,
        hidden=runs and any(_decodes(argument, names) for argument in node.args),
        installs=deed is Deed.PROCESS and _installs(node),
    )


def _decodes(node: ast.expr, names: _Names) -> bool:
    return any(
        isinstance(inner, ast.Call)
        and (names.dotted(inner.func) in DECODERS or (isinstance(inner.func, ast.Name) and inner.func.id == "chr"))
        for inner in ast.walk(node)
    )


def _writing(node: ast.Call, name: str) -> Deed | None:
    if name not in ("open", "io.open", "builtins.open", "codecs.open"):
        return Deed.WRITES if name.endswith((".write_text", ".write_bytes")) else None
    modes = [text_of(argument) for argument in node.args[1:2]]
    modes += [text_of(word.value) for word in node.keywords if word.arg == "mode"]
    return Deed.WRITES if any(set(mode) & set("wax+") for mode in modes) else None


def _installs(node: ast.Call) -> bool:
    """Whether the command is a literal list or text that calls pip to install packages by name."""
    first = node.args[0] if node.args else None
    if isinstance(first, ast.List | ast.Tuple):
        words = [text_of(part) for part in first.elts]
    elif first is not None:
        words = text_of(first).split()
    else:
        words = []
    plain = all(not (set(word) & set(";|&`$<>") or "://" in word) for word in words)
    return plain and "install" in words and any(word.rsplit("/", 1)[-1] in ("pip", "pip3") for word in words)
