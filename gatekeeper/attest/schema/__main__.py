"""Print the schema that should be published."""

from gatekeeper.attest.schema import render

print(render(), end="")
