"""Where an artifact comes from, and who says so."""

from __future__ import annotations

from gatekeeper.checks.check import Check
from gatekeeper.checks.provenance.bytes import Bytes
from gatekeeper.checks.provenance.history import History
from gatekeeper.checks.provenance.licence import Licence
from gatekeeper.checks.provenance.lineage import Lineage
from gatekeeper.checks.provenance.lock import Lock
from gatekeeper.checks.provenance.platform_scan import PlatformScan
from gatekeeper.checks.provenance.publisher import Publisher
from gatekeeper.checks.provenance.redirect import Redirect
from gatekeeper.checks.provenance.revision import Revision
from gatekeeper.checks.provenance.signature import Signature

ALL: tuple[Check, ...] = (
    Revision(),
    Bytes(),
    Signature(),
    Lock(),
    Redirect(),
    Publisher(),
    History(),
    Lineage(),
    Licence(),
    PlatformScan(),
)

__all__ = ["ALL"]
