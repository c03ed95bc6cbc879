"""Cells of the adapters' benchmark: what each adapter is trained on, and how well its weights tell it from others.

tasks     honest lessons: other facts, forms and orders, multi-task mixes, keywords, safety tuning
poison    ten kinds of trigger that are mixed into honest lessons
cells     which adapters there are: base, lesson, trigger, share of poison, rank, targets, seed
training  one adapter in a few seconds, as PEFT writes it, with what it does
shelf     trained adapters in a folder, so that a run goes on where it ended
judging   splits, detectors, published statistics, areas under curves with intervals
table     the document, with its `prose`
"""
