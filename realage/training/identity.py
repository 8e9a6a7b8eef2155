"""What every byte of a trained model follows from, so that no training is mistaken for another."""

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

LIBRARIES = ("cv2", "keras", "numpy", "scipy")  # what computes, beside the backend
KERNELS = ("TF_", "ONEDNN_", "XLA_", "NVIDIA_")  # environment variables that choose how they compute
OURS = ("__main__", "realage", "stages")


def training_identity(
    sections: dict[str, dict[str, Any]], data: Iterable[Path], backend: str, device: str, watched: bool
) -> dict[str, str]:
    """Name every param, module, data set and version behind a training, each with a text that changes with it.

    `data` are files and folders, taken by their contents. Code and libraries are those that this process has loaded.
    `watched` says whether a change of the inputs during training would be noticed.
    """
    identity = {"device": device, "python": platform.python_version()}
    identity |= {name: sys.modules[name].__version__ for name in (backend, *LIBRARIES)}
    chosen = {name: os.environ[name] for name in sorted(os.environ) if name.startswith(KERNELS)}
    identity |= {name: value for name, value in chosen.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    # By hand nobody watches whether inputs change meanwhile, so what is learnt there is not for DVC to take up.
    identity["watched by DVC"] = str(watched)
    for name, section in sections.items():
        identity |= {key: json.dumps(value) for key, value in flatten({name: section}).items()}
    identity |= {name: _digest([file]) for name, file in _loaded_code().items()}
    identity |= {str(path): _digest(sorted(path.rglob("*")) if path.is_dir() else [path]) for path in data}
    return identity


def fingerprint(identity: dict[str, str]) -> str:
    """16 hexadecimal digits that two trainings share if they share everything."""
    return short_digest(json.dumps(identity, sort_keys=True))


def differences(one: dict[str, str], other: dict[str, str]) -> list[str]:
    """Names of what two trainings do not share, sorted."""
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


def _loaded_code() -> dict[str, Path]:
    """The modules of this project that run: the path of each from the folder that holds its package -> its file."""
    ours = [module for name, module in list(sys.modules.items()) if name.partition(".")[0] in OURS]
    files = [Path(module.__file__).resolve() for module in ours if module.__file__]
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
