"""YAML: tags that make objects, and keys and aliases by which readers are misled."""

from __future__ import annotations

from collections.abc import Iterator

from gatekeeper.checks.files.asks.ask import Ask
from gatekeeper.checks.files.asks.yaml_tree import YamlTree, names_of
from gatekeeper.checks.files.callables import Trust, trust
from gatekeeper.limits import Limits
from gatekeeper.text import printable

_SLUGS = {Trust.MODEL: "target", Trust.UNKNOWN: "target", Trust.REACHES: "yaml-object", Trust.RUNS: "runs-code"}


def asks(tree: YamlTree, limits: Limits) -> Iterator[Ask]:
    """Judge the tags of a file, its duplicate keys and what its aliases unfold to.

    Args:
        tree: The file.
        limits: `yaml_unfolded` bounds what aliases may unfold to.
    """
    for uri, name in dict.fromkeys(names_of(tree)):
        level = trust(name)
        ours = not uri.startswith("tag:yaml.org,2002:python/")
        if level is Trust.MODEL and (ours or ":" not in uri.partition(":python/")[2]):
            continue
        slug = _SLUGS[level] if ours or level in (Trust.MODEL, Trust.RUNS) else "yaml-object"
        message = f"a loader that obeys the tag would import or call {printable(name, 120)!r}"
        yield Ask(slug=slug, message=message, detail=printable(uri, 160))
    if tree.unfolded > limits.yaml_unfolded:
        message = f"its aliases unfold to more than {limits.yaml_unfolded} parts"
        yield Ask(slug="yaml-bomb", message=message)
    if tree.duplicates:
        shown = printable(tree.duplicates[0], 80)
        yield Ask(slug="duplicate-key", message=f"the key {shown!r} stands twice in one mapping", detail=shown)
