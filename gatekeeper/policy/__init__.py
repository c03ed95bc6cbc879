"""Evidence → decision: the deployer's table over a typed vocabulary of facts, and the laws above it."""
