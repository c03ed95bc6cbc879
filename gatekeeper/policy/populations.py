"""The populations of adapters that a policy names, read when it loads: a damaged one is an error with a place."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path as FilePath

from gatekeeper import populations
from gatekeeper.errors import InputError
from gatekeeper.policy.beside import read_beside
from gatekeeper.policy.document import Document, Path
from gatekeeper.policy.overlay import Layer
from gatekeeper.policy.schema import PolicyDocument
from gatekeeper.population import Population
from gatekeeper.text import printable


def read_populations(document: Document, content: PolicyDocument) -> dict[Path, bytes]:
    """Read the files with populations that a policy names.

    Returns:
        Place in the document → bytes, in order.

    Raises:
        PolicyError: When one can't be read.
    """
    return {
        (where := ("adapters", "populations", index)): read_beside(
            document, where, name, limit=populations.MAX_BYTES, field="MAX_BYTES of populations"
        )
        for index, name in enumerate(content.adapters.populations)
    }


def named_populations(layers: Iterable[Layer]) -> tuple[Population, ...]:
    """Give the populations of all layers, the base's first; one of the same name replaces it in its place.

    Raises:
        PolicyError: When a file holds no population, or two of one policy have the same name.
    """
    found: dict[str, Population] = {}
    for layer in layers:
        own: dict[str, Population] = {}
        for where, data in layer.populations.items():
            name = layer.content.adapters.populations[int(where[-1])]
            shown = printable(str(FilePath(layer.document.source).parent / name))
            try:
                population = populations.read(data, shown)
            except InputError as error:
                raise layer.document.error(error.message, where, hint=error.hint) from error
            if population.name in own:
                message = f"the population {printable(population.name, 80)!r} stands twice"
                raise layer.document.error(message, where)
            own[population.name] = population
        found |= own
    return tuple(found.values())
