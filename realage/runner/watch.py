"""A stage under DVC: it works alone, on the inputs that DVC recorded, and fails where they change while it runs.

DVC looks at code, data and params when a stage has ended. What was changed while it ran would go into dvc.lock beside
results that it did not produce (treeverse/dvc#11058).
"""

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from realage.core.digests import digest_of
from realage.core.errors import UserError
from realage.core.params import parse_params
from realage.core.paths import LOCK, PARAMS
from realage.runner.recorded import not_ignored, require_recorded

CODE_FOLDERS = ("realage", "stages", "synthetic")
CODE_SUFFIXES = (".py", ".j2")  # what .dvcignore lets count of them

_deps: list[Path] = []
_others: list[Path] = []  # watched, though dvc.yaml does not name them
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
        for file, keys in (key if isinstance(key, dict) else {str(PARAMS): [key]}).items():
            _params.setdefault(file, []).extend(keys)
    # dvc.yaml names the user's data through params: ${dataset.images}.
    params = _read_yaml(PARAMS)
    for dep in entry.get("deps", []):
        _deps.append(Path(re.sub(r"\$\{(.+?)\}", lambda key: str(_value(params, key[1])), dep)))
    _remembered.update(_look_at_inputs())


def watch(path: Path) -> None:
    """From now on, watch a file or folder that dvc.yaml does not name.

    Does nothing where DVC did not start this process.
    """
    if is_watched():
        _others.append(path)
        _remembered.update(_look_at(path))


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
def guarded_stage() -> Iterator[None]:
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


def restore_hint() -> str:
    """The end of an error's line: how to restore the outs that DVC deleted before it ran the stage, if it had any."""
    stage = _stage()
    if not is_watched() or stage == "check" or not LOCK.is_file() or f"\n  {stage}:\n" not in LOCK.read_text("utf-8"):
        return ""
    return f" (earlier results of '{stage}' come back by 'dvc checkout {stage}', 'git restore metrics plots reports')"


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
    inputs: dict[str, Any] = {}
    for file, keys in _params.items():
        params = _read_yaml(file)
        inputs |= {f"{file}, {key}": json.dumps(_value(params, key), default=str) for key in keys}
    for path in (*_deps, *_others):
        inputs |= _look_at(path)
    return inputs


def _read_yaml(file: str | Path) -> Any:
    try:
        return parse_params(Path(file).read_text(encoding="utf-8"))
    except ValueError:
        return None  # somebody is writing it


def _value(params: Any, key: str) -> Any:
    for part in key.split("."):
        params = params.get(part) if isinstance(params, dict) else None
    return params


def _look_at(path: Path) -> dict[str, Any]:
    """Code by its contents; a folder of maybe many thousand photos by what changes with them, as DVC does it."""
    if path.is_file():
        return {str(path): digest_of(path.read_bytes())}
    files = (file for file in path.rglob("*") if file.is_file())
    if path.parts[:1] and path.parts[0] in CODE_FOLDERS:
        return {str(file): digest_of(file.read_bytes()) for file in files if file.suffix in CODE_SUFFIXES}
    return {str(file): _stamp(file.stat()) for file in files}


def _stamp(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_size, status.st_mtime_ns, status.st_ino
