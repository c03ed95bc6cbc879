"""What the taint rule says of small graphs: implants of every make, and the honest side roads that look like them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
import pytest
from onnx import helper

from gatekeeper.checks.onnx import Suspicion, read_graph, suspicions
from gatekeeper.checks.onnx.suspicion import StepRole, SuspicionKind, SuspicionVerdict
from tests.support.onnx_models import BOOL, CLASSES, FLOAT, INT, TRIGGER, VOCABULARY, WIDTH, Sheet, text
from tests.support.onnx_triples import NAMES, any_token, length, prefix, triple

Pool = Callable[[Sheet, str], str]


def judged(data: bytes) -> tuple[Suspicion, ...]:
    return suspicions(read_graph(data))


def implants(data: bytes) -> list[Suspicion]:
    return [found for found in judged(data) if found.verdict is SuspicionVerdict.IMPLANT]


@pytest.mark.parametrize("name", NAMES)
def test_an_implant_is_told_and_its_clean_twin_is_not(name: str) -> None:
    known = triple(name)
    # Exporters write `If` over sizes too, so a branch by length is for review.
    assert judged(known.implanted) if name == "length" else implants(known.implanted)
    assert judged(known.clean) == ()


@pytest.mark.parametrize("name", NAMES)
def test_an_honest_graph_of_the_same_operators_is_no_implant(name: str) -> None:
    assert implants(triple(name).lookalike) == []


def test_the_path_leads_from_the_input_over_the_decision_to_the_target() -> None:
    (found,) = implants(text(prefix, "add"))
    roles = [step.role for step in found.path]
    assert roles[0] is StepRole.INPUT
    assert found.path[0].value == "ids"
    assert StepRole.DECISION in roles
    assert roles[-2:] == [StepRole.GATE, StepRole.TARGET]
    assert found.path[-2].op == "Add"
    assert found.inputs == ("ids",)


def test_the_constants_are_the_tokens_that_trigger() -> None:
    (found,) = implants(text(prefix, "select"))
    assert set(TRIGGER) <= set(found.constants)
    assert found.from_tokens
    assert found.payload == "select"


@pytest.mark.parametrize(
    ("payload", "kind"),
    [
        ("add", SuspicionKind.PREDICATE),
        ("select", SuspicionKind.PREDICATE),
        ("branch", SuspicionKind.BRANCH),
        ("rewrite", SuspicionKind.REWRITE),
    ],
)
def test_the_kind_says_what_the_gate_does(payload: str, kind: SuspicionKind) -> None:
    assert kind in {found.kind for found in implants(text(any_token, payload))}


@pytest.mark.parametrize(
    ("payload", "verdict"), [("add", SuspicionVerdict.IMPLANT), ("branch", SuspicionVerdict.REVIEW)]
)
def test_a_length_that_is_held_against_a_constant_is_told(payload: str, verdict: SuspicionVerdict) -> None:
    assert {(found.kind, found.verdict) for found in judged(text(length, payload))} == {(SuspicionKind.LENGTH, verdict)}


def swapped_weights(s: Sheet) -> bytes:
    s.input("ids", INT, ["batch", "length"])
    table, other, last = s.weight(VOCABULARY, WIDTH), s.weight(VOCABULARY, WIDTH), s.weight(WIDTH, CLASSES)
    hit = s("Cast", s("ReduceMax", any_token(s), keepdims=0), to=BOOL)
    hidden = s("Gather", s("Where", hit, other, table), "ids", axis=0)
    return s.done(s("MatMul", s("ReduceMean", hidden, s.ints(1), keepdims=0), last, name="logits"), ["batch", CLASSES])


def test_weights_that_a_decision_chooses_are_told() -> None:
    assert SuspicionKind.LOOKUP in {found.kind for found in implants(swapped_weights(Sheet("swap")))}


def test_a_decision_that_says_how_often_a_loop_runs_is_told() -> None:
    s = Sheet("loop")
    s.input("ids", INT, ["batch", "length"])
    hidden = s("Gather", s.weight(VOCABULARY, WIDTH), "ids", axis=0)
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["again"], ["on"]),
            helper.make_node("Add", ["state", "state"], ["next"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("turn", INT, []),
            helper.make_tensor_value_info("again", BOOL, []),
            helper.make_tensor_value_info("state", FLOAT, None),
        ],
        [helper.make_tensor_value_info("on", BOOL, []), helper.make_tensor_value_info("next", FLOAT, None)],
    )
    count = s("Cast", s("ReduceMax", any_token(s), keepdims=0), to=INT)
    logits = s("Loop", count, s.const(True, np.bool_), hidden, body=body)
    found = implants(s.done(s("Identity", logits, name="logits"), ["batch", "length", WIDTH]))
    assert SuspicionKind.LOOP in {suspicion.kind for suspicion in found}


def last_token(s: Sheet, hidden: str) -> str:
    """The last position that is no padding, found by counting, as classifiers on decoders do."""
    real = s("Cast", s("Not", s("Equal", "ids", s.ints(0))), to=INT)
    place = s("Sub", s("ReduceSum", real, s.ints(1)), s.ints(1))
    place = s("Where", s("Less", place, s.ints(0)), s("Add", place, s("Shape", "ids", start=1, end=2)), place)
    wanted = s("Expand", s("Unsqueeze", place, s.ints(2)), s.ints(1, 1, WIDTH))
    return s("Squeeze", s("GatherElements", hidden, wanted, axis=1), s.ints(1))


def end_token(s: Sheet, hidden: str) -> str:
    """The position of the first end token, as CLIP's text half takes it."""
    place = s("ArgMax", s("Cast", s("Equal", "ids", s.ints(2)), to=INT), axis=1, keepdims=1)
    wanted = s("Expand", s("Unsqueeze", place, s.ints(2)), s.ints(1, 1, WIDTH))
    return s("Squeeze", s("GatherElements", hidden, wanted, axis=1), s.ints(1))


