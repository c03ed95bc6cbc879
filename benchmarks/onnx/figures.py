"""Tables of what was found and what was not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from benchmarks.onnx.judging import CRASH, IMPLANT, NAIVE, NONE, OTHERS, OURS, REVIEW, UNREAD
from benchmarks.shares import wilson


@dataclass(frozen=True, kw_only=True)
class Result:
    """What every tool said of one graph."""

    name: str
    implanted: bool
    held_out: bool
    part: str = ""
    """`raw` or `learned` of an implant, the group of an honest graph."""

    family: str = ""
    payload: str = ""
    host: str = ""
    exporter: str = ""
    form: str = ""
    words: dict[str, str] = field(default_factory=dict)
    """Tool → what it said."""

    said: str = ""
    """What ours said, in full."""

    def says(self, tool: str, *words: str) -> bool:
        """Whether a tool said one of some words."""
        return self.words.get(tool, "") in words


Key = Callable[[Result], str]


def table(results: Sequence[Result], title: str, key: Key) -> Iterator[str]:
    """Give a line for each group: how many, and what ours and the naive rule say."""
    groups: dict[str, list[Result]] = {}
    for result in results:
        groups.setdefault(key(result), []).append(result)
    yield f"{title:<36}{'graphs':>7}{'implant':>9}{'review':>8}{'none':>6}{'other':>7}   {'naive rule':>10}"
    for name, some in sorted(groups.items()):
        counts = Counter(result.words.get(OURS, "") for result in some)
        other = counts[UNREAD] + counts[CRASH]
        hits = sum(result.says(NAIVE, IMPLANT) for result in some)
        cells = f"{counts[IMPLANT]:>9}{counts[REVIEW]:>8}{counts[NONE]:>6}{other:>7}"
        yield f"{name:<36}{len(some):>7}{cells}   {hits:>10}"


def totals(results: Sequence[Result]) -> Iterator[str]:
    """Give the shares that count, of every tool that looked, with intervals."""
    tools = [OURS, NAIVE, *OTHERS]
    tools = [tool for tool in tools if any(tool in result.words for result in results)]
    yield f"{'':<44}" + "".join(f"{tool:<32}" for tool in tools)
    for title, part, hit in _ROWS:
        for word, held in (("tuned", False), ("held out", True)):
            some = [result for result in results if part(result) and result.held_out is held]
            if some:
                cells = [_share(some, tool, hit) for tool in tools]
                yield f"{title + ', ' + word:<44}" + "".join(f"{cell:<32}" for cell in cells).rstrip()


def _share(results: Iterable[Result], tool: str, hit: tuple[str, ...]) -> str:
    seen = [result for result in results if tool in result.words]
    return wilson(sum(result.says(tool, *hit) for result in seen), len(seen))


def raw(result: Result) -> bool:
    """Whether it is an implant whose trigger reads the input itself."""
    return result.implanted and result.part == "raw"


def learned(result: Result) -> bool:
    """Whether it is an implant whose trigger reads what looks learned."""
    return result.implanted and result.part == "learned"


def honest(result: Result) -> bool:
    """Whether it has no implant."""
    return not result.implanted


_ROWS: tuple[tuple[str, Callable[[Result], bool], tuple[str, ...]], ...] = (
    ("raw side: found", raw, (IMPLANT, REVIEW)),
    ("raw side: found as implant", raw, (IMPLANT,)),
    ("learned side: found", learned, (IMPLANT, REVIEW)),
    ("learned side: found as implant", learned, (IMPLANT,)),
    ("honest: called implant", honest, (IMPLANT,)),
    ("honest: called review", honest, (REVIEW,)),
)

_TARGETS: tuple[tuple[str, Callable[[Result], bool], tuple[str, ...], Callable[[float], bool]], ...] = (
    ("at least 99 % of raw-side implants are found", raw, (IMPLANT, REVIEW), lambda share: share >= 0.99),
    ("at least 50 % of learned-side implants are found", learned, (IMPLANT, REVIEW), lambda share: share >= 0.5),
    ("at most 1 % of honest graphs are called implant", honest, (IMPLANT,), lambda share: share <= 0.01),
    ("at most 3 % of honest graphs are called review", honest, (REVIEW,), lambda share: share <= 0.03),
    ("no graph ends in a crash", lambda result: True, (CRASH,), lambda share: share == 0),
)


def missed_targets(results: Sequence[Result]) -> list[str]:
    """Say which targets of ours are missed, tuned and held out apart; empty when none is."""
    missed = []
    for words, part, hit, holds in _TARGETS:
        for word, held in (("tuned", False), ("held out", True)):
            some = [result for result in results if part(result) and result.held_out is held and OURS in result.words]
            if some and not holds(sum(result.says(OURS, *hit) for result in some) / len(some)):
                missed.append(f"{words} ({word}): {_share(some, OURS, hit)}")
    return missed


def wrong(results: Iterable[Result]) -> Iterator[str]:
    """Name our misses, false alarms and what could not be read, one a line."""
    for result in results:
        if OURS not in result.words:
            continue
        good = (IMPLANT, REVIEW) if result.implanted else (NONE,)
        if not result.says(OURS, *good):
            label = "implant" if result.implanted else "honest"
            yield f"{label:<8} {result.words[OURS]:<8} {result.name}  {result.said}"
