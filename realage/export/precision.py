"""Stores the weights of an ONNX model in fewer bytes; ONNX Runtime turns them back when it loads the file.

All computing stays in float32, which every processor can do.
"""

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper

LEAST = 64  # numbers; what is smaller, such as an age or a calibration, keeps all its digits
LEVELS = 127  # of int8, on each side of 0
OUTPUT_AXIS = {"Conv": 0, "MatMul": -1}  # operation -> the axis of output channels in its kernel


def shrink_weights(model: onnx.ModelProto, precision: str) -> None:
    """Store the float32 weights of `model` as float16 or int8.

    In int8, each output channel of a kernel has a scale of its own (Krishnamoorthi 2018, arXiv:1806.08342). A kernel
    with few numbers a channel stays as it is: it takes little space, and its errors are the largest. Raises ValueError
    for a weight beyond the range of float16, 65,504.
    """
    graph, nodes = model.graph, []
    consumers = {name: node for node in graph.node for name in node.input}
    for weight in list(graph.initializer):
        values, axis = numpy_helper.to_array(weight), OUTPUT_AXIS.get(consumers[weight.name].op_type)
        if values.dtype != np.float32 or values.size < LEAST:
            continue
        if precision == "float16":
            stored, restore = _as_float16(weight.name, values)
        elif axis is not None and values.size >= LEAST * values.shape[axis]:
            stored, restore = _as_int8(weight.name, values, axis)
        else:
            continue
        graph.initializer.remove(weight)
        graph.initializer.extend(stored)
        nodes += restore
    nodes += graph.node
    del graph.node[:]
    graph.node.extend(nodes)


def _as_float16(name: str, values: np.ndarray) -> tuple[list[TensorProto], list[NodeProto]]:
    with np.errstate(over="ignore"):
        half = values.astype("float16")
    if not np.isfinite(half).all():
        raise ValueError("a weight of it is too large for float16")
    return [numpy_helper.from_array(half, f"{name}_half")], [_cast(f"{name}_half", name)]


def _as_int8(name: str, values: np.ndarray, axis: int) -> tuple[list[TensorProto], list[NodeProto]]:
    others = tuple(number for number in range(values.ndim) if number != axis % values.ndim)
    largest = np.abs(values).max(axis=others, keepdims=True)
    scale = np.where(largest > 0, largest / LEVELS, 1).astype("float32")
    steps = np.rint(values / scale).astype("int8")
    stored = [numpy_helper.from_array(steps, f"{name}_int8"), numpy_helper.from_array(scale, f"{name}_scale")]
    # Not DequantizeLinear: ONNX Runtime would run that for every photo.
    multiply = helper.make_node("Mul", [f"{name}_steps", f"{name}_scale"], [name], f"{name}_mul")
    return stored, [_cast(f"{name}_int8", f"{name}_steps"), multiply]


def _cast(stored: str, name: str) -> NodeProto:
    return helper.make_node("Cast", [stored], [name], f"{name}_cast", to=TensorProto.FLOAT)
