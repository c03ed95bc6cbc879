"""Exported PyTorch programs: the operators that they call, and what is not known of them."""

from __future__ import annotations

import json

import pytest

from gatekeeper.checks.files.coverage import Coverage
from gatekeeper.checks.files.model_code import ModelCode
from gatekeeper.checks.files.unfollowed import other_graphs
from tests.support import samples
from tests.support.artifacts import artifact, look, slugs


def program(*targets: str, member: str = "m/models/model.json") -> dict[str, bytes]:
    nodes = [{"target": target, "inputs": []} for target in targets]
    text = json.dumps({"graph_module": {"graph": {"nodes": nodes}}}).encode()
    return {"m.pt2": samples.zipped({"m/archive_format": b"pt2", member: text})}


@pytest.mark.parametrize(
    ("target", "found"),
    [
        ("torch.ops.aten.linear.default", set()),
        ("torch.ops.higher_order.cond", set()),
        ("torch.ops.quantized_decomposed.dequantize_per_tensor.default", set()),
        ("torch.ops.aten.from_file.default", {"exported-reaches"}),
        ("torch.ops._c10d_functional.all_reduce.default", {"exported-reaches"}),
        ("torch.ops.mine.detector.default", {"exported-custom"}),
    ],
)
def test_operators_are_told_by_what_they_need(target: str, found: set[str]) -> None:
    assert slugs(look(ModelCode(), program("torch.ops.aten.relu.default", target))) == found


def test_the_older_form_is_read_as_well() -> None:
    files = program("torch.ops.mine.detector.default", member="serialized_exported_program.json")
    assert slugs(look(ModelCode(), files)) == {"exported-custom"}


def test_more_text_than_is_read_is_not_known() -> None:
    assert look(ModelCode(), program("torch.ops.aten.relu.default"), listing_bytes=10).gaps


def test_what_they_compute_is_not_known() -> None:
    files = program("torch.ops.aten.relu.default")
    assert look(Coverage(), files).gaps
    assert [graph.path for graph in other_graphs(artifact(files))] == ["m.pt2"]
