"""Trees of YAML, JSON and TOML → mentions: settings by their keys, commands, scripts, and environments."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from gatekeeper.ci.commands import command, implied
from gatekeeper.ci.keys import Claim, Trust, list_claim, normalised
from gatekeeper.ci.names import is_id
from gatekeeper.ci.shell import script
from gatekeeper.ci.shell_words import Word, assignments
from gatekeeper.ci.telling import ADDRESS, Setting, distinct, group, is_download, tell
from gatekeeper.ci.tree import Mapping, Node, Scalar, Sequence
from gatekeeper.ci.variables import Variables
from gatekeeper.limits import DEFAULT_LIMITS
from gatekeeper.mention import Mention, Role

_STARTS = frozenset({"entrypoint"})
_ARGUMENTS = re.compile(r"(?:.*_)?(?:args|arguments|cmd|command|flags|options)")
_SCRIPTS = frozenset(
    {"run", "script", "before_script", "after_script", "commands", "cmd", "cmds", "command", "entrypoint", "shell"}
    | {"bash", "install", "setup", "post_create_command", "on_create_command", "post_start_command", "args", "inline"}
    | {"bash_command", "start_command", "startcommand", "prestart", "build", "test", "serve", "start", "deploy", "pre"}
)
_ENVIRONMENTS = frozenset(
    {"env", "environment", "envs", "env_vars", "variables", "extra_env", "container_env", "environment_variables"}
    | {"build_args", "args", "extra_env_vars"}
)
_LABELS = frozenset({"labels", "match_labels", "annotations", "node_selector", "selector", "tags", "metadata_labels"})
"""Words that things are sorted by; a model among them is loaded from elsewhere."""

_PAIR = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}=")
_NAMES = frozenset({"name", "key"})


@dataclass(slots=True)
class _Visit:
    """Where the walk is."""

    node: Node
    key: str
    """The key that leads here; that of the list for members."""

    above: str
    """The key above that."""

    path: str
    """Keys from the top, with dots between, as views show them."""

    image: str = ""
    """Of the container that this is a part of."""


def mentions(roots: Iterable[Node], variables: Variables | None = None) -> Iterator[Mention]:
    """Find the models in documents of one file.

    Args:
        roots: The documents.
        variables: Known ones; those of the file are added.
    """
    known = variables or Variables()
    visits, parts = list[_Visit](), 0
    for visit in (visit for root in roots for visit in _visits(root)):
        visits.append(visit)
        parts += 1 + _size(visit.node)
        if parts > 2 * DEFAULT_LIMITS.yaml_events:
            yield Mention(line=0, unresolved="its aliases lead to too many values to be read (limit yaml_events)")
            return
    for visit in visits:
        for each in _environment(visit):
            known.set(each.key, each.value, each.line)
        if isinstance(visit.node, Mapping):
            _note(visit, known)
    found: list[Mention] = []
    for visit in visits:
        found += _commands(visit, known)
    for visit in visits:
        found += _settings(visit, known)
    yield from distinct(found)


def _size(node: Node) -> int:
    if isinstance(node, Mapping):
        return len(node.pairs)
    return len(node.members) if isinstance(node, Sequence) else 0


def _note(visit: _Visit, known: Variables) -> None:
    """Note what templates may refer to: every key with a text, by its name and its last two."""
    if not isinstance(visit.node, Mapping):
        return
    for key, value in visit.node.pairs:
        members = value.members if isinstance(value, Sequence) else [value]
        for member in members:
            if isinstance(member, Scalar) and member.text and len(key) <= 100 and "{{" not in member.text:
                # A key of the same name may mean something else: only its full path is sure.
                known.set(f"{visit.path}.{key}".lstrip("."), member.text, member.line)
                if visit.key in {"env", "matrix", "variables", "x-env"}:
                    known.set(f"{visit.key}.{key}", member.text, member.line)


def _visits(root: Node) -> Iterator[_Visit]:
    """Give every mapping and list once under each key that leads to it, in the order of the file.

    Under another key an alias may mean something else; whoever asks bounds what aliases of aliases make of a file.
    """
    seen: set[tuple[int, str]] = set()
    waiting = [_Visit(root, "", "", "")]
    while waiting:
        visit = waiting.pop()
        node = visit.node
        word = normalised(visit.key)
        if isinstance(node, Scalar) or (id(node), word) in seen or word in _LABELS:
            continue
        seen.add((id(node), word))
        yield visit
        if isinstance(node, Sequence):
            below = [_Visit(each, visit.key, visit.above, visit.path, visit.image) for each in node.members]
        else:
            image = _image(node) or visit.image
            below = [
                _Visit(value, key, visit.key, f"{visit.path}.{key}".lstrip(".")[-200:], image)
                for key, value in node.pairs
            ]
        waiting += reversed(below)


def _image(node: Mapping) -> str:
    for key, value in node.pairs:
        if key in {"image", "repository"} and isinstance(value, Scalar):
            return value.text
        if key == "image" and isinstance(value, Mapping):
            held = value.scalars().get("repository")
            return held.text if held else ""
    return ""


def _environment(visit: _Visit) -> list[Setting]:
    """Read variables: `[NAME=value]`, `[{name: NAME, value: …}]`; mappings are settings as all others."""
    node = visit.node
    if isinstance(node, Mapping):
        if normalised(visit.key) in _ENVIRONMENTS:
            return [Setting(key, value.text, value.line) for key, value in node.scalars().items()]
        return []
    if not isinstance(node, Sequence):
        return []
    found = []
    for each in node.members:
        if isinstance(each, Mapping):
            held = each.scalars()
            name = next((held[key] for key in ("name", "key") if key in held), None)
            value = held.get("value")
            if name and value and re.fullmatch(r"[A-Za-z_]\w*", name.text):
                found.append(Setting(name.text, value.text, value.line))
        elif isinstance(each, Scalar) and _PAIR.match(each.text) and normalised(visit.key) in _ENVIRONMENTS:
            name_, _, value_ = each.text.partition("=")
            found.append(Setting(name_, value_, each.line))
    return found


def _commands(visit: _Visit, known: Variables) -> Iterator[Mention]:
    node = visit.node
    if isinstance(node, Mapping):
        yield from _started(node, visit, known)
        for key, value in node.pairs:
            word = normalised(key)
            if isinstance(value, Scalar) and (word in _SCRIPTS or _ARGUMENTS.fullmatch(word)):
                yield from _script(value, key, known, image=visit.image or _image(node))
    elif isinstance(node, Sequence) and not _is_argument_list(visit.key, node):
        for each in node.members:
            if isinstance(each, Scalar) and normalised(visit.key) in _SCRIPTS:
                yield from script(each.text, known, line=each.line)


def _script(value: Scalar, key: str, known: Variables, *, image: str) -> Iterator[Mention]:
    text = value.text
    started = implied(image)
    begins = next(iter(text.split(maxsplit=1)), "")
    if started and (begins.startswith("-") or is_id(begins)):
        text = f"{' '.join(started)} {text}"
    yield from script(text, known, line=value.line)


def _is_argument_list(key: str, node: Sequence) -> bool:
    """Whether a list is one command, rather than a list of commands."""
    texts = [each.text for each in node.members if isinstance(each, Scalar)]
    if not texts or len(texts) != len(node.members):
        return False
    if any(text.startswith("--") for text in texts):
        return True
    word = normalised(key)
    return bool(_ARGUMENTS.fullmatch(word) or word == "entrypoint") and not all(" " in text for text in texts)


def _started(node: Mapping, visit: _Visit, known: Variables) -> Iterator[Mention]:
    """Put what starts a container and its arguments together, as the runtime does."""
    lists = {
        normalised(key): value
        for key, value in node.pairs
        if isinstance(value, Sequence) and _is_argument_list(key, value)
    }
    environment = {normalised(name): value for name, value in node.pairs if normalised(name) in _ENVIRONMENTS}
    first = [name for name in ("entrypoint", "command") if name in lists]
    tied = {*first, *(["args"] if "args" in lists else [])}
    image = _image(node) or visit.image
    joined: list[Word] = [word for name in (*first, "args") if name in tied for word in _line(lists[name])]
    if joined:
        begins = joined[0].text
        # Only arguments: of Kubernetes `args`, of compose files `command` without an `entrypoint`.
        if not first or (first == ["command"] and (begins.startswith("-") or is_id(begins))):
            joined = [*(Word(text, 0) for text in implied(image)), *joined]
        yield from _run(joined, known)
    for name, value in lists.items():
        if name not in tied and name not in environment:
            yield from _run([*(Word(text, 0) for text in implied(image)), *_line(value)], known)


def _run(words: list[Word], known: Variables) -> Iterator[Mention]:
    for index, word in enumerate(words[:-1]):
        if word.text.rsplit("/", 1)[-1] in {"sh", "bash"} and words[index + 1].text.endswith("c"):
            for inner in words[index + 2 : index + 3]:
                yield from script(inner.text, known, line=inner.line)
            return
    before, rest = assignments(words)
    yield from command(rest, known)
    yield from group([Setting(name, word.text, word.line) for name, word in before], known)


def _line(node: Sequence) -> Iterator[Word]:
    """Give the words of a list; one that holds a flag with its value is two."""
    for each in node.members:
        if not isinstance(each, Scalar):
            continue
        flag, blank, value = each.text.partition(" ")
        if blank and flag.startswith("--") and "=" not in flag and "\n" not in value:
            yield Word(flag, each.line)
            yield Word(value.strip().strip("\"'"), each.line)
        else:
            yield Word(each.text, each.line)


def _settings(visit: _Visit, known: Variables) -> Iterator[Mention]:
    node = visit.node
    if isinstance(node, Sequence):
        yield from group(_environment(visit), known)
        yield from _members(visit, node, known)
        return
    if not isinstance(node, Mapping):
        return
    if _is_variable(node):
        return
    prefix = f"{visit.path}." if visit.path else ""
    held = [Setting(key, value.text, value.line) for key, value in _merged(node) if isinstance(value, Scalar)]
    more = _revision_among_arguments(node)
    for each in group(held, known, parent=visit.key, more=more):
        yield replace(each, call=(prefix + each.call)[-120:])


def _merged(node: Mapping) -> Iterator[tuple[str, Node]]:
    """Give the pairs of a mapping, with those that `<<` takes in, where it has no such key itself."""
    own = {key for key, _ in node.pairs}
    for key, value in node.pairs:
        if key != "<<":
            yield key, value
            continue
        for other in value.members if isinstance(value, Sequence) else [value]:
            if isinstance(other, Mapping):
                yield from (pair for pair in other.pairs if pair[0] not in own and pair[0] != "<<")


def _is_variable(node: Mapping) -> bool:
    """Whether it is `{name: NAME, value: …}`, which its list has told already."""
    held = node.scalars()
    return "value" in held and bool(_NAMES & held.keys()) and len(held) <= 3


def _members(visit: _Visit, node: Sequence, known: Variables) -> Iterator[Mention]:
    claim = list_claim(visit.key)
    for each in node.members:
        if not isinstance(each, Scalar):
            continue
        if claim:
            _, equals, path = each.text.partition("=")  # `name=org/adapter`
            text = path if equals and claim.role is Role.ADAPTER else each.text
            yield from tell(Setting(visit.path, text, each.line), _possible(claim), known)
        elif is_download(each.text):
            yield from tell(Setting(visit.path, each.text, each.line), ADDRESS, known)


def _possible(claim: Claim) -> Claim:
    return Claim(claim.role, min(claim.trust, Trust.PROMISED), claim.main)


def _revision_among_arguments(node: Mapping) -> str:
    """Find a `--revision` in the lists of arguments in or just below a mapping that names one model."""
    below = [value for _, value in node.pairs] + [
        value for _, part in node.pairs if isinstance(part, Mapping) for _, value in part.pairs
    ]
    found: set[str] = set()
    for part in below:
        if not isinstance(part, Sequence):
            continue
        words = list(_line(part))
        for word, following in zip(words, [*words[1:], Word("", 0)], strict=False):
            flag, equals, value = word.text.partition("=")
            if flag == "--revision":
                found.add(value if equals else following.text)
    return found.pop() if len(found) == 1 else ""
