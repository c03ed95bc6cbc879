"""`python -m gatekeeper.patch.schemas` writes the published schemas anew after a noun has changed."""

from __future__ import annotations

from pathlib import Path

from gatekeeper.codec.schema import schema_text
from gatekeeper.patch.case_reading import CASE_SCHEMA, generate_case_schema
from gatekeeper.patch.document import REMEDY_SCHEMA, generate_remedy_schema


def schemas() -> dict[Path, str]:
    """Give the path of each published schema and the text that should stand there."""
    made = {CASE_SCHEMA: generate_case_schema(), REMEDY_SCHEMA: generate_remedy_schema()}
    return {Path(__file__).with_name(name): schema_text(document) for name, document in made.items()}


if __name__ == "__main__":
    for path, text in schemas().items():
        path.write_text(text, "utf-8")
