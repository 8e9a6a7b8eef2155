"""Run commands in forks of one process that has loaded the libraries: loading takes longer than most commands.

The server, this file as a program, starts when a test first needs it. It is not the process of the tests, which has
threads and outputs that a fork must not inherit. `run_forked` runs a command of a test there. In `forked_commands()`
are programs `dvc` and `realage` for a shell; they run there, too. A stage that a forked `dvc` runs is a fork, too,
unless PYTHONPATH is set to other than a folder with a `sitecustomize.py`, which then runs first, as when Python starts.
"""

import atexit
import gc
import logging
import os
import runpy
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from typing import NoReturn

from forked_client import Request, receive, request

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


MAIN = {"dvc": "dvc.cli", "realage": "realage.cli"}
SOCKET = "socket"


def run_forked(folder: Path, command: tuple[str, ...], environment: dict[str, str]) -> subprocess.CompletedProcess:
    """What `dvc` or `realage` does in `folder`, with nothing of an earlier command left over."""
    with open(os.devnull) as nothing, tempfile.NamedTemporaryFile() as out, tempfile.NamedTemporaryFile() as errors:
        files = (nothing.fileno(), out.fileno(), errors.fileno())
        status = request(str(forked_commands() / SOCKET), Request(str(folder.absolute()), command, environment, files))
        texts = [Path(file.name).read_text() for file in (out, errors)]
    return subprocess.CompletedProcess(command, status, *texts)


@cache
def forked_commands() -> Path:
    """A folder with programs `dvc` and `realage` that a shell finds if it is the first in PATH."""
    folder = Path(tempfile.mkdtemp(prefix="forked-"))
    atexit.register(shutil.rmtree, folder)
    for name in MAIN:
        here = str(Path(__file__).parent)
        program = f"import sys; sys.path.insert(0, {here!r}); import forked_client; forked_client.main()"
        (folder / name).write_text(f"#!{sys.executable} -IS\n{program}\n")
        (folder / name).chmod(0o755)
    server = subprocess.Popen(
        [sys.executable, __file__, folder / SOCKET], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert server.stdout.readline() == "ready\n"
    atexit.register(server.stdin.close)
    return folder


def serve(address: str) -> None:
    """Answer each connection in a process of its own, until stdin ends with the process of the tests."""
    for name in LOADED:
        import_module(name)
    gc.freeze()  # as the forks are not to copy all of it when they collect garbage
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(address)
        server.listen()
        print("ready", flush=True)
        while sys.stdin not in select.select([server, sys.stdin], [], [])[0]:
            connection, _ = server.accept()
            if not os.fork():
                server.close()
                _answer(connection)
            connection.close()


def _answer(connection: socket.socket) -> NoReturn:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    asked = receive(connection)
    process = os.fork()
    if not process:
        connection.close()
        _end_as(asked)
    _, status = os.waitpid(process, 0)
    connection.sendall(str(os.waitstatus_to_exitcode(status)).encode())
    os._exit(0)


def _end_as(asked: Request) -> NoReturn:
    """Be the program, and end whatever happens: the fork must not go on as the server."""

    def program() -> object:
        for number, file in enumerate(asked.files):
            os.dup2(file, number)
        os.closerange(3, 1024)  # a pipe of the shell ends when nobody has it open
        sys.stdin, sys.stdout, sys.stderr = (open(number, "rw"[number > 0], closefd=False) for number in range(3))
        os.umask(asked.umask)
        _enter(asked.folder, asked.environment)
        for name in ("dvc", "dvc_objects", "dvc_data"):
            logging.getLogger(name).handlers.clear()  # they have the outputs of the server
        import_module("dvc.logger").setup()
        import_module("dvc.stage.run").subprocess = StageProcesses
        sys.argv = list(asked.command)
        return import_module(MAIN[asked.command[0]]).main()

    _end_with(program)


class StageProcesses:
    """What DVC uses of the module `subprocess` to run a stage."""

    check_output = staticmethod(subprocess.check_output)

    class Popen:
        """A stage as a fork of DVC's process, or another command as a process of its own."""

        def __new__(cls, command: list[str], **options) -> "StageProcesses.Popen | subprocess.Popen":
            has_path = "PYTHONPATH" in options["env"] and not _sitecustomize(options["env"])
            if command[-1].startswith("python -m stages.") and not has_path:
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
    for hook in _sitecustomize(environment):
        runpy.run_path(str(hook))
    for name in [name for name in sys.modules if name.partition(".")[0] in OURS]:
        del sys.modules[name]
    sys.path[0] = folder
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _sitecustomize(environment: dict[str, str]) -> list[Path]:
    return [file for file in [Path(environment.get("PYTHONPATH", "")) / "sitecustomize.py"] if file.is_file()]


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
    serve(sys.argv[1])
