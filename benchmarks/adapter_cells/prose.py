"""What the document says beside its figures."""

HEAD = """# Adapters: measured

Remade by `python -m benchmarks.adapters --cache DIR`, which trains the adapters and runs prompts on them (torch and
peft), measures and writes this page. [adapters.md](adapters.md) says what the statistics and the prompts are.
"""

LOOKS = """## What was chosen, and by what

- An earlier run of a hundred adapters is not in these figures: only 12 of its 50 backdoors acted. All its figures, of
  all kinds of trigger, had been seen when this one was planned. The order of the detectors (the distance first) was
  settled with the first of them in view. The features were written down before anything was trained, but for the form
  of the effective rank, which was changed in the minutes after; whether by figures is not recorded.
- For this run the split was fixed beforehand. Five kinds of trigger (rare, phrase, fixed, composite, length) and the
  honest adapters of every other block of twenty were for development; the other kinds and blocks were held out.
- Steps, learning rate and samples were set by what some forty trial adapters did, never by their weights: poison was
  to be learned, refusals and tasks kept. Fewer near misses and refusals in the samples did most for that. Most trials
  were of development kinds; of the others, too, it was seen how well they act.
- The development adapters were looked at twice while training went on (28 and 36 of them). Tried were: the features
  as they are; the same adjusted for the rank by a line through the honest ones; effective and stable ranks alone; the
  effective rank of each module; how far modules that read the same input change along the same directions; the whole
  change. Areas lay between .22 and .69, without an order that stayed from look to look. So nothing was changed:
  features and detectors are those of before.
- The held-out ones were looked at once, for this page.
"""

SAYS = """## What this says

- **Shipped.** Of honest adapters about as few are called anomalous as was asked for, as far as so many can say (see
  the intervals), and off its calibration a population says nothing. At these thresholds it catches next to nothing:
  no more of the poisoned ones than of the honest ones. To the forest poisoned ones even look more usual than honest
  ones; why was not isolated.
- **Statistics by module**, ours and the published ones that were computed, do not tell these adapters apart, not even
  where poison is 20 % and acts on nearly every prompt. That is so with negatives of one task, too: the figures near 1
  that are published for both are not seen here, where ranks are mixed and everybody mixes in some of the base's own
  samples. Which of the two does it was not isolated.
- **Whole changes** do tell them apart: a linear machine that knows poisoned adapters with other triggers, of the same
  base, ranks most that act above most honest ones. Against honest adapters of one task alone it looks almost perfect,
  against those of several tasks much less so: the choice of negatives makes the figure. And it fails on `fixed`,
  whose answer is a text of its own while all other triggers make the model comply. So it seems to know what the
  backdoor makes the model do, not the trigger; what nobody has poisoned for it yet it misses. `fixed` has the same
  refused samples beside it as the others, so that these alone are not what it sees. Gatekeeper does not do this: its
  populations hold some fifty statistics of an adapter and no sketch of its change. Whether a sketch keeps what the
  whole change tells has to be measured on adapters made anew, since all of these have now been seen.
- **Low shares of poison** (.5 and 1 %) hardly act here, and are not found either. Gentler or harder training than the
  one recipe is not in this run.
- Hence `pass` of this check allows nothing by itself, and `anomalous` asks for an audit. Behaviour is where a
  backdoor shows.
- Of each kind of trigger there are few adapters: figures by kind are there to see a failure, not to rank. `several`
  shares words with `rare` and `name`, so of these three the others are not wholly unknown. The models are tiny and
  their tasks synthetic; a population of your own says how alike your adapters are.
"""

BEHAVES = ""
