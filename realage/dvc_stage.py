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
from realage.recorded import require_recorded

Inputs = dict[str, Any]  # a file's name or a param's key -> something that changes with it

_remembered: Inputs = {}


def remember_inputs() -> None:
    """Take down the inputs that dvc.yaml names for the running stage. Call it before the stage's modules are loaded."""
    _remembered.update(_look_at_inputs())


def require_unchanged_inputs() -> None:
    """Raise UserError that names an input which is no longer as `remember_inputs` found it, if there is one."""
    now = _look_at_inputs() if _remembered else {}
    for name in sorted(_remembered.keys() | now.keys()):
        if _remembered.get(name) != now.get(name):
            raise UserError(
                f"{name}: changed while stage '{_stage()}' ran, so its results are not what dvc.lock would say: "
                "keep the change or undo it, and run 'dvc repro' again"
            )


@contextmanager
def honest_stage() -> Iterator[None]:
    """Run one process of a stage at a time, on sound inputs, and fail where they change within the block.

    Does nothing where DVC did not start this process. Raises UserError.
    """
    if not _stage():
        yield
        return
    with _only_process():
        require_recorded(_deps())
        yield
        require_unchanged_inputs()


def what_dvc_removed() -> str:
    """The end of an error's line: how results come back that DVC deleted before it ran the stage."""
    if not _stage():
        return ""
    return f" (had '{_stage()}' results before? 'dvc checkout' and 'git restore metrics plots reports' bring them back)"


def _stage() -> str:
    # DVC names the stage in this variable, behind the path of its dvc.yaml where that is in another folder.
    return os.environ.get("DVC_STAGE", "").rpartition(":")[2]


@contextmanager
def _only_process() -> Iterator[None]:
    # Killing DVC does not kill the stage that it runs, and the next 'dvc repro' would start a second one.
    root = next(folder for folder in (Path.cwd(), *Path.cwd().parents) if (folder / ".dvc").is_dir())
    try:
        with FileLock(root / f".dvc/tmp/stage-{_stage()}.lock", timeout=0):
            yield
    except Timeout:
        raise UserError(
            f"stage '{_stage()}' is still at work in this folder, though its 'dvc repro' may be gone: wait for it to "
            f"end, or stop it with: pkill -f 'stages.{_stage()}'"
        ) from None


def _look_at_inputs() -> Inputs:
    if not _stage():
        return {}
    params = _read("params.yaml")
    inputs = {f"params.yaml, {key}": json.dumps(_value(params, key)) for key in _entry().get("params", [])}
    for dep in _deps():
        inputs |= _look_at(dep)
    return inputs


def _deps() -> list[Path]:
    """Files and folders that the stage reads; dvc.yaml names the user's data through params: ${dataset.images}."""
    params = _read("params.yaml")
    deps = _entry().get("deps", [])
    return [Path(re.sub(r"\$\{(.+?)\}", lambda key: str(_value(params, key[1])), dep)) for dep in deps]


def _entry() -> dict[str, Any]:
    # A stage that DVC makes of a `foreach` or `matrix` is not there by its own name, and is not watched.
    return _read("dvc.yaml")["stages"].get(_stage(), {})


def _read(file: str) -> dict[str, Any]:
    return yaml.safe_load(Path(file).read_text(encoding="utf-8"))


def _value(params: dict[str, Any], key: str) -> Any:
    for part in key.split("."):
        params = params.get(part) if isinstance(params, dict) else None
    return params


def _look_at(path: Path) -> Inputs:
    """A file by its contents; a folder of maybe many thousand photos by what changes with them, as DVC does it."""
    if path.is_file():
        return {str(path): hashlib.blake2b(path.read_bytes()).hexdigest()}
    files = (file for file in path.rglob("*") if "__pycache__" not in file.parts and file.is_file())
    return {str(file): _stamp(file.stat()) for file in files}


def _stamp(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_size, status.st_mtime_ns, status.st_ino
