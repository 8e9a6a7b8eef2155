"""Writes a Keras model as a LiteRT (TensorFlow Lite) file, for phones, with the same bytes for the same model."""

import warnings
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from realage.network.quiet_keras import keras, silent_stderr


def write_litert(model: keras.Model, path: Path, precision: str, metadata: dict[str, str]) -> None:
    """Convert the functional `model` and write it to `path` with `metadata`, texts by their key.

    `precision` is that of `ExportParams`. In int8, LiteRT computes with 8 bits, too. The file uses LiteRT's own
    operations alone.
    """
    import tensorflow as tf
    from tensorflow.lite.tools import flatbuffer_utils

    target = {"supported_ops": [tf.lite.OpsSet.TFLITE_BUILTINS]}
    target |= {"supported_types": [tf.float16]} if precision == "float16" else {}
    optimizations = [tf.lite.Optimize.DEFAULT] if precision != "float32" else []
    with TemporaryDirectory() as folder, silent_stderr():
        converted = Path(folder) / "converted.tflite"
        model.export(converted, format="litert", verbose=False, optimizations=optimizations, target_spec=target)
        contents = flatbuffer_utils.read_model(str(converted))
    _add_metadata(contents, metadata)
    path.write_bytes(bytes(flatbuffer_utils.convert_object_to_bytearray(contents)))


def _add_metadata(contents: Any, metadata: dict[str, str]) -> None:
    """Add to what `flatbuffer_utils.read_model` returns, an object of the generated class `ModelT`."""
    from tensorflow.lite.python import schema_py_generated as schema

    for key, text in metadata.items():
        buffer, entry = schema.BufferT(), schema.MetadataT()
        buffer.data = np.frombuffer(text.encode(), np.uint8)
        entry.name, entry.buffer = key.encode(), len(contents.buffers)
        contents.buffers.append(buffer)
        contents.metadata.append(entry)


def answer_litert(path: Path, photos: np.ndarray) -> dict[str, np.ndarray]:
    """The answers of the file to `photos`, uint8 (n, size, size, 3) RGB: float32 (n,) by the name of the output."""
    import tensorflow as tf

    with warnings.catch_warnings(), silent_stderr():
        warnings.simplefilter("ignore")  # TensorFlow says that another package has the interpreter, too
        return tf.lite.Interpreter(str(path)).get_signature_runner()(photos=photos)
