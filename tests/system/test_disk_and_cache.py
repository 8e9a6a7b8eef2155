"""What disks and caches do to a run: full, read-only, linked, corrupted, or left by a run that was killed."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from conftest import (
    assert_one_line_error,
    change,
    copy_with_cache,
    flip_a_byte,
    lock,
    run_dvc,
    run_module,
    run_tool,
    small_params,
    stage_error,
    write_params,
)

from realage.network.backbones import ModelParams
from realage.network.pretrained import build_backbone

pytestmark = pytest.mark.slow

needs_root = pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="mounts need root rights")


@pytest.fixture
def clone(pipeline: Path, tmp_path: Path) -> Path:
    """A copy of the finished run, with a cache of its own, that a test may change."""
    return copy_with_cache(pipeline, tmp_path)


@pytest.fixture
def mount() -> Iterator[Callable]:
    """`mount(folder, *options)` mounts as the command of that name does, until the test ends."""
    mounted = []

    def mount_at(folder: Path, *options: str) -> None:
        folder.mkdir(exist_ok=True)
        done = subprocess.run(["mount", *options, folder], capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"no mounts on this machine: {done.stderr.strip()}")
        mounted.append(folder)

    yield mount_at
    for folder in reversed(mounted):
        run_tool(folder.parent, "umount", str(folder))


@contextmanager
def room_left(kilobytes: int, disk: Path) -> Iterator[None]:
    """A disk that has `kilobytes` left for as long as the block runs."""
    filler = disk / "filler"
    filler.write_bytes(bytes(shutil.disk_usage(disk).free - kilobytes * 1024))
    yield
    filler.unlink()


def md5(folder: Path, path: str) -> str:
    (found,) = [out["md5"] for stage in lock(folder).values() for out in stage["outs"] if out["path"] == path]
    return found


def cached(folder: Path, md5: str) -> Path:
    """The object in the cache of `copy_with_cache`."""
    return folder.parent / "cache/files/md5" / md5[:2] / md5[2:]


def damaged(cache: Path) -> list[Path]:
    """Objects whose bytes are not those that they are named after."""
    objects = [path for path in (cache / "files/md5").rglob("*") if path.is_file()]
    return [path for path in objects if path.stem != hashlib.md5(path.read_bytes()).hexdigest()[2:]]


def delete(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink()


def stages_run(output: str) -> list[str]:
    return [line.split("'")[1] for line in output.splitlines() if line.startswith("Running stage")]


def litter(folder: Path) -> list[str]:
    """Temporary files that nobody took away: those with names that start with a dot, or that Git would take up."""
    hidden = [
        str(path)
        for name in ("data", "models", "metrics", "plots", "checkpoints")
        for path in (folder / name).rglob(".*")
        if path.name != ".gitignore"
    ]
    status = run_tool(folder, "git", "status", "--porcelain").splitlines()
    return hidden + [line for line in status if line.startswith("??")]


FULL = {  # stage: a change that makes it run, and how few kilobytes it finds free
    "prepare": ("prepare", {"image_size": 40}, 100),
    "train": ("train", {"learning_rate": 0.002}, 2_000),
}


@needs_root
@pytest.mark.parametrize("stage", FULL)
def test_a_stage_that_fills_the_disk_says_so_in_one_line_and_runs_once_there_is_room(pipeline, tmp_path, mount, stage):
    section, values, kilobytes = FULL[stage]
    roomy = copy_with_cache(pipeline, tmp_path)
    change(roomy, section, **values)
    run_tool(roomy, "dvc", "repro", stage)

    mount(tmp_path / "disk", "-t", "tmpfs", "-o", "size=400m", "tmpfs")
    clone = copy_with_cache(pipeline, tmp_path / "disk")
    change(clone, section, **values)
    run_tool(clone, "dvc", "repro", "check")
    before = lock(clone)
    # What DVC deletes before it runs the stage must not make the room that the stage then needs.
    shutil.rmtree(clone / "data/prepared") if stage == "prepare" else (clone / "models/age.keras").unlink()
    with room_left(kilobytes, tmp_path / "disk"):
        error = stage_error(run_dvc(clone, "repro", stage))
        assert re.match(r"error: (\.store|data|checkpoints|models)/\S+: No space left on device", error)
    assert lock(clone) == before and litter(clone) == []

    assert stages_run(run_tool(clone, "dvc", "repro", stage)) == [stage]
    assert (clone / "dvc.lock").read_bytes() == (roomy / "dvc.lock").read_bytes()


@needs_root
def test_pretrained_weights_that_fill_the_disk_end_in_one_line_too(workspace, mount):
    """Written by h5py itself, they would end in pages of tracebacks and a segmentation fault."""
    params = small_params()
    model = ModelParams(**params["model"])
    build_backbone(model, 32, weights=None).save_weights(workspace / "mine.weights.h5")
    params["model"]["weights"] = "mine.weights.h5"
    write_params(workspace, params)
    disk = workspace / "data/weights"
    disk.mkdir(parents=True)
    mount(disk, "-t", "tmpfs", "-o", "size=1m", "tmpfs")
    done = run_module("stages.weights", workspace)
    assert_one_line_error(done, "data/weights/backbone.weights.h5: No space left on device")
    assert list(disk.iterdir()) == []
    run_tool(workspace, "mount", "-o", "remount,size=100m", str(disk))
    run_module("stages.weights", workspace).check_returncode()
    assert {path.name for path in disk.iterdir()} == {"backbone.weights.h5", "source.json"}


@needs_root
def test_a_cache_that_one_may_only_read_serves_what_it_has_and_stops_a_retraining_before_it_trains(clone, mount):
    cache = clone.parent / "cache"
    mount(cache, "--bind", str(cache))
    run_tool(cache, "mount", "-o", "remount,bind,ro", str(cache))
    shutil.rmtree(clone / "data/prepared")
    (clone / "models/age.keras").unlink()
    run_tool(clone, "dvc", "checkout")
    assert stages_run(run_tool(clone, "dvc", "repro")) == []

    change(clone, "train", learning_rate=0.002)
    before, model = lock(clone), (clone / "models/age.keras").read_bytes()
    done = run_dvc(clone, "repro", "train")
    assert done.returncode == 255 and stages_run(done.stdout) == ["check"]
    assert "Read-only file system" in done.stderr and "Traceback" not in done.stderr
    assert lock(clone) == before and (clone / "models/age.keras").read_bytes() == model

    run_tool(cache, "mount", "-o", "remount,bind,rw", str(cache))
    assert "train" in stages_run(run_tool(clone, "dvc", "repro", "train"))
    assert "up to date" in run_tool(clone, "dvc", "status", "train")


@pytest.mark.parametrize("kind", ["symlink", "hardlink"])
def test_the_pipeline_runs_on_links_into_the_cache_and_writes_through_none_of_them(pipeline, tmp_path, kind):
    clone = tmp_path / "clone"
    run_tool(tmp_path, "git", "clone", "-q", str(pipeline), str(clone))
    run_tool(clone, "dvc", "cache", "dir", "--local", str(tmp_path / "cache"))
    run_tool(clone, "dvc", "config", "--local", "cache.type", kind)
    run_tool(clone, "dvc", "repro")
    assert (clone / "dvc.lock").read_bytes() == (pipeline / "dvc.lock").read_bytes()
    for path in (clone / "models/age.keras", next((clone / "data/prepared").iterdir())):
        assert path.is_symlink() if kind == "symlink" else path.stat().st_nlink == 2
    assert stages_run(run_tool(clone, "dvc", "repro")) == []

    change(clone, "prepare", image_size=40)
    assert stages_run(run_tool(clone, "dvc", "repro")) == ["check", "prepare", "train", "evaluate", "report"]
    assert damaged(tmp_path / "cache") == []


DAMAGED = {  # what is damaged in the cache, a change that makes the next stage read it, and which that is
    "data/prepared": ("train", {"learning_rate": 0.002}, "train"),
    "models/age.keras": ("evaluate", {"groups": ["drawn_age"]}, "evaluate"),
}


@pytest.mark.parametrize("kind", ["copy", "symlink", "hardlink"])
@pytest.mark.parametrize("out", DAMAGED)
def test_what_a_damaged_cache_hands_out_is_refused_and_mended_as_the_line_says(clone, out, kind):
    section, values, reader = DAMAGED[out]
    run_tool(clone, "dvc", "config", "--local", "cache.type", kind)
    found = cached(clone, md5(clone, out))
    if out == "data/prepared":
        found = cached(clone, json.loads(found.read_text())[0]["md5"])
    flip_a_byte(found)
    delete(clone / out)
    run_tool(clone, "dvc", "checkout")
    change(clone, section, **values)
    assert stage_error(run_dvc(clone, "repro", reader)).startswith(f"error: {out}: not the bytes that DVC")

    delete(clone / out)
    run_module("realage", clone, "mend-cache").check_returncode()
    run_tool(clone, "dvc", "repro", reader)
    assert damaged(clone.parent / "cache") == []


def test_locks_of_a_run_that_was_killed_hold_nobody_up(clone):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    killed = {"pid": dead.pid, "cmd": "dvc repro"}
    stale = {"write": {str(clone / "data/checked.txt"): killed}, "read": {str(clone / "metrics/train.json"): [killed]}}
    (clone / ".dvc/tmp/rwlock").write_text(json.dumps(stale))
    for name in ("lock", "rwlock.lock"):
        (clone / ".dvc/tmp" / name).write_text(f" {dead.pid}\n")
    change(clone, "report", title="After a crash")
    assert stages_run(run_tool(clone, "dvc", "repro")) == ["check", "report"]
    assert json.loads((clone / ".dvc/tmp/rwlock").read_text()) == {}


@pytest.mark.parametrize(("contents", "said"), [("", "Unable to read RWLock-file"), ("ours", "is busy")])
def test_a_lock_that_dvc_cannot_free_is_named_and_may_be_deleted(clone, contents, said):
    # A number that was the killed process's may be that of another by now.
    alive = {"write": {str(clone / "data/checked.txt"): {"pid": os.getpid(), "cmd": "dvc repro"}}}
    (clone / ".dvc/tmp/rwlock").write_text(json.dumps(alive) if contents else "")
    change(clone, "report", title="After a crash")
    done = run_dvc(clone, "repro")
    assert done.returncode == 255 and said in done.stderr
    (clone / ".dvc/tmp/rwlock").unlink()
    assert stages_run(run_tool(clone, "dvc", "repro")) == ["check", "report"]


@pytest.mark.parametrize(("share", "said"), [(0.0, "validation failed"), (0.95, "'./dvc.lock' is invalid")])
def test_a_torn_lock_file_is_named_and_mended_by_git(clone, share, said):
    whole = (clone / "dvc.lock").read_bytes()
    (clone / "dvc.lock").write_bytes(whole[: whole.find(b"md5:", int(len(whole) * share)) + 2] if share else b"")
    done = run_dvc(clone, "repro")
    assert done.returncode == 255 and said in done.stderr
    run_tool(clone, "git", "restore", "dvc.lock")
    assert stages_run(run_tool(clone, "dvc", "repro")) == []


def test_a_lock_file_that_lost_its_last_stages_comes_back_by_running_them(clone):
    whole = (clone / "dvc.lock").read_bytes()
    (clone / "dvc.lock").write_bytes(whole[: whole.index(b"  report:")])
    assert stages_run(run_tool(clone, "dvc", "repro")) == ["report"]
    assert (clone / "dvc.lock").read_bytes() == whole
