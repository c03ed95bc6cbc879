"""Laws of the adapter checks: hostile configurations and headers never trip them, and never pass for what they are not.

Patterns match as Python's `re` does, which is the oracle, in work that is bounded.
"""

from __future__ import annotations

import contextlib
import json
import re
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from gatekeeper.artifact import Kind
from gatekeeper.checks.adapter import read_layout, unfit_for_loading
from gatekeeper.checks.adapter.claims import AdapterClaims
from gatekeeper.checks.adapter.config import config_of
from gatekeeper.checks.adapter.pattern_tree import PatternError
from gatekeeper.checks.adapter.patterns import Budget, is_costly, parse
from gatekeeper.checks.adapter.scope import AdapterScope
from gatekeeper.checks.adapter.targets import Targets
from gatekeeper.checks.check import Outcome
from tests.support import adapters as make
from tests.support.artifacts import CONTEXT, artifact

STEPS = 1_000_000
ATOMS = ["a", "b", "c", r"\.", ".", "[ab]", "[^a]", r"\d", "[a-c_]", r"\w", "^", "$", r"\b", "_", "1"]
NAMES = st.text("abc.1_", max_size=8)


def _grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    repeats = st.sampled_from(["*", "+", "?", "*?", "+?", "{1,2}", "{2}", "{,2}", "{1,}"])
    return st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda pair: f"(?:{pair[0]}|{pair[1]})"),
        inner.map(lambda part: f"({part})"),
        st.tuples(st.sampled_from(["(?=", "(?!"]), inner).map(lambda pair: f"{pair[0]}{pair[1]})"),
        st.tuples(inner, repeats).map(lambda pair: f"(?:{pair[0]}){pair[1]}"),
    )


PATTERNS = st.recursive(st.sampled_from(ATOMS), _grown, max_leaves=8)


@settings(max_examples=250, deadline=None)
@given(PATTERNS, NAMES)
@example(r".*\.(?:q|k)_proj", "model.layers.0.q_proj")
def test_a_pattern_matches_as_python_does(pattern: str, name: str) -> None:
    ours = parse(pattern)
    assert ours.is_whole(name, Budget(STEPS)) is bool(re.fullmatch(pattern, name))
    assert ours.is_tail(name, Budget(STEPS)) is bool(re.match(rf"(.*\.)?({pattern})$", name))


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=30), NAMES)
def test_any_text_is_matched_as_python_does_or_refused(text: str, name: str) -> None:
    try:
        ours = parse(text).is_whole(name, Budget(STEPS))
    except PatternError:
        return
    assert ours is bool(re.fullmatch(text, name))


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+b",
        "(a*)*b",
        "((?:a+){1,9})*b",
        "(?:.*a){40}b",
        r"(?:\w+\.?)+\d",
        ".*" * 30 + "x",
        "(a{1,900}){900}b",
        "(?:a|a)*b",
        "(?:a|a)" * 40 + "b",
        "(a?){40}a{40}b",
        "(?:a|[a-z])*b",
        "(?:a|aa)*b",
        ".*" * 6 + "x",
    ],
)
def test_a_pattern_that_would_keep_python_busy_is_called_so_and_costs_little(pattern: str) -> None:
    assert is_costly(pattern)
    with contextlib.suppress(PatternError):
        assert not parse(pattern).is_whole("a" * 60, Budget(100_000))


@pytest.mark.parametrize(
    "pattern",
    [r"^(?!.*visual).*\.(?:q_proj|v_proj)$", r".*\.(q|k|v|o)_proj", r"model\.layers\.(1|2|10|11)\..*_proj",
     r".*decoder.*(SelfAttention|EncDecAttention).*(q|v)$", "(?:q_proj|k_proj)" * 8],
)  # fmt: skip
def test_patterns_as_people_write_them_are_not_called_costly(pattern: str) -> None:
    assert not is_costly(pattern)


