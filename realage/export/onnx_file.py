"""Writes a Keras model as an ONNX file, with the same bytes for the same model.

Keras' own export converts the model with tf2onnx, which numbers names in the order of the run and of Python's sets.
"""

import logging
from pathlib import Path

import onnx

from realage.inference.checksum import with_checksum
from realage.network.quiet_keras import keras, silent_stderr

BATCH = "n"  # the name of the dimension that may have any size


def to_onnx(model: keras.Model, folder: Path) -> onnx.ModelProto:
    """Convert the functional `model`; `folder` is for the file that Keras writes."""
    path = folder / "converted.onnx"
    logging.getLogger("tf2onnx").setLevel(logging.CRITICAL)  # it logs the traceback of an optimization that it skips
    model(keras.ops.zeros((1, *model.input_shape[1:]), model.input.dtype))  # Keras wants it called once
    with silent_stderr():
        model.export(path, format="onnx", verbose=False)
    converted = onnx.load(path)
    path.unlink()
    return _canonical(converted)


def write_onnx(model: onnx.ModelProto, path: Path, metadata: dict[str, str]) -> None:
    """Write `model` to `path` with `metadata`, texts by their key, and a checksum."""
    onnx.helper.set_model_props(model, metadata)
    onnx.checker.check_model(model)
    path.write_bytes(with_checksum(model.SerializeToString(deterministic=True)))


def _canonical(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same model with nodes, weights and names in the order in which its outputs, by name, need them."""
    graph = model.graph
    outputs = sorted(graph.output, key=lambda output: output.name)
    nodes = _in_order(graph.node, [output.name for output in outputs])
    kept = [value.name for value in (*graph.input, *outputs)]
    names = {"": "", **{name: name for name in kept}}
    for node in nodes:
        for name in (*node.input, *node.output):
            names.setdefault(name, f"v{len(names)}")
    for number, node in enumerate(nodes):
        renamed = [names[name] for name in node.input], [names[name] for name in node.output]
        attributes = sorted(node.attribute, key=lambda attribute: attribute.name)
        for field, values in zip((node.input, node.output, node.attribute), (*renamed, attributes)):
            copies = list(values)
            del field[:]
            field.extend(copies)
        node.name, node.doc_string = f"n{number}", ""
    weights = sorted(
        (weight for weight in graph.initializer if weight.name in names), key=lambda weight: int(names[weight.name][1:])
    )
    for weight in weights:
        weight.name = names[weight.name]
    for value in (*graph.input, *outputs):
        value.type.tensor_type.shape.dim[0].dim_param = BATCH
    canonical = onnx.helper.make_graph(nodes, "age", graph.input, outputs, weights)
    domains = sorted(model.opset_import, key=lambda entry: entry.domain)
    versions = {"opset_imports": domains, "ir_version": model.ir_version}
    return onnx.helper.make_model(canonical, producer_name="realage", **versions)


def _in_order(nodes: list[onnx.NodeProto], outputs: list[str]) -> list[onnx.NodeProto]:
    """The nodes that `outputs` need, each after those that it needs, in an order that follows from the graph alone."""
    producers = {name: node for node in nodes for name in node.output}
    ordered: dict[str, onnx.NodeProto] = {}  # by first output
    waiting = [(name, False) for name in reversed(outputs)]
    while waiting:
        name, are_inputs_done = waiting.pop()
        node = producers.get(name)
        if node is None or node.output[0] in ordered:
            continue
        if are_inputs_done:
            ordered[node.output[0]] = node
        else:
            waiting.append((name, True))
            waiting.extend((needed, False) for needed in reversed(node.input))
    return list(ordered.values())
