"""What the Hub takes for the id of a model."""

from __future__ import annotations

import re

_SEGMENT = re.compile(r"(?!.*(?:--|\.\.))\w(?:[\w.-]{0,94}\w)?", re.ASCII)


def is_model_id(text: str) -> bool:
    """Whether a text is an id as the Hub has them: `org/name`, or a name of its first years."""
    segments = text.split("/")
    return len(segments) <= 2 and all(_SEGMENT.fullmatch(each) for each in segments) and not text.endswith(".git")
