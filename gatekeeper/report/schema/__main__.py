"""Print the schema that should be published."""

from gatekeeper.report.schema import render

print(render(), end="")
