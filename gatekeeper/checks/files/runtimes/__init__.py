"""Strict readers of what inference engines load, one a file: TensorFlow checkpoints, CTranslate2, fastText and others.

Each is a judge: a pure function from one file's bytes to problems, by the slugs of `files/runtime-models`. Weights are
passed over, never read; what can't be judged is said under the slug `unjudged`.
"""

from __future__ import annotations
