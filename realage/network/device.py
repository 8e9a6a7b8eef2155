"""The device that Keras computes on: its name, and the settings that make its results deterministic."""

import platform
from pathlib import Path

from realage.core.errors import UserError
from realage.network.quiet_keras import keras, silent_stderr


def set_up_device(backend: str, threads: int) -> str:
    """Return the device's name. With TensorFlow, also make it deterministic. Call it before any computation.

    `threads` is the number of threads within one operation. It decides the order of sums, and so the last digits.
    With other backends than TensorFlow, neither threads nor determinism are set.
    Raises UserError if Keras runs on another backend than `backend`.
    """
    if keras.backend.backend() != backend:
        raise UserError(
            f"train.backend is '{backend}', but Keras runs on '{keras.backend.backend()}': "
            f"set the environment variable KERAS_BACKEND={backend}, or change the key and train again"
        )
    if backend == "tensorflow":
        return _set_up_tensorflow(threads)
    return f"{backend} ({_jax_gpu() if backend == 'jax' else _torch_gpu()})"


def _set_up_tensorflow(threads: int) -> str:
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.experimental.enable_op_determinism()
    with silent_stderr():  # without a GPU, CUDA prints messages that look like a failure
        gpus = tf.config.list_physical_devices("GPU")
    for gpu in gpus:
        # Otherwise TensorFlow takes all memory of a GPU at once, and two runs cannot share it.
        tf.config.experimental.set_memory_growth(gpu, True)
    if not gpus:
        return f"{_processor()} ({threads} threads)"
    return ", ".join(tf.config.experimental.get_device_details(gpu).get("device_name", gpu.name) for gpu in gpus)


def _jax_gpu() -> str:
    """The name of the first GPU, on which JAX computes; the processor's without one."""
    import jax

    device = jax.devices()[0]
    return _processor() if device.platform == "cpu" else device.device_kind


def _torch_gpu() -> str:
    """The name of the first GPU, on which Keras computes with PyTorch; the processor's without one."""
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else _processor()


def _processor() -> str:
    """The processor's model name on Linux, its family elsewhere."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
