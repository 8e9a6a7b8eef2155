"""Keras, without the messages that TensorFlow's native code prints at import, and with number settings of its own."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def silent_stderr() -> Iterator[None]:
    """Discard what anything, native code included, writes to stderr inside the block."""
    # The messages come from C++, before logging is set up, so the file descriptor itself is redirected.
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
except Exception as error:  # without memory, native code raises any kind
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    no_memory = isinstance(error, (MemoryError, SystemError)) or "failed to map" in str(error)
    cure = "allow this process more memory, see 'ulimit -v'" if no_memory else "install it"
    reason = str(error) or "not enough memory"
    sys.exit(f"error: Keras cannot start on its backend '{backend}' (KERAS_BACKEND): {reason}: {cure}")

# These override the user's ~/.keras/keras.json, which must not change what a model learns.
keras.config.set_floatx("float32")
keras.config.set_epsilon(1e-7)
keras.config.set_image_data_format("channels_last")

__all__ = ["ImageDataGenerator", "keras", "silent_stderr"]
