"""Whether a publisher's name imitates a trusted one.

What counts, in this order: the same name to the eye (confusable letters, other separators), its words in another
order, a decoration added or dropped (`real-`, `-official`, `-ai`), doubled letters, one slip of the keyboard, and for
long names two. How much may differ grows with the length of the trusted name, since short names are close to many
honest ones: below five letters no slip counts, below six only two letters swapped.

Two honest organisations can be as near as an imitation: `facebook` and `FacebookAI`, `Intel` and `IntelLabs`,
`WizardLM` and `WizardLMTeam`, `cohere` and `CohereLabs`. Nothing in the names tells these from a squatter who adds
`AI`; a deployer who trusts one and meets the other says so by trusting both.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gatekeeper.checks.provenance.confusables import folded, skeleton, undoubled, words
from gatekeeper.checks.provenance.names import listed
from gatekeeper.evidence import Confidence

_CLAIMS = frozenset({"official", "real", "verified", "original", "authentic", "genuine", "legit", "true"})
"""Words that claim to be the very publisher: decorations whatever the length of the name."""

_DECORATIONS = _CLAIMS | frozenset({
    "ai", "app", "co", "com", "company", "corp", "dev", "group", "hf", "hub", "huggingface", "inc", "io", "lab",
    "labs", "llc", "llm", "llms", "ltd", "ml", "model", "models", "org", "team", "tech", "the",
})  # fmt: skip
"""Words that publishers put beside their name without becoming somebody else."""

_GENERIC = _DECORATIONS | frozenset({"community", "research", "project", "foundation", "institute", "university"})
"""Words that many names share; they don't make a name longer when it is asked how much may differ."""

_CLAIM_SKELETONS = frozenset(map(skeleton, _CLAIMS))
_DECORATION_SKELETONS = frozenset(map(skeleton, _DECORATIONS))

_SHORTEST = 3
_SWAP_LETTERS = 5
_SLIP_LETTERS = 6
_TWO_SLIPS_LETTERS = 10
_STEM_LETTERS = 4
_BARE_STEM_LETTERS = 6


@dataclass(frozen=True, kw_only=True, slots=True)
class Lookalike:
    """A trusted publisher and how a name imitates it."""

    publisher: str
    """As the deployer wrote it."""

    how: str
    """In words, to follow "imitates NAME: "."""

    confidence: Confidence


def find_lookalike(name: str, trusted: Iterable[str]) -> Lookalike | None:
    """Give the trusted publisher that `name` imitates most closely; None when it is trusted itself or like none.

    Args:
        name: Organisation or user.
        trusted: Names that the deployer trusts.
    """
    names = sorted(trusted)
    if not name or listed(name, names):
        return None
    found = [likeness for likeness in (_compare(name, candidate) for candidate in names) if likeness]
    return max(found, key=lambda likeness: likeness.confidence, default=None)


def _compare(name: str, trusted: str) -> Lookalike | None:
    suspect, model = words(name), words(trusted)
    if len("".join(model)) < _SHORTEST:
        return None
    for test, confidence in _TESTS:
        how = test(suspect, model)
        if how:
            return Lookalike(publisher=trusted, how=how, confidence=confidence)
    return None


def _same_to_the_eye(suspect: tuple[str, ...], model: tuple[str, ...]) -> str:
    ours, theirs = "".join(suspect), "".join(model)
    if ours == theirs:
        return "the letters are the same, separators, accents or alphabets differ"
    return "it differs by characters that look alike" if skeleton(ours) == skeleton(theirs) else ""


def _reordered(suspect: tuple[str, ...], model: tuple[str, ...]) -> str:
    same = sorted(map(skeleton, suspect)) == sorted(map(skeleton, model))
    return "it has the same words in another order" if same else ""


def _claiming(suspect: tuple[str, ...], model: tuple[str, ...]) -> str:
    ours, theirs = "".join(suspect), "".join(model)
    bare = [word for word in suspect if word not in _CLAIMS]
    apart = len(bare) < len(suspect) and skeleton("".join(bare)) == skeleton(theirs)
    if apart or _rest(ours, theirs) & _CLAIM_SKELETONS:
        return "it adds a word that claims to be the real one"
    return ""


def _decorated(suspect: tuple[str, ...], model: tuple[str, ...]) -> str:
    how = "it adds or drops a word that says nothing"
    ours, theirs = _undecorated(suspect), _undecorated(model)
    if ours != suspect or theirs != model:
        stem = "".join(theirs)
        if len(stem) >= _STEM_LETTERS and skeleton("".join(ours)) == skeleton(stem):
            return how
    added = _glued("".join(suspect), "".join(model), _STEM_LETTERS)
    dropped = _glued("".join(model), "".join(suspect), _BARE_STEM_LETTERS)
    return how if added or dropped else ""


