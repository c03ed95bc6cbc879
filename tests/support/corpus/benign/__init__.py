"""Cases that honest libraries and people write."""
