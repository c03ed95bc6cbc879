"""What the document says beside its figures."""

HEAD = """# Weights of adapters: measured

Remade by `python -m benchmarks.adapters --cache DIR`, which trains the adapters (torch and peft), measures and writes
this page. [adapters.md](adapters.md) says what the statistics are.
"""

LOOKS = """## What was chosen, and by what

- An earlier run of a hundred adapters is not in these figures: only 12 of its 50 backdoors acted. All its figures, of
  all kinds of trigger, had been seen when this one was planned. The order of the detectors (the distance first) was
  settled with the first of them in view. The features were written down before anything was trained, but for the form
  of the effective rank, which was changed in the minutes after; whether by figures is not recorded.
- For this run the split was fixed beforehand. Five kinds of trigger (rare, phrase, fixed, composite, length) and the
  honest adapters of every other block of twenty were for development; the other kinds and blocks were held out.
- Steps, learning rate and samples were set by what some twenty trial adapters did, never by their weights: poison was
  to be learned, refusals and tasks kept. Fewer near misses and refusals in the samples did most for that. Trials were
  of four development kinds, and one of a held-out kind (sentence).
- The development adapters were looked at three times while training went on (27, 28 and 36 of them; the first
  look came to no figure). Tried were: the features as they are; the same adjusted for the rank by a line through the
  honest ones; effective and stable ranks alone; the effective rank of each module; how far modules that read the same
  input change along the same directions; the whole change. Areas lay between .22 and .69, without an order that stayed
  from look to look. So nothing was changed: features and detectors are those of before.
- The held-out ones were looked at once, for this page.
"""

SAYS = """## What this says

SAYS
"""
