"""Runs a function as a program, and prints a user's error as one line."""

import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from realage.core.errors import UserError, printable
from realage.runner.watch import guarded_stage, restore_hint

LONGEST_LINE = 1_000  # characters; an error may quote a file of any content


def run(command: Callable[[], None]) -> None:
    """Run `command` as a program. A `UserError`, `OSError` or `MemoryError` gives one line on stderr and exit status 1.

    So does an output that its reader has closed: the command may not have come to its verdict. A character that the
    output's encoding lacks is escaped. With `--debug` on the command line the traceback is shown instead of that line.
    """
    debug = "--debug" in sys.argv
    if debug:
        sys.argv.remove("--debug")
    _set_up_output()
    try:
        with guarded_stage():
            command()
        sys.stdout.flush()
    except (UserError, OSError, MemoryError) as error:
        if debug:
            raise
        _print_error(f"error: {_one_line(error)}{restore_hint()}")
        sys.exit(1)
    except KeyboardInterrupt:
        _print_error("interrupted")
        sys.exit(130)


@contextmanager
def output_for_a_reader() -> Iterator[None]:
    """Allow the reader of standard output, such as `head`, to stop reading: the block does nothing else than print."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        _discard_output()


def _set_up_output() -> None:
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed before the start
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))
        stream = getattr(sys, name)
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _print_error(line: str) -> None:
    try:
        sys.stdout.flush()
    except OSError:
        _discard_output()
    print(line, file=sys.stderr)


def _discard_output() -> None:
    """Discard what is left to write: Python would try that at its end, and fail with a message of its own."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _one_line(error: Exception) -> str:
    line = printable(" ".join(_described(error).split()))
    half = LONGEST_LINE // 2  # a long name or value must not hide the reason behind it
    return line if len(line) <= LONGEST_LINE else f"{line[:half]} ... {line[-half:]}"


def _described(error: Exception) -> str:
    if isinstance(error, BrokenPipeError):
        return "standard output: closed by its reader before the end: run this again, with its output into a file"
    if isinstance(error, FileNotFoundError) and error.filename:
        return f"{error.filename}: no such file: run 'dvc repro' to create it, or 'dvc pull' to fetch it"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename or 'file system'}: {error.strerror}"
    if isinstance(error, MemoryError):
        return "not enough memory: close other programs, or allow this one more, see 'ulimit -v'"
    return str(error)
