"""What DVC tracks (`*.dvc`, `dvc.yaml`, `dvc.lock`): imports from the Hub, and weights by their digest."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from gatekeeper.ci import yaml_tree
from gatekeeper.ci.documents import mentions
from gatekeeper.ci.extractor import as_text
from gatekeeper.ci.telling import ADDRESS, Setting, distinct, tell
from gatekeeper.ci.tree import Mapping, Node, Sequence, TreeError
from gatekeeper.ci.variables import Variables
from gatekeeper.endings import is_weights
from gatekeeper.limits import Limits
from gatekeeper.mention import Mention


def read_dvc(data: bytes, path: str, limits: Limits) -> Iterator[Mention]:
    """Find dependencies on the Hub, weights among the outputs, and what the commands of stages load."""
    try:
        roots = list(yaml_tree.documents(as_text(data), limits))
    except TreeError as error:
        yield Mention(line=error.line, unresolved=str(error))
        return
    mappings = [part for root in roots for part in _mappings(root)]
    found = [each for mapping in mappings for each in _mentions(mapping, path)]
    yield from distinct([*found, *mentions(roots)])


def _mentions(node: Mapping, path: str) -> Iterator[Mention]:
    held = node.scalars()
    url = held.get("url")
    if url:
        revision = next((held[key].text for key in ("rev_lock", "rev") if key in held), "")
        yield from tell(Setting("url", url.text, url.line), ADDRESS, Variables(), revision=revision)
    output = held.get("path")
    digest = next((f"{key}:{held[key].text}" for key in ("sha256", "md5") if key in held), "")
    if output and digest and is_weights(output.text):
        name = str(PurePosixPath(path).parent / output.text)
        yield Mention(line=output.line, name=name, revision=digest, local=True, call="outs")


def _mappings(root: Node) -> Iterator[Mapping]:
    waiting, seen = [root], set[int]()
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, Mapping):
            yield node
            waiting += [value for _, value in reversed(node.pairs)]
        elif isinstance(node, Sequence):
            waiting += reversed(node.members)
