"""Products on raw data: by one number, by data, by matrices and windows without trained weights."""

from __future__ import annotations

from gatekeeper.checks.onnx import axes as ax
from gatekeeper.checks.onnx import marks as m
from gatekeeper.checks.onnx import operators as ops
from gatekeeper.checks.onnx.axes import Axes
from gatekeeper.checks.onnx.flow_operands import Operands


class Products(Operands):
    """One node on raw data that multiplies."""

    def multiply(self) -> int:
        """Give the marks of a product, a quotient or a power."""
        op, joined = self.node.op, self.joined
        if op == "Pow":
            if self.taint.level(self.node.inputs[1]) & m.RAW:
                return self.decide(joined)
            return self.curve()
        below = self.node.inputs[1] if op == "Div" else -1
        if op == "Div" and joined & m.WHOLE and self.whole(self.node.inputs[0]) and self.whole(below):
            return self.bound()
        if below >= 0 and self.taint.level(below) & m.RAW:
            marks = self.taint.marks[below]
            if marks & m.PICKED or (marks & m.OFFSET and marks & m.ALONE):
                return self.decide(joined & ~m.GUARD)
            if marks & m.OFFSET:
                joined |= m.ELEMENT
            return (joined | m.RATIO) & ~m.GUARD
        if len(self.raw) > 1 or (len(self.data) > 1 and self.data[0] == self.data[-1]):
            return self.product_of_data()
        if joined & (m.ELEMENT | m.WEIGHED) and any(self.wide(value) for value in self.data):
            joined |= m.PATTERN
        if any(not self.taint.level(v) and self.taint.constants.trained(v) and self.matrix(v) for v in self.data):
            joined |= m.WEIGHT if joined & m.DECIDED else 0
        return joined

    def product_of_data(self) -> int:
        """Give the marks of data times data: of single places it can tell them apart, as a comparison can."""
        alone = [value for value in self.raw if self.taint.marks[value] & m.PICKED]
        if len(alone) == len(self.raw) and not self.joined & (m.DECIDED | m.INDEX):
            return self.decide(self.joined)
        square = len(set(self.raw)) == 1
        if square and self.joined & m.ALONE and self.joined & m.OFFSET:
            return self.decide(self.joined)
        return self.joined

    def product(self) -> tuple[int, Axes]:
        """Give the marks of a matrix product without trained weights: it sums over what it contracts."""
        node, joined = self.node, self.joined
        if node.op == "Einsum":
            return self.einsum()
        left, right = node.inputs[0], node.inputs[1] if len(node.inputs) > 1 else -1
        lost, axes = False, self.taint.axes[left] if left >= 0 else None
        after: Axes = None
        if self.taint.level(left) & m.RAW:
            row = -2 if node.attributes.get("transA") else -1
            lost = ax.at_axis(axes, row) == "P"
            after = ax.replaced(axes, row, "F")
            if right >= 0 and self.taint.axes[right] and self.taint.level(right) & m.RAW and after is not None:
                after = after[:-1] + (self.taint.axes[right] or "F")[-1]
        if right >= 0 and self.taint.level(right) & m.RAW:
            side = self.taint.axes[right]
            row = -1 if node.attributes.get("transB") or (side is not None and len(side) == 1) else -2
            lost = lost or ax.at_axis(side, row) == "P"
            if not self.taint.level(left) & m.RAW:
                after = ax.replaced(side, row, "F")
        if len(self.raw) > 1:
            joined = self.product_of_data()
        if joined & (m.ELEMENT | m.WEIGHED) and any(self.wide(value) for value in self.data):
            joined |= m.PATTERN
        return (joined | (m.PART_SUMMED if lost else 0)) & ~m.POSITIONS, after

    def einsum(self) -> tuple[int, Axes]:
        """Give the marks of an Einsum: letters that don't come out are summed over."""
        equation = self.node.attributes.get("equation", "")
        text = equation.replace(" ", "") if isinstance(equation, str) else ""
        terms, arrow, out = text.partition("->")
        letters: dict[str, str] = {}
        for term, value in zip(terms.split(","), self.data, strict=False):
            axes = self.taint.axes[value]
            if axes is None or len(axes) != len(term) or "." in term:
                return self.joined | m.PART_SUMMED, None
            for letter, place in zip(term, axes, strict=True):
                letters[letter] = "P" if "P" in (place, letters.get(letter)) else place
        if not arrow:
            return self.joined | m.PART_SUMMED, None
        lost = any(place == "P" for letter, place in letters.items() if letter not in out)
        joined = self.product_of_data() if len(self.raw) > 1 else self.joined
        return joined | (m.PART_SUMMED if lost else 0), "".join(letters.get(letter, "P") for letter in out)

    def window(self) -> tuple[int, Axes]:
        """Give the marks of a convolution without trained weights, or of a pool: neighbours are mixed."""
        joined, axes = self.joined, self.taint.axes[self.node.inputs[0]]
        if self.node.op == "MaxPool" and joined & m.OFFSET:
            joined |= m.ELEMENT
        if self.node.op in ops.KERNEL and len(self.data) > 2:
            joined |= m.OFFSET
        axes = self.covered(axes)
        lost = axes is not None and "P" not in axes
        return joined | (m.PART_SUMMED if lost else 0), axes

    def covered(self, axes: Axes) -> Axes:
        """Take away the axes that a window covers whole."""
        shape = self.taint.graph.values[self.node.inputs[0]].shape
        given = self.node.attributes.get("kernel_shape")
        weights = self.taint.constants.shape(self.node.inputs[1]) if self.node.op in ops.KERNEL else None
        kernel = given if isinstance(given, tuple) else weights[2:] if weights is not None else ()
        if axes is None or len(kernel) != len(axes) - 2:
            return axes
        head = axes[0] + ("F" if self.node.op in ops.KERNEL else axes[1])
        sizes = shape[2:] if shape is not None and len(shape) == len(axes) else (None,) * len(kernel)
        tail = ["1" if size is not None and isinstance(width, int) and 2 * width > size else letter
                for letter, width, size in zip(axes[2:], kernel, sizes, strict=True)]  # fmt: skip
        return head + "".join(tail)
