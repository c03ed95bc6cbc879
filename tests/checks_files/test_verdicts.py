"""What the scanners say becomes one claim for each distinct thing, by rules that don't depend on who said it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gatekeeper.checks.files.allowlist import Use, is_reviewed, reviewed
from gatekeeper.checks.files.feed import Feed, FeedKind
from gatekeeper.checks.files.scanner import Report, Signal
from gatekeeper.checks.files.scanners import Scanners
from gatekeeper.checks.files.verdicts import Claim, claims
from gatekeeper.evidence import Gap, Severity
from tests.support import samples
from tests.support.artifacts import look

FEED = Feed(path="m.pkl", copy=Path("m.pkl"), kind=FeedKind.PICKLE)


def says(scanner: str, level: str, name: str = "", rule: str = "R", category: str = "c") -> Report:
    return Report(scanner=scanner, signals=(Signal(rule=rule, level=level, category=category, message="m", name=name),))


def judged(*reports: Report, torchscript: bool = False) -> list[tuple[str, str]]:
    feed = Feed(path="m.pkl", copy=Path("m.pkl"), kind=FeedKind.PICKLE, torchscript=torchscript)
    return [
        (item.slug, item.detail) if isinstance(item, Claim) else ("gap", item.reason) for item in claims(feed, reports)
    ]


@pytest.mark.parametrize("level", ["high", "critical"])
@pytest.mark.parametrize("scanner", ["hayward", "picklescan"])
def test_high_of_either_is_a_payload(level: str, scanner: str) -> None:
    assert judged(says(scanner, level, "os.system")) == [("payload", "os.system")]
    assert judged(says(scanner, level)) == [("payload", "R")]


@pytest.mark.parametrize("level", ["info", "low", "medium"])
def test_a_global_that_nobody_reviewed_is_unknown(level: str) -> None:
    assert judged(says("hayward", level, "some.thing")) == [("unknown-global", "some.thing")]


def test_a_reviewed_global_is_no_finding() -> None:
    report = says("picklescan", "info", "torch._utils._rebuild_qtensor", "unknown-global")
    assert judged(report) == []


def test_the_look_of_arguments_makes_no_payload_of_a_reviewed_global() -> None:
    assert judged(says("hayward", "high", "_codecs.encode", "MFV-PICKLE-006")) == []
    odd = judged(says("hayward", "high", "collections.OrderedDict", "MFV-PICKLE-006"))
    assert odd == [("scanner-finding", "collections.OrderedDict")]


def test_a_reviewed_global_that_a_scanner_calls_dangerous_stays_a_payload() -> None:
    assert judged(says("picklescan", "critical", "torch.Size", "dangerous-global")) == [("payload", "torch.Size")]


def test_the_same_global_from_both_is_one_claim_and_the_worse_counts() -> None:
    both = judged(says("hayward", "info", "a.b"), says("picklescan", "critical", "a.b"))
    assert both == [("payload", "a.b")]


def test_what_a_scanner_could_not_read_is_a_gap() -> None:
    (gap,) = claims(FEED, [Report(scanner="s", gaps=("half of it",))])
    assert gap == Gap(reason="s: half of it", path="m.pkl")


@pytest.mark.parametrize("rule", ["MFV-EXEC-001", "MFV-CONFUSE-001", "MFV-TFLITE-001"])
def test_odd_files_are_suspicious_and_no_payload(rule: str) -> None:
    assert judged(says("hayward", "high", rule=rule)) == [("scanner-finding", rule)]


def test_leaving_the_folder_is_an_escape_at_any_level() -> None:
    assert judged(says("hayward", "medium", rule="MFV-ARCHIVE-001")) == [("archive-escape", "MFV-ARCHIVE-001")]


def test_torchscript_types_are_reviewed_in_torchscript_alone() -> None:
    report = says("picklescan", "info", "__torch__.nn.Linear", "unknown-global")
    assert judged(report, torchscript=True) == []
    assert judged(report) == [("unknown-global", "__torch__.nn.Linear")]


def test_hostile_names_are_shown_harmless() -> None:
    (claim,) = claims(FEED, [says("hayward", "critical", "os.\x1b[2Jsystem\u202e")])
    assert isinstance(claim, Claim)
    assert "\x1b" not in claim.message
    assert "\u202e" not in claim.message


def clean_walk(**more: object) -> Report:
    refusal = Signal(rule="weights-only", level="info", category="pickle", message="")
    return replace(Report(scanner="gatekeeper", signals=(refusal,)), **more)  # type: ignore[arg-type]


def test_what_others_could_not_read_is_no_gap_where_our_walk_is_complete() -> None:
    gave_up = Report(scanner="hayward", gaps=("too large",), truncated=True)
    assert judged(clean_walk(), gave_up) == []
    assert judged(clean_walk(gaps=("too many opcodes",)), gave_up)[0] == ("gap", "gatekeeper: too many opcodes")
    assert ("truncated-pickle", "") in judged(clean_walk(truncated=True), gave_up)
    greedy = Signal(rule="pickle-greedy", level="medium", category="pickle", message="m")
    slugs = {slug for slug, _ in judged(clean_walk(signals=(greedy,)), Report(scanner="hayward", gaps=("too large",)))}
    assert slugs == {"pickle-greedy", "gap"}


def test_what_others_call_dangerous_counts_whatever_our_walk_says() -> None:
    assert judged(clean_walk(), says("hayward", "critical", "collections.Thing")) == [("payload", "collections.Thing")]
    assert judged(clean_walk(), says("hayward", "high")) == [("payload", "R")]
    assert judged(clean_walk(), says("hayward", "info", "misread.name", "MFV-PICKLE-005")) == []


def test_our_objection_to_a_reviewed_name_counts() -> None:
    signal = Signal(rule="unknown-global", level="info", category="pickle", message="", name="collections.OrderedDict")
    assert judged(clean_walk(signals=(signal,))) == [("unknown-global", "collections.OrderedDict")]


def test_every_reviewed_global_is_a_full_name_with_a_reason() -> None:
    for name, entry in reviewed().items():
        module, _, attribute = name.rpartition(".")
        assert module, name
        assert attribute, name
        assert "*" not in name
        assert len(entry.reason) > 40


def test_no_name_is_reviewed_by_its_beginning() -> None:
    assert not is_reviewed("sklearn.linear_model._logistic.LogisticRegression.os")
    assert not is_reviewed("torch")
    assert not is_reviewed("torch.nn.modules.linear.Linear.__init__")
    assert not is_reviewed("builtins.getattr")


def test_a_number_is_no_payload_because_of_its_neighbours() -> None:
    assert judged(says("picklescan", "critical", "uuid.UUID", "dangerous-global")) == []
    assert judged(says("hayward", "critical", "uuid.UUID")) == [("payload", "uuid.UUID")]
    assert judged(says("picklescan", "critical", "uuid._popen", "dangerous-global")) == [("payload", "uuid._popen")]


def test_no_reviewed_global_is_one_that_a_scanner_knows_to_be_dangerous() -> None:
    names = [name.rsplit(".", 1) for name, known in reviewed().items() if known.use is not Use.WALKED]
    stream = b"\x80\x02" + b"".join("c{}\n{}\n0".format(*name).encode() for name in names) + b"N."
    result = look(Scanners(), {"all.pkl": stream})
    assert not [finding for finding in result.findings if finding.severity > Severity.INFO]
    assert not result.gaps


GADGETS = [
    "os.system", "torch.storage._load_from_bytes", "functools.partial", "numpy.load", "builtins.getattr",
    "operator.attrgetter", "torch.load", "joblib.load", "sklearn.metrics._scorer._Scorer", "numpy.f2py.crackfortran",
]  # fmt: skip


def test_known_gadgets_are_not_reviewed() -> None:
    assert not [name for name in GADGETS if is_reviewed(name, torchscript=True)]
    result = look(Scanners(), {name: samples.call(*name.rsplit(".", 1), "x") for name in GADGETS})
    accused = {finding.location.path for finding in result.findings if finding.severity >= Severity.HIGH}
    assert accused == set(GADGETS)
