"""Commands in a fork of a process that has loaded DVC and GTO: they take a second to load, and little else."""

import logging
import os
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import IO, NoReturn

import dvc.cli.parser

# What commands import only once they run.
import dvc.lock
import dvc.logger
import dvc.repo.plots
import dvc.rwlock
import dvc.scm  # noqa: F401
import gto.api  # noqa: F401
import networkx  # noqa: F401
import ruamel.yaml  # noqa: F401

from realage.cli import main as realage

PROGRAMS: dict[str, Callable[[], int | None]] = {"dvc": dvc.cli.main, "realage": realage}


def run_forked(folder: Path, command: tuple[str, ...], environment: dict[str, str]) -> subprocess.CompletedProcess:
    """What a command of PROGRAMS does in `folder`, with nothing of an earlier one left over; stages are processes."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        process = os.fork()
        if not process:
            _end_as(command, folder, environment, out, errors)
        _, status = os.waitpid(process, 0)
        texts = [file.read().decode() for file in (out, errors) if file.seek(0) == 0]
    return subprocess.CompletedProcess(command, os.waitstatus_to_exitcode(status), *texts)


def _end_as(
    command: tuple[str, ...], folder: Path, environment: dict[str, str], out: IO[bytes], errors: IO[bytes]
) -> NoReturn:
    """Be the program, and end whatever happens: the fork must not go on with the tests."""
    status: object = 1
    try:
        for number, file in ((1, out), (2, errors)):
            os.dup2(file.fileno(), number)
        sys.stdout, sys.stderr = (open(number, "w", closefd=False) for number in (1, 2))
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environment)
        for name in ("dvc", "dvc_objects", "dvc_data"):
            logging.getLogger(name).handlers.clear()  # they have the outputs of the tests
        dvc.logger.setup()
        sys.argv = [*command]
        status = PROGRAMS[command[0]]() or 0
    except SystemExit as end:
        status = end.code or 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status if isinstance(status, int) else 1)
