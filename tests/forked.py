"""Run commands in forks of one process that has loaded DVC and GTO: they take a second to load, and little else.

`run_forked` starts that process, this file as a program, on its first call. It is not the process of the tests, which
has threads and outputs that a fork must not inherit.
"""

import json
import logging
import os
import subprocess
import sys
import tempfile
import traceback
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import NoReturn

LOADED = (  # what commands import, some of it only once they run
    "dvc.cli.parser",
    "dvc.lock",
    "dvc.logger",
    "dvc.repo.plots",
    "dvc.rwlock",
    "dvc.scm",
    "gto.api",
    "networkx",
    "realage.cli",
    "ruamel.yaml",
)


def run_forked(folder: Path, command: tuple[str, ...], environment: dict[str, str]) -> subprocess.CompletedProcess:
    """What `dvc` or `realage` does in `folder`, with nothing of an earlier command left over."""
    with tempfile.NamedTemporaryFile() as out, tempfile.NamedTemporaryFile() as errors:
        request = [str(folder.absolute()), command, environment, out.name, errors.name]
        server = _server()
        print(json.dumps(request), file=server.stdin, flush=True)
        status = int(server.stdout.readline())
        texts = [file.read().decode() for file in (out, errors)]
    return subprocess.CompletedProcess(command, status, *texts)


@cache
def _server() -> subprocess.Popen:
    return subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def serve() -> None:
    """Answer each request on stdin, a line of JSON, with the command's exit status on stdout."""
    for name in LOADED:
        import_module(name)
    for line in sys.stdin:
        process = os.fork()
        if not process:
            _end_as(*json.loads(line))
        _, status = os.waitpid(process, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _end_as(folder: str, command: list[str], environment: dict[str, str], out: str, errors: str) -> NoReturn:
    """Be the program, and end whatever happens: the fork must not go on as the server."""
    status: object = 1
    try:
        for number, name, mode in ((0, os.devnull, os.O_RDONLY), (1, out, os.O_WRONLY), (2, errors, os.O_WRONLY)):
            os.dup2(os.open(name, mode), number)
        sys.stdin, sys.stdout, sys.stderr = (open(number, "rw"[number > 0], closefd=False) for number in range(3))
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environment)
        for name in ("dvc", "dvc_objects", "dvc_data"):
            logging.getLogger(name).handlers.clear()  # they have the outputs of the server
        import_module("dvc.logger").setup()
        sys.argv = command
        program = {"dvc": "dvc.cli", "realage": "realage.cli"}[command[0]]
        status = import_module(program).main() or 0
    except SystemExit as end:
        status = end.code or 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status if isinstance(status, int) else 1)


if __name__ == "__main__":
    serve()
