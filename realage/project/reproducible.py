"""Check that dvc.lock belongs to this commit's stages, code and params: `realage reproducible`. It needs no data."""

import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dvc.dependency import ParamsDependency
from dvc.repo import Repo
from dvc.stage import PipelineStage

from realage.core.digests import file_md5
from realage.core.errors import UserError
from realage.core.params import parse_params
from realage.core.paths import LOCK
from realage.core.programs import DVC, explained
from realage.project.run_diff import join_first

DIGEST = re.compile(r"[0-9a-f]{32}(\.dir)?")


def reproducible() -> None:
    """Print that it does, or raise UserError that says why not. Nothing is run or fetched.

    The stages, deps and outs in dvc.lock must be those of dvc.yaml. Code, params, and all data in the workspace or in
    DVC's cache must have the recorded hashes.
    """
    _refuse_stages_that_would_run()
    with Repo() as repo:
        stages = [stage for stage in repo.index.stages if isinstance(stage, PipelineStage)]
        stages = [stage for stage in stages if stage.path_in_repo == "dvc.yaml"]
        if wrong := list(wrong_entries(stages, _recorded_stages())):
            raise UserError(f"dvc.lock is not of this dvc.yaml: {join_first(wrong)}: run 'dvc repro' and commit")
        outs = [out for stage in stages for out in stage.outs]
        unknown = [str(out) for out in outs if not _is_here(out)]
    print("reproducible: dvc.lock belongs to this commit's stages, code and params")
    print(f"{len(outs) - len(unknown)} of {len(outs)} outs are here and have the recorded hash")
    if unknown:
        print(f"not here, so unknown: {join_first(unknown)}: 'dvc pull' fetches them, 'realage verify' remakes them")


def _refuse_stages_that_would_run() -> None:
    done = subprocess.run([*DVC, "repro", "--dry", "--allow-missing"], capture_output=True, text=True, check=False)
    stages = re.findall(r"^Running stage '(.+)':", done.stdout, flags=re.MULTILINE)
    # DVC also hashes the deps of a stage that would run, and fails if the data are not here.
    stages += re.findall(r"failed to reproduce '(.+)': \[Errno 2\]", done.stderr)
    if done.returncode and not stages:
        raise UserError(f"DVC cannot tell: {explained(done.stderr or done.stdout)}")
    if stages:
        raise UserError(f"dvc.lock is not of this commit: {', '.join(stages)} would run: run 'dvc repro' and commit")


def wrong_entries(stages: list[PipelineStage], recorded: dict[str, Any]) -> Iterator[str]:
    """What differs between the stages of dvc.yaml and those `recorded` in dvc.lock, by name.

    DVC ignores an entry of either that the other lacks.
    """
    for name in recorded.keys() - {stage.name for stage in stages}:
        yield f"{name} is no stage"
    for stage in stages:
        entry = recorded.get(stage.name, {})
        deps = [dep for dep in stage.deps if not isinstance(dep, ParamsDependency)]
        for kind, declared in (("deps", deps), ("outs", stage.outs)):
            paths = Counter(item["path"] for item in entry.get(kind, []))
            expected = Counter(item.def_path for item in declared)
            yield from (f"{stage.name} has no {path} in its {kind}" for path in paths - expected)
            yield from (f"{path}, of the {kind} of {stage.name}, is not recorded" for path in expected - paths)
        for item in entry.get("outs", []):
            if not DIGEST.fullmatch(str(item.get("md5"))):
                yield f"{item['path']} of {stage.name} has no MD5"


def _recorded_stages() -> dict[str, Any]:
    try:
        return parse_params(LOCK.read_text(encoding="utf-8"))["stages"]  # DVC has checked its structure
    except (OSError, ValueError, LookupError) as error:
        raise UserError(f"{LOCK}: not as DVC writes it ({error}): run 'dvc repro' and commit") from error


def _is_here(out: Any) -> bool:
    """Whether the workspace or the cache has an out. DVC has compared the workspace; the cache's object is hashed here.

    Raises UserError if that object has other bytes.
    """
    if out.exists:
        return True
    file = Path(out.cache.oid_to_path(out.hash_info.value))
    if not out.use_cache or not file.is_file():
        return False
    if file_md5(file) != out.hash_info.value.removesuffix(".dir"):
        raise UserError(f"{out}: damaged in DVC's cache: run 'realage mend-cache', then 'dvc pull'")
    return True
