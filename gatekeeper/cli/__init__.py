"""The command line: one file a command; each parses, calls, renders and sets the exit code, nothing else."""
