"""What stops a graph from being read."""

from __future__ import annotations


class GraphError(ValueError):
    """A graph that can't be read as one: broken, ambiguous, or larger than a named limit.

    The message is one printable sentence; every reader of this room raises nothing else for hostile bytes.
    """