def _undecorated(name: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(word for word in name if word not in _DECORATIONS and not word.isdigit()) or name


def _glued(longer: str, stem: str, shortest: int) -> bool:
    """Whether `longer` is `stem` with a decoration or a number written to it without a separator."""
    if len(stem) < shortest or len(longer) <= len(stem):
        return False
    return longer.rstrip("0123456789") == stem or bool(_rest(longer, stem) & _DECORATION_SKELETONS)


def _rest(longer: str, stem: str) -> set[str]:
    """Give what stands before or after `stem` in `longer`, as skeletons."""
    whole, part = skeleton(longer), skeleton(stem)
    after = {whole[len(part) :]} if whole.startswith(part) else set()
    before = {whole[: -len(part)]} if whole.endswith(part) else set()
    return after | before


def _doubled(suspect: tuple[str, ...], model: tuple[str, ...]) -> str:
    ours, theirs = "".join(suspect), "".join(model)
    # A short name with a letter fewer is another short name (`bai` is not `baai`); with one more it is not.
    if len(theirs) < _SWAP_LETTERS and len(ours) < len(theirs):
        return ""
    same = folded(undoubled(ours)) == folded(undoubled(theirs))
    return "it doubles a letter, or writes a doubled one once" if same else ""


def _one_slip(suspect: tuple[str, ...], model: tuple[str, ...]) -> str:
    ours, theirs = folded("".join(suspect)), folded("".join(model))
    if len(theirs) < _SWAP_LETTERS or _is_far(ours, theirs, 1) or distance(ours, theirs) != 1:
        return ""
    if len(ours) == len(theirs) and sorted(ours) == sorted(theirs):
        return "two letters are swapped"
    if len(theirs) < _SLIP_LETTERS:
        return ""
    if len(ours) < len(theirs):
        return "a letter is missing"
    if _own_letters(model) < _SLIP_LETTERS or _is_series("".join(suspect), "".join(model)):
        return ""
    return "a letter is added" if len(ours) > len(theirs) else "a letter is changed"


def _two_slips(suspect: tuple[str, ...], model: tuple[str, ...]) -> str:
    ours, theirs = folded("".join(suspect)), folded("".join(model))
    if _own_letters(model) < _TWO_SLIPS_LETTERS or _is_far(ours, theirs, 2):
        return ""
    # Both differences at one end are another word, not two slips (`HuggingFaceTB` and `HuggingFaceM4`).
    shared = min(len(ours), len(theirs)) - 2
    if ours[:shared] == theirs[:shared] or ours[-shared:] == theirs[-shared:]:
        return ""
    return "two letters differ" if distance(ours, theirs) == 2 else ""


def _own_letters(model: tuple[str, ...]) -> int:
    """Count the letters that are the name's own: shared words tell nothing (`xai-org` is not `zai-org`)."""
    own = [word for word in model if word not in _GENERIC] or model
    return sum(map(len, own))


def _is_series(ours: str, theirs: str) -> bool:
    """Whether two names differ in a number or in the letter before one, as members of a series do (`H4`, `M4`)."""
    if len(ours) != len(theirs):
        return False
    at = next(index for index, pair in enumerate(zip(ours, theirs, strict=True)) if pair[0] != pair[1])
    around = zip(ours[at : at + 2], theirs[at : at + 2], strict=True)
    return any(left.isdigit() and right.isdigit() for left, right in around)


def _is_far(ours: str, theirs: str, edits: int) -> bool:
    """Whether more edits are needed for sure: each changes the length by one and the set of letters by two at most."""
    return abs(len(ours) - len(theirs)) > edits or len(set(ours) ^ set(theirs)) > 2 * edits


def distance(left: str, right: str) -> int:
    """Give the optimal string alignment distance: insertions, deletions, changes and swaps of neighbours.

    This is the restricted Damerau-Levenshtein distance: no part of the text is edited twice.
    """
    before: list[int] = []
    above = list(range(len(right) + 1))
    for row, letter in enumerate(left, start=1):
        line = [row]
        for column, other in enumerate(right, start=1):
            best = min(above[column] + 1, line[-1] + 1, above[column - 1] + (letter != other))
            if row > 1 and column > 1 and letter == right[column - 2] and left[row - 2] == other:
                best = min(best, before[column - 2] + 1)
            line.append(best)
        before, above = above, line
    return above[-1]


_TESTS = (
    (_same_to_the_eye, Confidence.HIGH),
    (_reordered, Confidence.HIGH),
    (_claiming, Confidence.HIGH),
    (_decorated, Confidence.MEDIUM),
    (_doubled, Confidence.MEDIUM),
    (_one_slip, Confidence.MEDIUM),
    (_two_slips, Confidence.LOW),
)
