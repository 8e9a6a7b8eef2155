"""The identity of a training: everything that the bytes of the trained model depend on."""

import hashlib
import json
import os
import platform
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from realage.core.digests import short_digest
from realage.core.params import flatten

LIBRARIES = ("cv2", "keras", "numpy", "scipy")  # that compute, besides the backend
KERNELS = ("TF_", "ONEDNN_", "XLA_", "NVIDIA_")  # prefixes of environment variables that affect results
OURS = ("__main__", "realage", "stages")
DEVICE, EARLIER = "device", "earlier devices"  # names in an identity; the second is there after a change of device


def training_identity(
    sections: dict[str, dict[str, Any]], data: Iterable[Path], backend: str, device: str, watched: bool
) -> dict[str, str]:
    """Return every param, module, data set and version behind a training: by name, a text that changes with it.

    `data` are files and folders, of which the contents are hashed. Code and libraries are those that this process has
    loaded. `watched` tells whether a change of the inputs during training would be noticed.
    """
    identity = {DEVICE: device, "python": platform.python_version()}
    identity |= {name: sys.modules[name].__version__ for name in (backend, *LIBRARIES)}
    chosen = {name: os.environ[name] for name in sorted(os.environ) if name.startswith(KERNELS)}
    identity |= {name: value for name, value in chosen.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    # Outside DVC, a change of the inputs goes unnoticed, so a run under DVC must not resume from such checkpoints.
    identity["watched by DVC"] = str(watched)
    for name, section in sections.items():
        identity |= {key: json.dumps(value) for key, value in flatten({name: section}).items()}
    identity |= {name: _digest([file]) for name, file in _loaded_code().items()}
    identity |= {str(path): _digest(sorted(path.rglob("*")) if path.is_dir() else [path]) for path in data}
    return identity


def fingerprint(identity: dict[str, str]) -> str:
    """16 hexadecimal digits, the same for equal identities."""
    return short_digest(json.dumps(identity, sort_keys=True))


def differences(one: dict[str, str], other: dict[str, str]) -> list[str]:
    """Sorted names of the entries in which two identities differ."""
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


def continued(earlier: dict[str, str], identity: dict[str, str], epochs: int) -> dict[str, str]:
    """The identity of training `earlier` after `epochs` epochs, if it goes on as `identity`, maybe on another device.

    Raises ValueError if they differ in anything else.
    """
    if set(differences(earlier, identity)) - {DEVICE, EARLIER}:
        raise ValueError("of another training")
    if earlier[DEVICE] == identity[DEVICE]:
        return earlier
    devices = [earlier[EARLIER]] if EARLIER in earlier else []
    return {**identity, EARLIER: ", ".join([*devices, f"{earlier[DEVICE]} to epoch {epochs}"])}


def _loaded_code() -> dict[str, Path]:
    """The loaded modules of this project: path relative to the project's folder -> file."""
    ours = [module for name, module in list(sys.modules.items()) if name.partition(".")[0] in OURS]
    files = [Path(file).resolve() for module in ours if (file := getattr(module, "__file__", None))]
    root = Path(__file__).resolve().parents[2]
    return {file.relative_to(root).as_posix() if file.is_relative_to(root) else file.name: file for file in files}


def _digest(paths: list[Path]) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for path in paths:
        if path.is_file():
            contents = path.read_bytes()
            digest.update(f"{path.name} {len(contents)}\n".encode())
            digest.update(contents)
    return digest.hexdigest()
