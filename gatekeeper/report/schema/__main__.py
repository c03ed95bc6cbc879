"""Print the schema that should be published: of the attestation, or of the document that is named."""

import sys

from gatekeeper.report.schema import render

print(render("audit" if sys.argv[1:] == ["audit"] else "attestation"), end="")