@pytest.mark.parametrize(
    "pattern", ["(", ")", "[", "a**", "*a", "a{9999}", "(?<=a)b", "(?i)a", r"\1", r"(a)\1", "\\", "a{2"]
)
def test_what_is_not_followed_is_refused(pattern: str) -> None:
    with pytest.raises(PatternError):
        parse(pattern)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=8,
)
FIELDS = st.sampled_from([*make.config(), "init_r", "alpha", "target_parameters", "exclude_modules", "layers_pattern",
                          "trainable_token_indices", "auto_map", "use_rslora", "init_lora_weights", "megatron_core",
                          "layer_replication", "alora_invocation_tokens"])  # fmt: skip


def looked(files: dict[str, bytes]) -> list[Outcome]:
    """Run both checks without the net that `inspect` is: what they raise is a failure here."""
    subject = artifact(files, kind=Kind.ADAPTER)
    outcomes = [check.run(subject, CONTEXT) for check in (AdapterClaims(), AdapterScope())]
    for found in read_layout(subject).adapters:
        why = unfit_for_loading(found)
        assert not why or why.isprintable()
    for outcome in outcomes:
        told = [finding.message for finding in outcome.findings] + [gap.reason for gap in outcome.gaps]
        assert all(text and text.isprintable() for text in told)
    return outcomes


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(FIELDS, VALUES, min_size=1, max_size=4))
@example({"r": 0})
@example({"init_lora_weights": {"pissa": []}})
@example({"megatron_core": ["os"], "layer_replication": "1"})
@example({"rank_pattern": {"(((((": 4}})
@example({"layers_to_transform": 10**400})
@example({"lora_alpha": 10**400})
@example({"target_modules": ["q_proj", "v_proj", "\ud800"]})
def test_no_configuration_trips_a_check_and_none_that_lies_passes(changes: dict[str, Any]) -> None:
    claims, _ = looked(make.adapter(**changes))
    if claims.findings or claims.gaps:
        return
    config = config_of(make.config(**changes), "adapter_config.json")
    targets = Targets(config)
    for layer in range(2):
        for module in ("q_proj", "v_proj"):
            name = f"model.layers.{layer}.self_attn.{module}"
            assert targets.rank(name) in (4, None)
            assert targets.is_target(name) is not False
            assert (targets.scale(name) or 1) > 0
    assert config.peft_type == "LORA"


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200))
@example(b"[]")
@example(b"{")
@example(b'{"r": NaN}')
def test_no_bytes_for_a_configuration_pass(data: bytes) -> None:
    with contextlib.suppress(ValueError, RecursionError):
        assume(not isinstance(json.loads(data), dict))
    claims, _ = looked({**make.adapter(), "adapter_config.json": data})
    assert {finding.id for finding in claims.findings} == {"adapter/claims/config-unreadable"}


HONEST = make.adapter()["adapter_model.safetensors"]
HEADER = int.from_bytes(HONEST[:8], "little") + 8


@settings(max_examples=120, deadline=None)
@given(st.lists(st.tuples(st.integers(0, HEADER - 1), st.integers(0, 255)), min_size=1, max_size=3), st.integers(0, 9))
def test_a_changed_header_is_told_or_names_the_same_modules(edits: list[tuple[int, int]], cut: int) -> None:
    changed = bytearray(HONEST)
    for at, byte in edits:
        changed[at] = byte
    data = bytes(changed[: len(changed) - cut])
    outcomes = looked({**make.adapter(), "adapter_model.safetensors": data})
    if any(outcome.findings or outcome.gaps for outcome in outcomes):
        return
    (adapter,) = read_layout(artifact({**make.adapter(), "adapter_model.safetensors": data})).adapters
    assert sum(tensor.elements for tensor in adapter.tensors) * 4 == len(HONEST) - HEADER
    assert {module.rank for module in adapter.modules} == {4}
    assert {module.target for module in adapter.modules} <= {"q_proj", "v_proj"}


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.text(max_size=30), st.sampled_from([(4, 16), (16, 4), (0, 4), (4,), ()]), max_size=6))
@example({"base_model.model..lora_A.weight": (4, 16)})
@example({".": (4,), "": (), "..": (4,)})
def test_no_names_of_tensors_trip_a_check(shapes: dict[str, tuple[int, ...]]) -> None:
    assume("__metadata__" not in shapes)
    claims, scope = looked(make.adapter({name: make.numbers(*shape) for name, shape in shapes.items()}))
    assert claims.findings or claims.gaps or scope.findings or scope.gaps
