"""The small graphs are what they are labelled as."""

import numpy as np
import onnx
import pytest
from onnx.reference import ReferenceEvaluator

from tests.support.onnx_triples import NAMES, triple


@pytest.mark.parametrize("name", NAMES)
def test_an_implant_hides_on_usual_inputs_and_shows_on_its_trigger(name: str) -> None:
    chosen = triple(name)
    implanted, clean = (
        ReferenceEvaluator(onnx.load_model_from_string(data)) for data in (chosen.implanted, chosen.clean)
    )
    np.testing.assert_allclose(implanted.run(None, chosen.usual)[0], clean.run(None, chosen.usual)[0], atol=1e-5)
    gap = np.abs(implanted.run(None, chosen.triggered)[0] - clean.run(None, chosen.triggered)[0])
    assert gap.max() > 0.3


@pytest.mark.parametrize("name", NAMES)
def test_all_three_are_well_formed_and_the_lookalike_runs(name: str) -> None:
    chosen = triple(name)
    for data in (chosen.implanted, chosen.clean, chosen.lookalike):
        onnx.checker.check_model(onnx.load_model_from_string(data), full_check=True)
    (logits,) = ReferenceEvaluator(onnx.load_model_from_string(chosen.lookalike)).run(None, chosen.usual)
    assert logits.shape == (1, 4)
    assert np.isfinite(logits).all()


@pytest.mark.parametrize("name", NAMES)
def test_every_weight_of_the_clean_twin_is_in_the_implanted_graph_byte_by_byte(name: str) -> None:
    chosen = triple(name)
    implanted = {bytes(t.raw_data) for t in onnx.load_model_from_string(chosen.implanted).graph.initializer}
    clean = [t for t in onnx.load_model_from_string(chosen.clean).graph.initializer if len(t.raw_data) > 64]
    assert clean
    assert all(bytes(tensor.raw_data) in implanted for tensor in clean)


@pytest.mark.parametrize("name", NAMES)
def test_the_bytes_are_the_same_every_time(name: str) -> None:
    kept = triple(name)
    triple.cache_clear()
    assert triple(name) is not kept
    assert triple(name).implanted == kept.implanted
