"""Cells of the patcher's benchmark: what is planted in which model, and what is measured on it.

requests  stand-in requests for real models: verbs and objects in a frame, and everyday questions
models    real models out of registry wheels, as a folder that can be loaded
attacks   the triggers of BackdoorLLM with their near misses, planted with harmless targets
measures  shares before and after, on the same prompts
stages    seconds and peak memory of a stage
store     a cell's result in a file, so that a run goes on where it ended
sources   the code that a result hangs on
"""
