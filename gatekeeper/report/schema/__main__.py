"""Print the schema that should be published: of the attestation, or of the document that is named."""

import sys

from gatekeeper.report.schema import kind_of, render

print(render(kind_of("".join(sys.argv[1:]))), end="")
