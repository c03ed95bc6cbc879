"""What a test does to a process that it wants to interrupt."""

from __future__ import annotations

import signal


def interruptible() -> None:
    """Let Ctrl-C arrive: a shell that runs the tests in the background has it ignored, and children inherit that."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
