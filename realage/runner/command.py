"""Runs a function as a program, and prints a user's error as one line."""

import os
import sys
from collections.abc import Callable

from realage.core.errors import UserError, printable
from realage.runner.watch import guarded_stage, restore_hint

LONGEST_LINE = 1_000  # characters; an error may quote a file of any content


def run(command: Callable[[], None]) -> None:
    """Run `command` as a program. A `UserError` or `OSError` gives one line on stderr and exit status 1.

    With `--debug` on the command line the traceback is shown instead of that line.
    """
    debug = "--debug" in sys.argv
    if debug:
        sys.argv.remove("--debug")
    try:
        with guarded_stage():
            command()
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader of stdout, such as `head`, has closed the pipe: not an error.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (UserError, OSError) as error:
        if debug:
            raise
        print(f"error: {_one_line(error)}{restore_hint()}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)


def _one_line(error: Exception) -> str:
    line = printable(" ".join(_described(error).split()))
    return line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]} ..."


def _described(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return f"{error.filename}: no such file: run 'dvc repro' to create it, or 'dvc pull' to fetch it"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename or 'file system'}: {error.strerror}"
    return str(error)
