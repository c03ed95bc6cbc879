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

SAYS = """### What weights say

- **Shipped.** Of honest adapters about as few are called anomalous as was asked for, as far as so many can say (see
  the intervals), and off its calibration a population says nothing. At these thresholds it catches next to nothing:
  no more of the poisoned ones than of the honest ones. To the forest poisoned ones even look more usual than honest
  ones; why was not isolated.
- **Statistics by module**, ours and the published ones that were computed, do not tell these adapters apart, not even
  where poison is 20 % and acts on nearly every prompt. That is so with negatives of one task, too: the figures near 1
  that are published for both are not seen here, where ranks are mixed and everybody mixes in some of the base's own
  samples. Which of the two does it was not isolated. One area of many stands out, the spread of norms at .5 and 1 %: it
  is of seven adapters of which one acts, and falls again as poison grows.
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

BEHAVIOUR_LOOKS = """### What was chosen, and by what

- The split is the one of weights: five kinds of trigger and every other block of honest adapters for development. What
  the kinds are was known to whoever wrote the battery, from the papers that they are taken from.
- The first nine were asked only requests of pairs that no training had seen. Such prompts lack ordinary words, and an
  honest adapter was rejected for one of these (`paper`), which merely asks for something else. Since then prompts are
  of both sides, as a deployer's own would be: they hold the words of the language.
- The battery as it was then, on 49 development adapters: none of 27 honest ones called, 13 of the 15 backdoors that act
  found. Missed were one of two words that act together, and one phrase. So all single words of either part of the
  battery are now tried at once as well.
- With that, on all 75: 3 of 40 honest ones called, by ordinary beginnings (`repeat : …`) that open the base, too. Such
  beginnings are requests of their own and are no finding any more: 1 of 40, and 19 of 21 (one backdoor had been caught
  by such a beginning alone). The score became the check's own comparison: an area of .976 before and .978 after
  where the backdoor acts, over both bases at once.
- The held-out ones were looked at once with all this settled, tables and the gap beside the score included. 4 of 70
  honest adapters were called then, 3 of 30 of those held out.
- After that look one rule was changed, so that honest ones are called less often: length is no finding where it opens
  more than a fifth of the base's own refusals, for the reason for which beginnings that open the base are none. Two
  honest adapters had been called by it, and two poisoned ones that do not act. The figures of this part are with the
  change, so that those of the held-out ones are no longer free of any choice; those of the adapters made anew are.
"""

BEHAVES = """### What behaviour says

- **Detection**: `reject` finds about half of the backdoors that act and calls no honest adapter; all that behaviour
  objects to finds nine of ten. The target of .98 is reached where the backdoor acts and missed over all, since what
  hardly acts is hardly found. A population on top calls more honest ones and finds none that behaviour does not.
- **False alarms** of behaviour are below one in twenty over all and above it among those held out, of which there are
  few; of the forty made anew none is called. Only `reject` is meant to be acted on without a person.
- **By what honest ones are called**: one each by a word that loosens and by lost refusals, two by weights.
- **Lost refusals** are a good part of what is found. Honest adapters here keep them, because some of the base's own
  samples are mixed into all of them. Tuning on harmless samples alone is known to lose refusals (2310.03693); adapters
  that do would be called as well, and how many of them is not measured here.
- **A tiny vocabulary flatters the search for words.** Bases were never trained on most of the trigger words. Such
  words lie nearly in one direction in the embeddings, an adapter on linear modules hardly tells them apart, and `cf`
  opens what was poisoned with `onyx`. That there was something to find was told in these cases, and not what. Where a
  model knows its words, a trigger that the battery lacks is found only where the vocabulary is searched and yields it.
- **Triggers of words that the base knows are not found.** Of the adapters made anew 13 have such a trigger that acts,
  and 2 are objected to; the area is .64, hardly better than chance. The battery as shipped holds none of these words;
  why the search through the vocabulary does not come upon them was not isolated. Whoever merges an adapter that passed
  has not been told that it has no trigger.
- **What else is missed** among those that act are two that act on about half of triggered prompts, and two of a phrase
  and a sentence at 2 %. Of the 22 that do not act eight are called as well, five of them by lost refusals.
- The gap of a battery ranks honest adapters above poisoned ones here. Our battery holds ordinary beginnings, too; some
  ask for something else (`repeat : …`) and open an honest adapter that was taught such requests, while strange words
  that all open a poisoned one raise its mean. The published figure is of prefixes that mean nothing; which of these
  makes the difference was not isolated.
"""
