"""Keras, without the page of notes that TensorFlow's native code prints while it loads, or a user's own settings."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def silent_stderr() -> Iterator[None]:
    """Discard what anything, native code included, writes to stderr inside the block."""
    # The notes come from C++ before any logging is set up, so only the file descriptor can hold them back.
    saved, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    try:
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(null)


os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
try:
    with silent_stderr():
        import keras
        from tensorflow.keras.preprocessing.image import ImageDataGenerator
except (ImportError, ValueError) as error:
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    sys.exit(f"error: Keras cannot start on its backend '{backend}' (KERAS_BACKEND): {error}: install it")

# A user's own ~/.keras/keras.json has no say in what a model learns.
keras.config.set_floatx("float32")
keras.config.set_epsilon(1e-7)
keras.config.set_image_data_format("channels_last")

__all__ = ["ImageDataGenerator", "keras", "silent_stderr"]
