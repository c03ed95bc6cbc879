"""What the files are, and what loading them would do."""
