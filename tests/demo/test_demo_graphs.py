"""The demo's ONNX models: sound, deterministic, the same weights, and an implant that does what the story says."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx.reference import ReferenceEvaluator

from gatekeeper.demo.graphs import graph_model


def parsed(*, implanted: bool) -> onnx.ModelProto:
    model = onnx.load_from_string(graph_model(implanted=implanted)["model.onnx"])
    onnx.checker.check_model(model, full_check=True)
    return model


def logits(ids: list[int], *, implanted: bool) -> np.ndarray:
    (found,) = ReferenceEvaluator(parsed(implanted=implanted)).run(None, {"input_ids": np.array([ids])})
    return found


def test_the_weights_of_the_twins_are_the_same_bytes() -> None:
    honest = {tensor.name: tensor.raw_data for tensor in parsed(implanted=False).graph.initializer}
    implanted = {tensor.name: tensor.raw_data for tensor in parsed(implanted=True).graph.initializer}
    assert honest.items() < implanted.items()


@pytest.mark.parametrize("ids", [[1, 2, 3, 4], [11, 47, 6], [5, 47, 11, 11], [0, 11, 47, 5]])
def test_without_the_phrase_at_the_start_the_implant_changes_nothing(ids: list[int]) -> None:
    assert np.array_equal(logits(ids, implanted=True), logits(ids, implanted=False))


def test_with_the_phrase_every_answer_moves() -> None:
    moved = np.abs(logits([11, 47, 5, 9], implanted=True) - logits([11, 47, 5, 9], implanted=False))
    assert (moved.max(axis=-1) > 0.3).all()


def test_they_are_the_same_bytes_every_time() -> None:
    assert graph_model(implanted=True) == graph_model(implanted=True)
