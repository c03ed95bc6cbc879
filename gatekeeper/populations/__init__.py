"""Population files: strict, bounded JSON with a published schema (`population-1.0.json`, beside this module)."""

from gatekeeper.populations.reading import MAX_BYTES, MAX_FEATURES, MAX_MEMBERS, load, read, to_json

__all__ = ["MAX_BYTES", "MAX_FEATURES", "MAX_MEMBERS", "load", "read", "to_json"]
