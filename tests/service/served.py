"""A server of its own for tests: `realage serve` in a process, on a free port."""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import requests
from conftest import ENVIRONMENT, PROJECT

Files = list[tuple[str, bytes]]


class Server(NamedTuple):
    """A running server, and the file that its output goes to."""

    process: subprocess.Popen
    address: str
    output: Path

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])

    def send(self, body: bytes, query: str = "", **headers: str) -> requests.Response:
        """Send one photo as it is."""
        return requests.post(f"{self.address}/v1/ages{query}", data=body, headers=headers, timeout=60)

    def send_form(self, files: Files, query: str = "", **headers: str) -> requests.Response:
        """Send photos, by name, as the files of a form."""
        form = [("photos", (name, contents)) for name, contents in files]
        return requests.post(f"{self.address}/v1/ages{query}", files=form, headers=headers, timeout=60)

    def get(self, path: str, **headers: str) -> requests.Response:
        return requests.get(f"{self.address}{path}", headers=headers, timeout=60)

    def stop(self) -> int:
        """Ask it to end, as a container platform does; returns its status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


@contextmanager
def serving(model: Path, folder: Path, *options: str, files: int = 0, **environment: str) -> Iterator[Server]:
    """A server that works in `folder`, and may have so many `files` open, if given."""
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "realage", "serve", "--model", str(model), "--port", "0", *options]
    if files:
        command = ["bash", "-c", f'ulimit -n {files}; exec "$@"', "bash", *command]
    with (folder / "output").open("w") as output:
        environment = {**ENVIRONMENT, "PYTHONPATH": str(PROJECT), **environment}
        process = subprocess.Popen(command, cwd=folder, stdout=output, stderr=output, env=environment)
    try:
        while not (found := re.search(r"http://\S+:\d+", (folder / "output").read_text())):
            assert process.poll() is None, (folder / "output").read_text()
        yield Server(process, found[0], folder / "output")
    finally:
        process.kill()
        process.wait()


def only_face(response: requests.Response) -> dict:
    """The face in the answer to one photo."""
    assert response.status_code == 200, response.text
    (photo,) = json.loads(response.text)["photos"]
    (face,) = photo["faces"]
    return face
