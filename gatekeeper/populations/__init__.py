"""Population files: strict, bounded JSON with a published schema (`population-1.0.json`, beside this module)."""

from gatekeeper.populations.reading import load, read, to_json

__all__ = ["load", "read", "to_json"]
