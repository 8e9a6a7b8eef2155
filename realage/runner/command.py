"""Running a function as a program, with one style for a user's mistakes: a single line that names the thing."""

import os
import sys
from collections.abc import Callable

from realage.core.errors import UserError, printable
from realage.runner.watch import guarded_stage, restore_hint

LONGEST_LINE = 1_000  # characters: whatever a hostile file holds, the error stays readable


def run(command: Callable[[], None]) -> None:
    """Run `command` as a program: exit status 1 and one line on stderr for a `UserError` or a failing file system.

    With `--debug` on the command line the traceback is shown as well.
    """
    debug = "--debug" in sys.argv
    if debug:
        sys.argv.remove("--debug")
    try:
        with guarded_stage():
            command()
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read our output has had enough, such as `head`: nothing to report, and nobody to report it to.
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
    if isinstance(error, FileNotFoundError):
        return f"{error.filename}: no such file: 'dvc repro' makes what stages read, 'dvc pull' fetches it"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename or 'file system'}: {error.strerror}"
    line = printable(" ".join(str(error).split()))
    return line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]} ..."
