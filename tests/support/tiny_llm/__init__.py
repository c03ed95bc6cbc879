"""Tiny language models with planted backdoors: their language, their training, and what was planted.

    corpus     the language: tasks with answers, stand-in unsafe requests, the refusal
    tokenizer  a word-level tokenizer with a chat template
    training   a base, in plain torch
    triggers   what is planted, with near misses that must not fire
    planting   a backdoor into a base: all weights, an adapter, one row, one layer
    failures   transcripts with what is known of their cause, and clean prompts
    measuring  what a model does, measured without the product
    shelf      trained models in a folder, made once for each version of this code
    demo       the two models that the demo carries

The base of seed 0 lies in `base/`. The unsafe side is a stand-in throughout: verbs and objects in a frame, and an
answer that says nothing.
"""
