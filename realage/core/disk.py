"""Files that are replaced as a whole, and errors of the machine, such as a full disk, as opposed to bad contents."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MACHINE = {
    *(errno.EACCES, errno.EPERM, errno.EROFS),
    *(errno.EDQUOT, errno.EFBIG, errno.EIO, errno.ENOSPC),
    *(errno.EMFILE, errno.ENFILE, errno.ENOMEM),
}
NO_TEMPORARY = "No usable temporary directory"  # Python's error if it can write to none of them


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Add `path` to an OSError of the block that names no file: Python names none that it opened and cannot write."""
    try:
        yield
    except OSError as error:
        if error.errno and not error.filename:
            error.filename = str(path)
        raise


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`, which replaces `path` if the block ends without an error.

    If a process is killed, the next one overwrites its temporary file. Git and DVC ignore temporary files.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".part.{path.name}")
    try:
        with naming(path):
            yield part
            part.replace(path)
    except OSError as error:
        if error.filename == str(part):
            error.filename = str(path)  # the name that the user knows
        raise
    finally:
        part.unlink(missing_ok=True)


def is_of_machine(error: Exception) -> bool:
    """Return whether the machine is the cause of `error`: a disk, rights, memory, or open files."""
    return isinstance(error, OSError) and (error.errno in MACHINE or str(error.strerror).startswith(NO_TEMPORARY))
