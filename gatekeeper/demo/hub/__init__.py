"""A faithful Hub on the loopback address: the real client talks to it, in the demo and in the tests.

Repos are plain values, faults are switches that can be set while it runs:

    repo = HubRepo.of("acme/tiny", {"config.json": b"{}", "model.safetensors": weights})
    with LoopbackHub([repo]) as hub:
        hub.faults = Faults(tamper={"model.safetensors": other_weights})
        ...  # any Hub client, with `endpoint=hub.endpoint`
"""

from __future__ import annotations

from gatekeeper.demo.hub.faults import Faults
from gatekeeper.demo.hub.handler import LoggedRequest
from gatekeeper.demo.hub.repos import HubCommit, HubRepo
from gatekeeper.demo.hub.server import LoopbackHub

__all__ = ["Faults", "HubCommit", "HubRepo", "LoggedRequest", "LoopbackHub"]
