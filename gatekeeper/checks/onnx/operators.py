"""What operators do to data, by name: which move it, which decide, which hold weights. Sets, with their reasons."""

from __future__ import annotations

from gatekeeper.checks.onnx.graph import CONTROL

STANDARD = frozenset({"", "com.microsoft", "com.microsoft.nchwc", "com.ms.internal.nhwc", "ai.onnx.ml", CONTROL})
"""Domains whose operators are known; one of any other domain may do anything."""

COMPARE = frozenset({"Equal", "Greater", "Less", "GreaterOrEqual", "LessOrEqual", "IsNaN", "IsInf", "StringEqual"})

LOGIC = frozenset({"And", "Or", "Xor", "Not"})

BOUND = frozenset({"Max", "Min", "Clip", "Relu", "LeakyRelu", "PRelu", "ThresholdedRelu", "Floor", "Ceil", "Round",
                   "Mod", "Trunc", "QuantizeLinear", "DynamicQuantizeLinear", "Shrink", "HardSigmoid"})  # fmt: skip
"""Keep numbers in range or round them: ordinary on data as it is, a decision once something was subtracted."""

CURVED = frozenset({"Sqrt", "Abs", "Log", "Reciprocal", "Pow", "Rsqrt", "Square", "Log1p"})
"""Monotone on positive numbers, as in norms and decibels; they decide about single places, but not about sums."""

LINEAR = frozenset({"Add", "Sub", "Neg", "Sum", "Mean", "Mul", "Div", "BatchNormalization", "DequantizeLinear"})

MOVE = frozenset({"Identity", "CastLike", "Concat", "Tile", "Resize", "Upsample", "DepthToSpace", "SpaceToDepth",
                  "Dropout", "ReverseSequence", "ConcatFromSequence", "SequenceAt", "SequenceConstruct",
                  "SequenceInsert", "SequenceEmpty", "SequenceErase", "SplitToSequence", "Optional",
                  "OptionalGetElement", "GridSample", "AffineGrid", "Trilu", "Pad", "Expand", "Compress", "Unique",
                  "CenterCropPad", "Col2Im", "Scaler", "Imputer", "FeatureVectorizer", "ZipMap",
                  "CastMap", "Normalizer", "ReverseV2", "Where", "MaxRoiPool", "RoiAlign"})  # fmt: skip
"""Rearrange data, or choose from it by what isn't data."""

VIEW = frozenset({"Identity", "Squeeze", "Unsqueeze", "Reshape", "Flatten", "Transpose", "Cast", "Expand", "CastLike"})
"""Give the same numbers in another form."""

SUM = frozenset({"ReduceSum", "ReduceMean", "GlobalAveragePool", "ReduceL1", "ReduceL2", "ReduceSumSquare",
                 "GlobalLpPool", "ReduceLogSum", "ReduceLogSumExp"})  # fmt: skip

EXTREME = frozenset({"ReduceMax", "ReduceMin", "ReduceProd", "GlobalMaxPool"})
"""Of decisions they are `any` and `all`."""

POOL = frozenset({"AveragePool", "LpPool", "MaxPool"})

NORM = frozenset({"LayerNormalization", "RMSNormalization", "InstanceNormalization", "GroupNormalization",
                  "LpNormalization", "MeanVarianceNormalization", "SimplifiedLayerNormalization",
                  "SkipLayerNormalization", "SkipSimplifiedLayerNormalization"})  # fmt: skip

FIND = frozenset({"ArgMax", "ArgMin", "TopK"})

KERNEL = frozenset({"Conv", "ConvTranspose", "ConvInteger", "QLinearConv", "FusedConv", "NhwcConv", "DeformConv"})

PRODUCT = frozenset({"MatMul", "Gemm", "MatMulInteger", "QLinearMatMul", "FusedMatMul", "FusedGemm", "Einsum",
                     "TransposeMatMul", "DynamicQuantizeMatMul", "MatMulIntegerToFloat", "MatMulNBits", "QGemm",
                     "GemmFastGelu", "MatMulBnb4", "FusedMatMulActivation", "GemmFloat8"})  # fmt: skip

PICK = frozenset({"Gather", "GatherND", "GatherElements", "ArrayFeatureExtractor", "GatherBlockQuantized"})

SCATTER = frozenset({"Scatter", "ScatterElements", "ScatterND", "TensorScatter"})

POSITIONAL = frozenset({"Range", "EyeLike"})
"""Made of sizes, they number places."""

MEASURE = frozenset({"Shape", "Size", "SequenceLength"})

CHANCE = frozenset(
    {"RandomUniform", "RandomNormal", "RandomUniformLike", "RandomNormalLike", "Multinomial", "Bernoulli"}
)

TREES = frozenset({"TreeEnsembleClassifier", "TreeEnsembleRegressor", "TreeEnsemble", "SVMClassifier", "SVMRegressor",
                   "LinearClassifier", "LinearRegressor"})  # fmt: skip
"""Their attributes hold what was learned."""

ENTIRE_TEXT = frozenset({"RegexFullMatch", "StringRegexReplace"})

SHAPED: dict[str, tuple[int, ...]] = {
    "Reshape": (1,),
    "Expand": (1,),
    "Slice": (1, 2, 3, 4),
    "Tile": (1,),
    "Pad": (1, 3),
    "Resize": (1, 2, 3),
    "Upsample": (1,),
    "Unsqueeze": (1,),
    "Squeeze": (1,),
    "Split": (1,),
    "SplitToSequence": (1,),
    "TopK": (1,),
    "OneHot": (1,),
    "CumSum": (1,),
    "Trilu": (1,),
    "ConstantOfShape": (0,),
    "Range": (0, 1, 2),
    "CenterCropPad": (1,),
    "SequenceAt": (1,),
    "ReverseSequence": (1,),
    "AffineGrid": (1,),
}
"""Operands that say sizes and places, no data; for reductions see `shaped_operands`."""


def shaped_operands(op: str) -> tuple[int, ...]:
    """Give the operands of an operator that say sizes and places."""
    return (1,) if op.startswith("Reduce") else SHAPED.get(op, ())


SATURATING = frozenset({"Sigmoid", "Tanh", "Exp", "Erf", "Relu", "Clip", "HardSigmoid", "Softsign", "Sign", "Floor",
                        "Ceil", "Round", "ThresholdedRelu", "HardSwish", "Elu", "Celu", "Selu", "Shrink", "Hardmax",
                        "Max", "Min", "Softplus", "LeakyRelu", "Mod"})  # fmt: skip
"""Turn one number into something like yes or no."""
