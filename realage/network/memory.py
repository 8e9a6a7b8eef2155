"""Memory that the process keeps between the steps of a training."""

import ctypes
import sys

# The parameters of glibc's `mallopt`, by their numbers in malloc.h.
TRIM_THRESHOLD, MMAP_MAX, ARENA_MAX = -1, -4, -8


def keep_freed_memory() -> None:
    """Have the C library keep the memory that is freed, as the next step of a training allocates as much again.

    By default glibc returns large blocks to the system, which clears each page anew. In a training on the CPU this can
    take as long as the computation. Call it before the first thread starts. It does nothing where the C library is not
    glibc. It changes no result.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return
    for parameter, value in ((TRIM_THRESHOLD, 2**31 - 1), (MMAP_MAX, 0), (ARENA_MAX, 1)):
        mallopt(parameter, value)
