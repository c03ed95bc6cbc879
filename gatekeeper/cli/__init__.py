"""The command line: one file a command; each parses, calls, renders and sets the exit code, nothing else."""

from gatekeeper.cli.main import main

__all__ = ["main"]
