"""Cases that no gate may let through."""
