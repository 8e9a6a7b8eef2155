"""Asks the server of forked.py to run a command. Loads little, as a shell starts this for each command."""

import json
import os
import socket
import sys
from typing import NamedTuple

LENGTH = 4  # bytes of the number before a message


class Request(NamedTuple):
    """A command, its folder and environment, the descriptors of its stdin, stdout and stderr, and its umask."""

    folder: str
    command: tuple[str, ...]
    environment: dict[str, str]
    files: tuple[int, int, int]
    umask: int = 0o022


def request(address: str, asked: Request) -> int:
    """Return the exit status of the command; -9 and the like if a signal ended it."""
    message = json.dumps(asked).encode()
    with socket.socket(socket.AF_UNIX) as server:
        server.connect(address)
        socket.send_fds(server, [len(message).to_bytes(LENGTH, "big")], asked.files)
        server.sendall(message)
        return int(server.makefile().read())


def receive(connection: socket.socket) -> Request:
    """Read what `request` sends."""
    length, files, _, _ = socket.recv_fds(connection, LENGTH, 3)
    message = connection.makefile("rb").read(int.from_bytes(length, "big"))
    return Request(*json.loads(message))._replace(files=tuple(files))


def main() -> None:
    """Be the program of this file's name, as a shell starts it."""
    umask = os.umask(0)
    os.umask(umask)
    folder, name = os.path.split(sys.argv[0])
    command = (name, *sys.argv[1:])
    status = request(os.path.join(folder, "socket"), Request(os.getcwd(), command, dict(os.environ), (0, 1, 2), umask))
    sys.exit(status if status >= 0 else 128 - status)
