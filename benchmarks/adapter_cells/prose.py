"""What the document says beside its figures."""

HEAD = """# Weights of adapters: measured

Remade by `python -m benchmarks.adapters --cache DIR`, which trains the adapters (torch and peft), measures and writes
this page. [adapters.md](adapters.md) says what the statistics are.
"""

LOOKS = """## What was chosen, and by what

LOOKS
"""

SAYS = """## What this says

SAYS
"""
