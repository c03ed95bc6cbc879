"""Where an artifact comes from, and who says so."""
