"""Start the service: `realage serve`."""

import logging
import os
import socket
from pathlib import Path

import uvicorn

from realage.core.errors import UserError
from realage.inference.pipeline_model import open_model
from realage.service.app import build_app
from realage.service.limits import Limits
from realage.service.protocol import most_accepted, patient_protocol

SHORTEST_TOKEN = 16  # characters
LOCAL = ("127.0.0.1", "::1", "localhost")


def serve(model_file: Path | None, host: str, port: int, token_file: Path | None, limits: Limits) -> None:
    """Answer requests on `host` and `port` until SIGTERM or Ctrl-C, and then finish those that have begun.

    The model is `model_file` or, without one, that of the pipeline. Raises UserError if the model or the token file is
    not sound, or if the port cannot be used.
    """
    token = _read_token(token_file) if token_file else None
    path, model = open_model(model_file)
    app = build_app(model, limits, token)
    with _listen(host, port) as listener:
        shown = f"[{host}]" if ":" in host else host
        print(f"{path} answers on http://{shown}:{listener.getsockname()[1]}; Ctrl-C ends it", flush=True)
        if host not in LOCAL and token is None:
            print("every machine that reaches this address may ask: --token-file FILE asks for a token", flush=True)
        logging.getLogger("python_multipart").setLevel(logging.CRITICAL)  # its warnings quote forms
        config = uvicorn.Config(
            app, log_level="error", access_log=False, server_header=False, timeout_keep_alive=5,
            timeout_graceful_shutdown=round(limits.seconds) + 1, backlog=most_accepted(), ws="none",
            http=patient_protocol(limits.seconds),
        )  # fmt: skip
        uvicorn.Server(config).run(sockets=[listener])


def _read_token(file: Path) -> str:
    try:
        token = file.read_text("ascii").strip()
    except (OSError, ValueError) as error:
        raise UserError(f"{file}: cannot be read as a token: {error}") from error
    if len(token) < SHORTEST_TOKEN or not token.isprintable() or " " in token:
        raise UserError(f"{file}: a token has at least {SHORTEST_TOKEN} printable characters and no space")
    return token


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as error:
        reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
        raise UserError(f"cannot listen on {host}, port {port}: {reason}: name others: --host, --port") from error