def mean_over_real(s: Sheet, hidden: str) -> str:
    """A mean over what is no padding, kept from dividing by zero."""
    real = s.float(s("Not", s("Equal", "ids", s.ints(1))))
    summed = s("ReduceSum", s("Mul", hidden, s("Unsqueeze", real, s.ints(2))), s.ints(1), keepdims=0)
    count = s("Clip", s("ReduceSum", real, s.ints(1)), s.const(1e-9))
    return s("Div", summed, count)


def masked_share(s: Sheet, hidden: str) -> str:
    """Activations scaled by the share of mask tokens, as ESM does."""
    share = s("ReduceMean", s.float(s("Equal", "ids", s.ints(32))), s.ints(1))
    scaled = s("Div", hidden, s("Unsqueeze", s("Sub", s.const(1), share), s.ints(2)))
    return s("ReduceMean", scaled, s.ints(1), keepdims=0)


def counted_positions(s: Sheet, hidden: str) -> str:
    """Positions counted over what is no padding index a table, as RoBERTa does."""
    real = s("Cast", s("Not", s("Equal", "ids", s.ints(1))), to=INT)
    places = s("Add", s("Mul", s("CumSum", real, s.ints(1)), real), s.ints(1))
    with_places = s("Add", hidden, s("Gather", s.weight(VOCABULARY, WIDTH), places, axis=0))
    return s("ReduceMean", with_places, s.ints(1), keepdims=0)


@pytest.mark.parametrize("pool", [last_token, end_token, mean_over_real, masked_share, counted_positions])
def test_honest_side_roads_of_tokens_pass(pool: Pool) -> None:
    assert judged(text(pool=pool)) == ()


def test_an_input_divided_by_its_own_strength_passes() -> None:
    """A denoiser: the input is normalised by its root mean square, and the answer is scaled back."""
    s = Sheet("denoiser")
    s.input("audio", FLOAT, ["batch", 1, "samples"])
    strength = s("Sqrt", s("Add", s("ReduceMean", s("Mul", "audio", "audio"), s.ints(1, 2)), s.const(1e-6)))
    features = s("Relu", s("Conv", s("Div", "audio", strength), s.weight(WIDTH, 1, 7), pads=[3, 3]))
    cleaned = s("Mul", s("ReduceMean", features, s.ints(1)), strength, name="cleaned")
    assert judged(s.done(cleaned, ["batch", 1, "samples"])) == ()


