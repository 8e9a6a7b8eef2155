"""Retrain the current commit from scratch, and compare the results with its dvc.lock: `realage verify`."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from pathlib import Path

from realage.core.digests import file_md5
from realage.core.errors import UserError, printable
from realage.core.files import read_json
from realage.core.paths import LOCK, metrics_file
from realage.core.programs import DVC, dvc, git
from realage.project.run_diff import (
    DIFFERENT,
    IDENTICAL,
    TOLERANCE,
    WITHIN,
    Finding,
    Results,
    compare,
    read_results,
)
from realage.project.temporary import delete_abandoned, temporary_folder

# Git sets these for its hooks. If a hook ran `make verify`, 'git clone' would write to the index of the original.
PLACES = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR", "GIT_PREFIX")
CLONES = "realage-verify-"  # the start of the names of temporary folders


def verify() -> None:
    """Retrain HEAD in a temporary clone and print a verdict on each stage; exit status 1 if one is different.

    This takes as long as a first `dvc repro`, and disk space for data and results in TMPDIR. Clones that earlier runs
    left there, because they were killed, are deleted.
    """
    for name in PLACES:
        os.environ.pop(name, None)
    origin, commit = Path.cwd(), _commit()
    if _git("status", "--porcelain"):
        print(f"verify: uncommitted changes are ignored: HEAD ({commit}) is verified", flush=True)
    for folder in delete_abandoned(CLONES):
        print(f"verify: {printable(str(folder))}: deleted: left by an earlier run that was killed", flush=True)
    with _fresh_clone(origin):
        committed = read_results()
        _check_files_in_git(committed)
        _tell_devices()
        _fetch_data(origin)
        _retrain(commit)
        findings = compare(committed, read_results())
    _print_table(findings)
    _sum_up(commit, findings)


def _commit() -> str:
    _git("rev-parse", "--git-dir")  # fails for any other reason than that there is no commit yet
    try:
        return _git("rev-parse", "--short", "HEAD").strip()
    except UserError:
        raise UserError(f"no commit to verify: commit the results of 'dvc repro', {LOCK} too") from None


@contextmanager
def _fresh_clone(origin: Path) -> Iterator[None]:
    """Clone HEAD, with an empty DVC cache of its own, and make the clone the current folder inside the block."""
    with temporary_folder(CLONES) as temporary:
        clone = temporary / "clone"
        # Ignore a user's template and hooks. Start no background work, which would still run when the clone is deleted.
        whole = _git("rev-parse", "--show-toplevel").rstrip("\n")
        settings = (f"core.hooksPath={os.devnull}", "gc.auto=0", "maintenance.auto=false")
        options = [word for setting in settings for word in ("-c", setting)]
        _git(*options, "clone", "--quiet", "--template=", whole, str(clone))
        # Otherwise DVC would leave a folder for each clone in the machine's site cache.
        os.environ["DVC_SITE_CACHE_DIR"] = f"{temporary}/site"
        # No background processes of DVC, such as its check for updates: they would write there while it is deleted.
        os.environ["DVC_DAEMON"] = "1"
        with chdir(clone / origin.resolve().relative_to(Path(whole).resolve())):
            # The local setting overrides a user's and a machine's. A shared cache or a run cache of earlier runs would
            # let DVC restore results that must be computed again.
            dvc("cache", "dir", "--local", f"{temporary}/cache")
            yield


def _check_files_in_git(committed: Results) -> None:
    """Raise UserError if the commit has a result, such as metrics, that is not the one that its dvc.lock names."""
    for stage in committed.stages.values():
        for path, out in stage.outs.items():
            if Path(path).is_file() and file_md5(Path(path)) != out.get("md5"):
                raise UserError(f"{path}: not the one that the commit's {LOCK} names: run 'dvc repro' and commit both")


def _tell_devices() -> None:
    """Print that the commit's training changed its device, if it did: then no device gives the same bytes."""
    train = metrics_file("train")
    devices = read_json(train).get("earlier_devices") if train.is_file() else None
    if devices:
        print(f"verify: the first epochs were trained on another device ({devices}), says {train}: no single device "
              "gives these bytes, so at best stage train and those after it are within tolerance", flush=True)


def _fetch_data(origin: Path) -> None:
    """Fetch the data of the commit's .dvc files, such as photos, from the cache of the project in `origin`."""
    files = [name for name in _git("ls-files", "-z", "*.dvc").split("\0") if name]
    if not files:
        return
    # A cache has the layout of a remote, so it can be used as one.
    with chdir(origin):
        cache = dvc("cache", "dir").strip()
    dvc("remote", "add", "--local", "origin-cache", cache)
    if _show("pull", "--remote", "origin-cache", *files) != 0:
        raise UserError(f"{', '.join(files)}: not completely in the cache {cache}, see above: run 'dvc pull' first")


def _retrain(commit: str) -> None:
    # An old dvc.lock would keep its order, and stages that dvc.yaml no longer has.
    LOCK.unlink()
    print(f"verify: retraining {commit} in a fresh clone, without a cache", flush=True)
    if _show("repro") != 0:
        raise UserError(
            f"'dvc repro' of {commit} failed in a fresh clone, see above: what it reads must be in Git, added by "
            "'dvc add', or named by an absolute path"
        )


def _print_table(findings: list[Finding]) -> None:
    width = max(len(finding.stage) for finding in findings)
    print()
    for stage, verdict, why in [("stage", "verdict", "why"), *findings]:
        print(printable(f"{stage:<{width}}  {verdict:<{len(WITHIN)}}  {why}"))


def _sum_up(commit: str, findings: list[Finding]) -> None:
    counts = Counter(finding.verdict for finding in findings)
    if counts[DIFFERENT]:
        print(f"\nverify: failed: {counts[DIFFERENT]} of {len(findings)} stages of {commit} are different")
        sys.exit(1)
    within = f", {counts[WITHIN]} within tolerance (MAE at most {TOLERANCE:g} years apart)" if counts[WITHIN] else ""
    print(f"\nverify: passed: {counts[IDENTICAL]} of {len(findings)} stages of {commit} are identical{within}")


def _git(*arguments: str) -> str:
    return git(*arguments).decode(errors="surrogateescape")


def _show(*arguments: str) -> int:
    """Run DVC with its output shown; returns its exit status."""
    # With the lock of the temporary folder: if this process is killed, DVC goes on, and nobody must delete its folder.
    process = subprocess.Popen([*DVC, *arguments], close_fds=False)
    try:
        return process.wait()
    except KeyboardInterrupt:
        # Ctrl-C reached DVC and its stage as well: wait for them before their folder is deleted.
        process.wait()
        raise
