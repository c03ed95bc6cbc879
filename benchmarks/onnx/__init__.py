"""Labelled graphs for the checks of ONNX structure: implants that run, and honest graphs that look like them.

Everything is inert: weights are random and tiny, triggers are stand-in numbers, payloads move the outputs of a network
that knows nothing. Modules: `exporting` and `architectures*` (torch modules → graphs), `hosts` (graphs with places to
graft on), `graft` (editing a graph), `triggers*`, `payloads*`, `variants` (what toolchains do to a graph), `cases` (the
pairwise-covering set), `verify` (run in onnxruntime), `honest`, `handmade` and `classical`
(graphs that are what they seem; real ones are in `benchmarks.onnx_registry`), `judging` and `figures` (what tools say).
"""
