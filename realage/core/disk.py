"""Errors of the machine, such as a full disk, as opposed to errors in what a file contains."""

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


def is_of_machine(error: Exception) -> bool:
    """Return whether the machine is the cause of `error`: a disk, rights, memory, or open files."""
    return isinstance(error, OSError) and (error.errno in MACHINE or str(error.strerror).startswith(NO_TEMPORARY))
