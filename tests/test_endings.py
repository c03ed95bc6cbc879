"""What a name promises is known in one place, and every such promise is held against the bytes."""

from gatekeeper import endings
from gatekeeper.checks.files import names


def test_the_file_checks_know_a_format_for_every_ending_of_weights() -> None:
    assert set(names.WEIGHTS) == endings.WEIGHTS


def test_graphs_are_weights_and_case_does_not_matter() -> None:
    assert endings.GRAPHS < endings.WEIGHTS
    assert endings.is_graph("a/B.ONNX")
    assert endings.is_weights("a/B.Safetensors")
    assert not endings.is_weights("onnx")
