"""What the taint rule remembers of each value: one bit each, so that joining two values is one `|`.

A value's level is the highest of its level bits: nothing (constant), `SHAPE`, `RAW`, `LEARNED`. The other bits below
`NARROW` are about what is not learned yet, those from there on about what is.
"""

from __future__ import annotations

SHAPE = 1 << 0
"""Made of sizes of inputs."""

RAW = 1 << 1
"""Made of the data of inputs, and no learned layer has read it yet."""

LEARNED = 1 << 2
"""Behind a learned layer."""

ELEMENT = 1 << 3
"""Something was decided for every position on its own."""

PART_SUMMED = 1 << 4
"""Some axis of positions was summed up; positions of another may be left."""

PART_PICKED = 1 << 5
"""Fixed places of some axis of positions were picked out; positions of another may be left."""

SUMMED = 1 << 6
"""One answer for the whole input is left, summed up over positions."""

PICKED = 1 << 7
"""What is left are fixed places of the input."""

COUNT = 1 << 8
"""A sum of decisions about positions: how many tokens are no padding."""

INDEX = 1 << 9
"""Where in the input something stands."""

DECIDED = 1 << 10
"""A decision about the input as a whole."""

LENGTH = 1 << 11
"""A decision about the size of the input."""

POSITIONS = 1 << 12
"""Counts positions: `Range`, running sums, triangles."""

RUNNING = 1 << 13
"""A running sum over the data of positions."""

OFFSET = 1 << 14
"""Held against a constant by addition: no longer proportional to the input."""

GUARD = 1 << 15
"""Kept away from zero so that something can be divided by it."""

RATIO = 1 << 16
"""Divided by such a number."""

SIZED = 1 << 17
"""Its size depends on data: `NonZero`, `Compress`, `Unique`."""

WHOLE = 1 << 18
"""Integers."""

TOKEN = 1 << 19
"""Numbers of tokens, still as they came: only their names in the vocabulary, no quantity."""

REWRITTEN = 1 << 20
"""Input data that a decision about the input as a whole has changed."""

SCALED = 1 << 21
"""Input data that such a decision has only multiplied, divided or bounded."""

WEIGHT = 1 << 22
"""Weights that were chosen or changed by data."""

ANGLE = 1 << 23
"""Went through a sine or cosine, as positions do."""

PATTERN = 1 << 25
"""A decision about positions, times a constant vector."""

TEXT = 1 << 26
"""Strings: one element holds a whole text."""

CHANCE = 1 << 27
"""Drawn at random."""

SIZES = 1 << 28
"""All sizes of a value, as `Shape` gives them: how many they are is the same for every input."""

WEIGHED = 1 << 29
"""Looked up in a narrow table of trained numbers, as the linear half of a recommender is."""

NARROW = 1 << 32
"""One number each, read off learned data: by reduction, by picking one, by a layer with one output."""

COMPARED = 1 << 33
"""Such a number held against a constant other than zero."""

BENT = 1 << 34
"""Such a number after a function that saturates."""

ADDED = 1 << 35
"""Such a saturated number times a constant vector."""

LOOKED_UP = 1 << 36
"""Straight out of a table of vectors."""

LESS = 1 << 37
"""Learned data less a constant vector."""

BELL = 1 << 38
"""How far learned data are from a constant vector: squared, or without its sign."""

FIRST = 1 << 39
"""Straight out of a convolution over the input."""

LEVELS = SHAPE | RAW | LEARNED
ALONE = SUMMED | PICKED
"""One answer is left."""

LATER = NARROW | COMPARED | BENT | ADDED | LOOKED_UP | LESS | BELL | FIRST | OFFSET
DECISION = DECIDED | COUNT | INDEX | ELEMENT | LENGTH
