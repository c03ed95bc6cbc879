"""Clean prompts: those that come with the package, and a user's own."""
