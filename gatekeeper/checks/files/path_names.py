"""Names of files that do not read as what they are, or are something else on another system."""

from __future__ import annotations

import re
import unicodedata

from gatekeeper.checks.files.instructions import LOOKALIKES

_UNSEEN = frozenset({"Cf", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories: marks of direction and width, private and unassigned characters, separators of lines."""

_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters and marks that are drawn as nothing (Default_Ignorable_Code_Point), and the empty Braille pattern."""

_LETTERS = re.compile(r"[^\W\d_]+")
_DEVICE = re.compile(
    r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9\u00b9\u00b2\u00b3])(?:[. ]|\Z)", re.IGNORECASE
)
"""Names of devices in every folder of Windows, whatever ending follows ("Naming Files, Paths, and Namespaces")."""

_STREAM = re.compile(r"\.[A-Za-z]\w{1,11}:(?!:|\d+\Z)")


def deceptive(path: str) -> bool:
    """Whether a path holds characters that show nothing or turn the text round."""
    if path.isascii():
        return False
    return any(unicodedata.category(character) in _UNSEEN or character in _BLANK for character in path)


def imitates(path: str) -> str:
    """Give the Latin path that a path passes for; empty when it passes for none.

    Letters of other alphabets are honest in words of their own. Within one word with Latin letters, or as wide and
    styled forms of these, they only serve to be taken for Latin (Unicode TR 39, section 5.1, mixed-script).

    Args:
        path: With `/` between its parts.
    """
    if path.isascii():
        return ""
    composed = unicodedata.normalize("NFKC", path)
    if composed.isascii():
        return composed
    latin = composed.lower().translate(LOOKALIKES)
    return latin if any(_is_mixed(word) for word in _LETTERS.findall(composed.lower())) else ""


def _is_mixed(word: str) -> bool:
    """Whether a word is Latin but for letters that pass for such."""
    return not word.isascii() and word.translate(LOOKALIKES).isascii() and any(map(str.isascii, word))


def unportable(path: str) -> str:
    """Say why a path names something else on Windows; empty when it does not.

    Args:
        path: With `/` between its parts.
    """
    for part in path.split("/"):
        if _DEVICE.match(part):
            return "Windows takes it for a device"
        if part.endswith((".", " ")):
            return "Windows drops the dot or space at the end of a name, so that it is another file there"
        if _STREAM.search(part):
            return "Windows takes it for a hidden stream of the file before the colon"
    return ""
