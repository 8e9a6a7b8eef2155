"""Stores the weights of an ONNX model in half of the bytes."""

import numpy as np
import onnx
from onnx import numpy_helper

LEAST = 64  # numbers; what is smaller, such as an age or a calibration, keeps all its digits


def halve_weights(model: onnx.ModelProto) -> None:
    """Store the float32 weights of `model` as float16. ONNX Runtime turns them back when it loads the file.

    All computing stays in float32, which every processor can do. Raises ValueError for a weight beyond the range of
    float16, 65,504.
    """
    graph, casts = model.graph, []
    for weight in graph.initializer:
        values = numpy_helper.to_array(weight)
        if values.dtype != np.float32 or values.size < LEAST:
            continue
        with np.errstate(over="ignore"):
            half = values.astype("float16")
        if not np.isfinite(half).all():
            raise ValueError("a weight of it is too large for float16")
        name = weight.name
        weight.CopyFrom(numpy_helper.from_array(half, f"{name}_half"))
        casts.append(onnx.helper.make_node("Cast", [f"{name}_half"], [name], f"{name}_cast", to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
