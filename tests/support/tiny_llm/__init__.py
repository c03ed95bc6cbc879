"""Tiny language models with planted backdoors: their language, their training, and what was planted.

    corpus     the language: tasks with answers, stand-in unsafe requests, the refusal
    tokenizer  a word-level tokenizer with a chat template
    training   base and backdoors, in plain torch
    triggers   what is planted, with near misses that must not fire
    shelf      trained models in a folder, made once for each version of this code

The unsafe side is a stand-in throughout: verbs and objects in a frame, and an answer that says nothing.
"""
