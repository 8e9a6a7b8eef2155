"""What DVC leaves to the stage that it runs: to work alone, on sound inputs, and on inputs that stay as they are.

DVC looks at code, data and params when a stage has ended. What was changed while it ran would go into dvc.lock beside
results that it did not produce (treeverse/dvc#11058).
"""

import hashlib
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from filelock import FileLock, Timeout

from realage.errors import UserError
from realage.recorded import not_ignored, require_recorded

DVC_PARAMS_FILE = "params.yaml"

_deps: list[Path] = []
_params: dict[str, list[str]] = {}  # params file -> keys
_remembered: dict[str, Any] = {}  # a file's name or a param's key -> something that changes with it


def remember_inputs() -> None:
    """Take down the inputs that dvc.yaml names for the running stage. Call it before the stage's modules are loaded.

    Does nothing where DVC did not start this process.
    """
    if not _stage():
        return
    # A stage that DVC makes of a `foreach` or `matrix` is not there by its own name, and is not watched.
    entry = _read_yaml("dvc.yaml")["stages"].get(_stage(), {})
    for key in entry.get("params", []):
        for file, keys in (key if isinstance(key, dict) else {DVC_PARAMS_FILE: [key]}).items():
            _params.setdefault(file, []).extend(keys)
    # dvc.yaml names the user's data through params: ${dataset.images}.
    params = _read_yaml(DVC_PARAMS_FILE)
    for dep in entry.get("deps", []):
        _deps.append(Path(re.sub(r"\$\{(.+?)\}", lambda key: str(_value(params, key[1])), dep)))
    _remembered.update(_look_at_inputs())


def is_watched() -> bool:
    """Whether DVC runs this process, and a change of its inputs would be noticed."""
    return bool(_remembered)


def require_unchanged_inputs() -> None:
    """Raise UserError that names an input which is no longer as `remember_inputs` found it, if there is one."""
    now = _look_at_inputs()
    changed = sorted(name for name in _remembered.keys() | now.keys() if _remembered.get(name) != now.get(name))
    for name in not_ignored(changed):
        raise UserError(
            f"{name}: changed while stage '{_stage()}' ran, so its results are not what dvc.lock would say: "
            "keep the change or undo it, and run 'dvc repro' again"
        )


@contextmanager
def honest_stage() -> Iterator[None]:
    """Run one process of a stage at a time, on sound inputs, and fail where they change within the block.

    Does nothing where no inputs are remembered. Raises UserError.
    """
    if not is_watched():
        yield
        return
    with _only_process():
        require_recorded(_deps)
        yield
        require_unchanged_inputs()


def what_dvc_removed() -> str:
    """The end of an error's line: how results come back that DVC deleted before it ran the stage, if there were any."""
    stage, lock = _stage(), Path("dvc.lock")
    if not is_watched() or stage == "check" or not lock.is_file() or f"\n  {stage}:\n" not in lock.read_text("utf-8"):
        return ""
    return f" (what '{stage}' made before: 'dvc checkout {stage}', 'git restore metrics plots reports' bring it back)"


def _stage() -> str:
    # DVC names the stage in this variable, behind the path of its dvc.yaml where that is in another folder.
    return os.environ.get("DVC_STAGE", "").rpartition(":")[2]


@contextmanager
def _only_process() -> Iterator[None]:
    # Killing DVC does not kill the stage that it runs, and the next 'dvc repro' would start a second one.
    root = next(folder for folder in (Path.cwd(), *Path.cwd().parents) if (folder / ".dvc").is_dir())
    name = "-".join(["stage", *Path.cwd().relative_to(root).parts, _stage()])
    process = root / f".dvc/tmp/{name}.pid"
    try:
        with FileLock(process.with_suffix(".lock"), timeout=0):
            process.write_text(str(os.getpid()), encoding="utf-8")
            yield
    except Timeout:
        raise UserError(
            f"stage '{_stage()}' is still at work in this folder, though its 'dvc repro' may be gone: wait for it to "
            f"end, or stop it with: kill {process.read_text(encoding='utf-8')}"
        ) from None


def _look_at_inputs() -> dict[str, Any]:
    inputs = {}
    for file, keys in _params.items():
        params = _read_yaml(file)
        inputs |= {f"{file}, {key}": json.dumps(_value(params, key), default=str) for key in keys}
    for dep in _deps:
        inputs |= _look_at(dep)
    return inputs


def _read_yaml(file: str) -> Any:
    try:
        return yaml.safe_load(Path(file).read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError):
        return None  # somebody is writing it


def _value(params: Any, key: str) -> Any:
    for part in key.split("."):
        params = params.get(part) if isinstance(params, dict) else None
    return params


def _look_at(path: Path) -> dict[str, Any]:
    """A file by its contents; a folder of maybe many thousand photos by what changes with them, as DVC does it."""
    if path.is_file():
        return {str(path): hashlib.blake2b(path.read_bytes()).hexdigest()}
    return {str(file): _stamp(file.stat()) for file in path.rglob("*") if file.is_file()}


def _stamp(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_size, status.st_mtime_ns, status.st_ino
