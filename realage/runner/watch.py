"""Guards a stage that DVC runs: one process at a time, inputs as DVC recorded them, no change of them during the run.

DVC hashes code, data and params when a stage has ended. An input that changed during the run would be written to
dvc.lock with results that it did not produce (treeverse/dvc#11058).
"""

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from realage.core.digests import digest_of
from realage.core.errors import UserError
from realage.core.params import parse_params
from realage.core.paths import LOCK, PARAMS
from realage.runner.recorded import not_ignored, project_root, require_recorded

CODE_FOLDERS = ("realage", "stages", "synthetic")
CODE_SUFFIXES = (".py", ".j2")  # the only files of these folders that .dvcignore does not exclude

_deps: list[Path] = []
_others: list[Path] = []  # watched paths that dvc.yaml does not name
_params: dict[str, list[str]] = {}  # params file -> keys
_remembered: dict[str, Any] = {}  # file name or param key -> its digest, stamp or value


def remember_inputs() -> None:
    """Record the inputs that dvc.yaml names for the running stage. Call it before the stage's modules are imported.

    Does nothing if DVC did not start this process.
    """
    if not _stage():
        return
    # A stage of a `foreach` or `matrix` is not listed under its own name, and is not watched.
    entry = _read_yaml("dvc.yaml")["stages"].get(_stage(), {})
    for key in entry.get("params", []):
        for file, keys in (key if isinstance(key, dict) else {str(PARAMS): [key]}).items():
            _params.setdefault(file, []).extend(keys)
    # A dep may name a param: ${dataset.images}.
    params = _read_yaml(PARAMS)
    for dep in entry.get("deps", []):
        _deps.append(Path(re.sub(r"\$\{(.+?)\}", lambda key: str(_value(params, key[1])), dep)))
    _remembered.update(_fingerprint_inputs())


def watch(path: Path) -> None:
    """Also watch a file or folder that dvc.yaml does not name, from now on.

    Does nothing if DVC did not start this process.
    """
    if is_watched():
        _others.append(path)
        _remembered.update(_fingerprint(path))


def is_watched() -> bool:
    """Return whether DVC runs this process and its inputs are watched."""
    return bool(_remembered)


def require_unchanged_inputs() -> None:
    """Raise UserError that names an input, if one changed since `remember_inputs` or `watch`."""
    now = _fingerprint_inputs()
    changed = sorted(name for name in _remembered.keys() | now.keys() if _remembered.get(name) != now.get(name))
    for name in not_ignored(changed):
        raise UserError(
            f"{name}: changed while stage '{_stage()}' ran, so the results may not match it: "
            "keep or undo the change, then run 'dvc repro' again"
        )


@contextmanager
def guarded_stage() -> Iterator[None]:
    """Allow one process per stage, check its inputs before the block, and that they did not change after it.

    Does nothing if no inputs are watched. Raises UserError.
    """
    if not is_watched():
        yield
        return
    with _single_process():
        require_recorded(_deps)
        yield
        require_unchanged_inputs()


def restore_hint() -> str:
    """Return the end of an error message: how to restore the outs that DVC deleted before the stage. Empty if none."""
    stage = _stage()
    if not is_watched() or stage == "check" or not LOCK.is_file() or f"\n  {stage}:\n" not in LOCK.read_text("utf-8"):
        return ""
    return f" (to restore earlier results of '{stage}': 'dvc checkout {stage}', 'git restore metrics plots reports')"


def _stage() -> str:
    # DVC sets DVC_STAGE to the stage's name, after the path of its dvc.yaml if that is in another folder.
    return os.environ.get("DVC_STAGE", "").rpartition(":")[2]


@contextmanager
def _single_process() -> Iterator[None]:
    # Killing DVC does not kill its running stage, and the next 'dvc repro' would start a second process.
    root = project_root()
    assert root, "DVC runs this process"
    name = "-".join(["stage", *Path.cwd().relative_to(root).parts, _stage()])
    process = root / f".dvc/tmp/{name}.pid"
    try:
        with FileLock(process.with_suffix(".lock"), timeout=0):
            process.write_text(str(os.getpid()), encoding="utf-8")
            yield
    except Timeout:
        raise UserError(
            f"stage '{_stage()}' is still running in this folder, maybe from a 'dvc repro' that was killed: wait "
            f"until it ends, or stop it with: kill {process.read_text(encoding='utf-8')}"
        ) from None


def _fingerprint_inputs() -> dict[str, Any]:
    inputs: dict[str, Any] = {}
    for file, keys in _params.items():
        params = _read_yaml(file)
        inputs |= {f"{file}, {key}": json.dumps(_value(params, key), default=str) for key in keys}
    for path in (*_deps, *_others):
        inputs |= _fingerprint(path)
    return inputs


def _read_yaml(file: str | Path) -> Any:
    return _parse(Path(file).read_text(encoding="utf-8"))


@cache  # a file is read several times, and parsing takes longer than the rest of this module
def _parse(text: str) -> Any:
    try:
        return parse_params(text)
    except ValueError:
        return None  # the file is being written


def _value(params: Any, key: str) -> Any:
    for part in key.split("."):
        params = params.get(part) if isinstance(params, dict) else None
    return params


def _fingerprint(path: Path) -> dict[str, Any]:
    """Return digests of code and of single files, and, as DVC does, size, time and inode of files in a data folder."""
    if path.is_file():
        return {str(path): digest_of(path.read_bytes())}
    files = (file for file in path.rglob("*") if file.is_file())
    if path.parts[:1] and path.parts[0] in CODE_FOLDERS:
        return {str(file): digest_of(file.read_bytes()) for file in files if file.suffix in CODE_SUFFIXES}
    return {str(file): _stamp(file.stat()) for file in files}


def _stamp(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_size, status.st_mtime_ns, status.st_ino
