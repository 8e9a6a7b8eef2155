"""Temporary folders with photos, which a later run deletes if the process that made one is killed."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

RUNNING = "running.lock"  # locked as long as a process uses the folder: the system frees it when the last one ends
WORK = "work"


@contextmanager
def temporary_folder(prefix: str) -> Iterator[Path]:
    """Yield a new empty folder, and delete it after the block. Its parent has the name `prefix` and random characters.

    A process that is started inside the block with `close_fds=False` also counts as a user of the folder.
    """
    with tempfile.TemporaryDirectory(prefix=prefix) as parent, _locked(Path(parent)):
        folder = Path(parent, WORK)
        folder.mkdir()
        yield folder


def delete_abandoned(prefix: str) -> list[Path]:
    """Delete the folders of `temporary_folder` that this user's earlier processes left, and return their paths.

    Those of running processes and of other users stay, and what cannot be deleted.
    """
    return [path for path in sorted(Path(tempfile.gettempdir()).glob(f"{prefix}*")) if _is_own(path) and _deleted(path)]


@contextmanager
def _locked(parent: Path) -> Iterator[None]:
    new = parent / "new.lock"
    lock = os.open(new, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        os.set_inheritable(lock, True)
        # Renamed only now: whoever finds a file RUNNING that is not locked knows that its process is gone.
        new.rename(parent / RUNNING)
        yield
    finally:
        os.close(lock)


def _is_own(path: Path) -> bool:
    # In a shared folder, others may put links or folders of this name.
    return path.is_dir() and not path.is_symlink() and path.stat().st_uid == os.getuid()


def _deleted(parent: Path) -> bool:
    with suppress(FileNotFoundError, BlockingIOError):  # not locked yet, or just deleted; in use
        lock = os.open(parent / RUNNING, os.O_RDWR)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(parent / WORK, ignore_errors=True)
            # The lock goes last: without it, the next run would not find what is left here.
            if not (parent / WORK).exists():
                shutil.rmtree(parent)
                return True
        finally:
            os.close(lock)
    return False
