"""Embedded subjects and a faithful loopback Hub, so that the first command works with no network."""

from gatekeeper.demo.play import Outcome, play
from gatekeeper.demo.repairs import FAILING, Mended, repairs, why_not
from gatekeeper.demo.round_trip import Step, round_trip
from gatekeeper.demo.serving import Served, serve
from gatekeeper.demo.subjects import SUBJECTS, Subject

__all__ = [
    "FAILING",
    "SUBJECTS",
    "Mended",
    "Outcome",
    "Served",
    "Step",
    "Subject",
    "play",
    "repairs",
    "round_trip",
    "serve",
    "why_not",
]
