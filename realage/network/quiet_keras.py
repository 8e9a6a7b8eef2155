"""Keras, without the messages that TensorFlow's native code prints at import, and with number settings of its own."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from realage.network.memory import keep_freed_memory

ADDRESS_SPACE = 3 * 2**30  # bytes, below which TensorFlow 2.21 ends the process when it is loaded or first computes


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


def _require_address_space() -> None:
    if sys.platform == "win32":
        return
    import resource

    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit != resource.RLIM_INFINITY and limit < ADDRESS_SPACE:
        sys.exit(f"error: this process may use {limit / 2**30:.1f} GiB of address space, and Keras needs at least "
                 f"{ADDRESS_SPACE // 2**30}: raise the limit: 'ulimit -v unlimited'")


_require_address_space()
keep_freed_memory()
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
try:
    with silent_stderr():
        import keras

        # The class that `tensorflow.keras` has, from a module that other backends can import without TensorFlow.
        from keras._tf_keras.keras.preprocessing.image import ImageDataGenerator
except (ImportError, ValueError) as error:
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    sys.exit(f"error: Keras cannot start on its backend '{backend}' (KERAS_BACKEND): {error}: install it")

# TensorFlow warns of functions that it compiles again: each network and each size of a batch needs its own.
logging.getLogger("tensorflow").setLevel(logging.ERROR)

# These override the user's ~/.keras/keras.json, which must not change what a model learns.
keras.config.set_floatx("float32")
keras.config.set_epsilon(1e-7)
keras.config.set_image_data_format("channels_last")

__all__ = ["ImageDataGenerator", "keras", "silent_stderr"]