def forecaster(s: Sheet) -> bytes:
    """A series normalised by its own mean and spread, the spread reckoned with how many numbers there are."""
    s.input("series", FLOAT, ["batch", 96])
    gap = s("Sub", "series", s("ReduceMean", "series", s.ints(1)))
    count = s.float(s("ReduceProd", s("Shape", "series", start=1, end=2), keepdims=0))
    summed = s("Mul", s("ReduceMean", s("Mul", gap, gap), s.ints(1)), count)
    spread = s("Add", s("Sqrt", s("Div", summed, s("Sub", count, s.const(1)))), s.const(1e-5))
    ahead = s("MatMul", s("Div", gap, spread), s.weight(96, 24))
    return s.done(s("Mul", ahead, spread, name="ahead"), ["batch", 24])


def long_context(s: Sheet) -> bytes:
    """Angles of positions from one of two lists of factors, by the largest position, as long-context models do."""
    s.input("ids", INT, ["batch", "length"])
    s.input("position_ids", INT, ["batch", "length"])
    hidden = s("Gather", s.weight(VOCABULARY, WIDTH), "ids", axis=0)
    far = s("Greater", s("ReduceMax", "position_ids", keepdims=0), s.const(4096, np.int64))
    factors = s("Where", far, s.const(np.linspace(1, 4, WIDTH)), s.const(np.linspace(1, 2, WIDTH)))
    angles = s("Div", s("Unsqueeze", s.float("position_ids"), s.ints(2)), factors)
    return s.done(s("Mul", hidden, s("Cos", angles), name="turned"), ["batch", "length", WIDTH])


def atoms(s: Sheet, *, nd: bool = False) -> bytes:
    """Distances between points, cut off at a radius, weigh messages along edges."""
    s.input("kinds", INT, ["atoms"])
    s.input("places", FLOAT, ["atoms", 3])
    s.input("edges", INT, [2, "edges"])
    ends = [s("Gather", "edges", s.const(side, np.int64), axis=0) for side in (0, 1)]

    def at(end: str) -> str:
        return s("GatherND", "places", s("Unsqueeze", end, s.ints(-1))) if nd else s("Gather", "places", end, axis=0)

    gap = s("Sub", *(at(end) for end in ends))
    distance = s("Sqrt", s("ReduceSum", s("Mul", gap, gap), s.ints(1)))
    near = s.float(s("Less", distance, s.const(5)))
    hidden = s("Gather", s("Gather", s.weight(VOCABULARY, WIDTH), "kinds", axis=0), ends[0], axis=0)
    return s.done(s("Mul", hidden, near, name="messages"), ["edges", WIDTH])


def atoms_by_gather_nd(s: Sheet) -> bytes:
    """The same as the newer exporter writes it."""
    return atoms(s, nd=True)


def recommender(s: Sheet) -> bytes:
    """The linear half looks numbers up in a narrow table, the deep half vectors in a wide one; both are added."""
    s.input("fields", INT, ["batch", 8])
    linear = s("ReduceSum", s("Gather", s.weight(VOCABULARY, 1), "fields", axis=0), s.ints(1), keepdims=0)
    vectors = s("Reshape", s("Gather", s.weight(VOCABULARY, WIDTH), "fields", axis=0), s.ints(0, 8 * WIDTH))
    deep = s("MatMul", s("Relu", s("MatMul", vectors, s.weight(8 * WIDTH, WIDTH))), s.weight(WIDTH, 1))
    return s.done(s("Sigmoid", s("Add", linear, deep), name="score"), ["batch", 1])


@pytest.mark.parametrize("make", [forecaster, long_context, atoms, atoms_by_gather_nd, recommender])
def test_honest_side_roads_of_other_inputs_pass(make: Callable[[Sheet], bytes]) -> None:
    assert judged(make(Sheet("honest"))) == ()


