"""Characters that pass for others, reviewed by hand, and names reduced to what the eye reads.

Hub names are ASCII today, but a base model in a card can be any text. The table holds the letters of the Cyrillic,
Greek, Armenian and extended Latin alphabets that common fonts draw like a Latin letter or digit; width, font and
accent variants need no entry, because compatibility decomposition (Unicode NFKD) removes them.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

# Capitals stand beside small letters because some change their likeness with case: the Greek capital Eta is drawn
# like H, its small letter like n.
_LETTERS = {
    "a": "\u0410\u0430\u0391\u03b1\u0251",
    "b": "\u0412\u0432\u0392\u03b2\u042c\u044c",
    "c": "\u0421\u0441\u03f2\u03f9",
    "d": "\u0501\u0111\u0256",
    "e": "\u0415\u0435\u0395\u03b5\u0454\u04bd",
    "f": "\u0192\u03dd",
    "g": "\u0261\u0581",
    "h": "\u041d\u043d\u0397\u04bb\u04ba\u0570\u0127",
    "i": "\u0406\u0456\u0399\u03b9\u0131\u0269",
    "j": "\u0408\u0458\u03f3",
    "k": "\u041a\u043a\u039a\u03ba",
    "l": "\u04c0\u04cf\u0142\u01c0\u2223",
    "m": "\u041c\u043c\u039c",
    "n": "\u039d\u03b7\u0578\u057c\u043f",
    "o": "\u041e\u043e\u039f\u03bf\u0555\u0585\u00f8\u03c3",
    "p": "\u0420\u0440\u03a1\u03c1",
    "q": "\u051a\u051b\u0566",
    "r": "\u0433",
    "s": "\u0405\u0455\u054f",
    "t": "\u0422\u0442\u03a4\u03c4",
    "u": "\u057d\u03c5\u028b",
    "v": "\u0474\u0475\u03bd",
    "w": "\u051c\u051d\u0461\u03c9\u026f",
    "x": "\u0425\u0445\u03a7\u03c7\u00d7",
    "y": "\u0423\u0443\u04af\u03a5\u03b3",
    "z": "\u0396\u03b6\u1d22",
}

FOREIGN: dict[str, str] = {foreign: latin for latin, all_of_them in _LETTERS.items() for foreign in all_of_them}
"""Letter of another alphabet → the Latin letter that it passes for."""

ASCII: dict[str, str] = {
    "0": "o", "1": "l", "i": "l", "|": "l", "!": "l", "5": "s", "$": "s", "3": "e", "4": "a", "@": "a", "7": "t",
    "8": "b", "2": "z", "9": "g",
}  # fmt: skip
"""ASCII character → the one that stands for it in a skeleton. `i` and `l` are one, since a capital i is drawn as l."""

PAIRS: dict[str, str] = {"m": "rn", "w": "vv", "d": "cl"}
"""One letter → two that look like it. Skeletons are written with the two: expanding has one result, joining has not."""

_FOREIGN = str.maketrans(FOREIGN)
_ASCII = str.maketrans(ASCII)
_PAIRS = str.maketrans(PAIRS)
_UNSEEN = frozenset({"Cc", "Cf", "Mn", "Me"})
_SEPARATORS = frozenset({"Pc", "Pd", "Zs"})
_LONGEST = 256


@lru_cache(maxsize=4096)
def words(name: str) -> tuple[str, ...]:
    """Give the words of a name as the eye reads them: Latin small letters where they pass for such.

    Args:
        name: Any text; what stands after 256 characters is not read.
    """
    # The table comes first: decomposition would turn the Greek lunate sigma, drawn like c, into a common one.
    decomposed = unicodedata.normalize("NFKD", name[:_LONGEST].translate(_FOREIGN))
    seen = "".join(character for character in decomposed if unicodedata.category(character) not in _UNSEEN)
    latin = seen.translate(_FOREIGN).lower().translate(_FOREIGN)
    spaced = "".join(" " if unicodedata.category(letter) in _SEPARATORS else letter for letter in latin)
    return tuple(re.split(r"[\s./]+", spaced.strip(" ./")))


def folded(text: str) -> str:
    """Write every ASCII confusable as the character that stands for it; the length stays."""
    return text.translate(_ASCII)


@lru_cache(maxsize=4096)
def skeleton(text: str) -> str:
    """Give what two texts share when the eye can't tell them apart."""
    return folded(text).translate(_PAIRS)


@lru_cache(maxsize=4096)
def undoubled(text: str) -> str:
    """Write each run of one letter once."""
    return re.sub(r"(.)\1+", r"\1", text, flags=re.DOTALL)
