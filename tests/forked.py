"""Run commands in forks of one process that has loaded the libraries: loading takes longer than most commands.

`run_forked` starts that process, this file as a program, on its first call. It is not the process of the tests, which
has threads and outputs that a fork must not inherit. A stage that a forked `dvc` runs is a fork, too, unless
PYTHONPATH is set. Commands that a test types into a shell are processes of their own.
"""

import atexit
import json
import logging
import os
import runpy
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from typing import NoReturn

LOADED = (  # what commands and stages import, some of it only once they run
    "cv2",
    "dvc.cli.parser",
    "dvc.lock",
    "dvc.logger",
    "dvc.repo.plots",
    "dvc.rwlock",
    "dvc.scm",
    "gto.api",
    "imagehash",
    "jinja2",
    "joblib",
    "matplotlib.backends.backend_agg",
    "matplotlib.figure",
    "networkx",
    "pandera.pandas",
    "pyarrow.parquet",
    "realage.cli",
    "realage.network.quiet_keras",
    "ruamel.yaml",
    "scipy.optimize",
    "scipy.sparse.csgraph",
    "scipy.special",
)
OURS = ("realage", "stages", "synthetic")  # a stage runs the code of the folder that it runs in


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

    def program() -> object:
        for number, name, mode in ((0, os.devnull, os.O_RDONLY), (1, out, os.O_WRONLY), (2, errors, os.O_WRONLY)):
            os.dup2(os.open(name, mode), number)
        sys.stdin, sys.stdout, sys.stderr = (open(number, "rw"[number > 0], closefd=False) for number in range(3))
        _enter(folder, environment)
        for name in ("dvc", "dvc_objects", "dvc_data"):
            logging.getLogger(name).handlers.clear()  # they have the outputs of the server
        import_module("dvc.logger").setup()
        import_module("dvc.stage.run").subprocess = StageProcesses
        sys.argv = command
        return import_module({"dvc": "dvc.cli", "realage": "realage.cli"}[command[0]]).main()

    _end_with(program)


class StageProcesses:
    """What DVC uses of the module `subprocess` to run a stage."""

    check_output = staticmethod(subprocess.check_output)

    class Popen:
        """A stage as a fork of DVC's process, or another command as a process of its own."""

        def __new__(cls, command: list[str], **options) -> "StageProcesses.Popen | subprocess.Popen":
            if command[-1].startswith("python -m stages.") and "PYTHONPATH" not in options["env"]:
                return super().__new__(cls)
            return subprocess.Popen(command, **options)

        def __init__(self, command: list[str], cwd: str, env: dict[str, str], **_) -> None:
            sys.stdout.flush()
            sys.stderr.flush()
            self.returncode: int | None = None
            self.pid = os.fork()
            if not self.pid:
                _end_with(partial(_run_stage, command[-1].removeprefix("python -m "), cwd, env))

        def communicate(self) -> None:
            self.returncode = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def _run_stage(module: str, folder: str, environment: dict[str, str]) -> None:
    _enter(folder, environment)
    for name in [name for name in sys.modules if name.partition(".")[0] in OURS]:
        del sys.modules[name]
    sys.path[0] = folder
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _enter(folder: str, environment: dict[str, str]) -> None:
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)


def _end_with(program: Callable[[], object]) -> NoReturn:
    """End this process with the status of `program`, as Python does."""
    status: object = 1
    try:
        status = program() or 0
    except SystemExit as end:
        status = end.code or 0
        if isinstance(status, str):
            print(status, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
    finally:
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status if isinstance(status, int) else 1)


if __name__ == "__main__":
    serve()