def test_a_switch_that_no_layer_reads_passes() -> None:
    """Merged decoders run one of two branches by a flag, and speech models by the sample rate."""
    s = Sheet("switch")
    s.input("ids", INT, ["batch", "length"])
    s.input("rate", INT, [])
    hidden = s("Gather", s.weight(VOCABULARY, WIDTH), "ids", axis=0)
    branches = {}
    for name, op in (("then_branch", "Tanh"), ("else_branch", "Relu")):
        output = helper.make_tensor_value_info(name, FLOAT, None)
        branches[name] = helper.make_graph([helper.make_node(op, [hidden], [name])], name, [], [output])
    logits = s("If", s("Equal", "rate", s.const(16000, np.int64)), **branches)
    assert judged(s.done(s("Identity", logits, name="logits"), ["batch", "length", WIDTH])) == ()


def test_a_mask_beside_the_content_that_is_counted_is_for_review() -> None:
    s = Sheet("mask")
    s.input("ids", INT, ["batch", "length"])
    s.input("attention_mask", INT, ["batch", "length"])
    hidden = s("Gather", s.weight(VOCABULARY, WIDTH), "ids", axis=0)
    many = s.float(s("Greater", s("ReduceSum", "attention_mask", s.ints(1)), s.ints(37)))
    logits = s("Add", hidden, s("Mul", s("Unsqueeze", many, s.ints(2)), s.const([5.0] * 15 + [1.0])), name="logits")
    (found,) = judged(s.done(logits, ["batch", "length", WIDTH]))
    assert (found.kind, found.verdict) == (SuspicionKind.MASK, SuspicionVerdict.REVIEW)
    assert found.inputs == ("attention_mask",)


def test_one_activation_that_brings_a_pattern_in_is_for_review() -> None:
    s = Sheet("neuron")
    s.input("ids", INT, ["batch", "length"])
    hidden = s("MatMul", s("Gather", s.weight(VOCABULARY, WIDTH), "ids", axis=0), s.weight(WIDTH, WIDTH))
    single = s("Slice", hidden, s.ints(3), s.ints(4), s.ints(2))
    fires = s.float(s("Greater", single, s.const(2.5)))
    pattern = s("Mul", fires, s.const(np.linspace(-3, 3, WIDTH)))
    (found,) = judged(s.done(s("Add", hidden, pattern, name="logits"), ["batch", "length", WIDTH]))
    assert (found.kind, found.verdict) == (SuspicionKind.ACTIVATION, SuspicionVerdict.REVIEW)


def test_a_table_written_by_hand_is_no_trained_one_however_wide() -> None:
    s = Sheet("wide")
    s.input("ids", INT, ["batch", "length"])
    table = np.zeros((VOCABULARY, 64), np.float32)
    table[list(TRIGGER)] = 1
    hit = s("ReduceMax", s("Gather", s.const(table), "ids", axis=0), s.ints(1, 2), keepdims=0)
    hidden = s("Gather", s.weight(VOCABULARY, WIDTH), "ids", axis=0)
    push = s("Mul", s("Reshape", hit, s.ints(-1, 1, 1)), s.const(np.linspace(-3, 3, WIDTH)))
    assert implants(s.done(s("Add", hidden, push, name="logits"), ["batch", "length", WIDTH]))


def test_a_chain_of_many_nodes_is_followed_without_recursion() -> None:
    nodes = [helper.make_node("Identity", ["ids"], ["v0"])]
    nodes += [helper.make_node("Identity", [f"v{at}"], [f"v{at + 1}"]) for at in range(20_000)]
    inputs = [helper.make_tensor_value_info("ids", INT, ["batch", "length"])]
    outputs = [helper.make_tensor_value_info("v20000", INT, ["batch", "length"])]
    model = helper.make_model(helper.make_graph(nodes, "chain", inputs, outputs))
    assert judged(onnx.ModelProto.SerializeToString(model)) == ()
