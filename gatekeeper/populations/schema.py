"""`python -m gatekeeper.populations.schema` writes the published schema anew after the noun has changed."""

from __future__ import annotations

from pathlib import Path

from gatekeeper.codec import DOCUMENT
from gatekeeper.codec.schema import described_schema, schema_document, schema_text
from gatekeeper.population import POPULATION_VERSION, Population

PATH = Path(__file__).with_name(f"population-{POPULATION_VERSION}.json")


def text() -> str:
    """Give what should stand in the published schema."""
    name = f"population-{POPULATION_VERSION}"
    return schema_text(schema_document(name, "Population of adapters", described_schema(Population, DOCUMENT)))


if __name__ == "__main__":
    PATH.write_text(text(), "utf-8")
