"""HTTP as uvicorn speaks it, less clients that open connections and ask nothing."""

import asyncio
import sys
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

MOST_CONNECTIONS = 1_000
MOST_ACCEPTED = 64


class PatientProtocol(H11Protocol):
    """Closes connections whose next request does not begin in time, and those beyond the most that may be open."""

    head_seconds: float  # until the request line and the headers have to be there
    _waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """A client has connected."""
        super().connection_made(transport)
        if len(self.connections) > most_connections():
            transport.abort()
        else:
            self._wait_for_head()

    def data_received(self, data: bytes) -> None:
        """A client has sent something."""
        super().data_received(data)
        if self.cycle is None or self.cycle.response_complete:
            self._wait_for_head()
        else:
            self._stop_waiting()

    def connection_lost(self, exc: Exception | None) -> None:
        """A connection has ended."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _wait_for_head(self) -> None:
        if self._waiting is None:
            self._waiting = self.loop.call_later(self.head_seconds, self.transport.abort)

    def _stop_waiting(self) -> None:
        if self._waiting:
            self._waiting.cancel()
            self._waiting = None


def patient_protocol(head_seconds: float) -> type[PatientProtocol]:
    """The protocol with this time for the head of a request."""
    return type("PatientProtocol", (PatientProtocol,), {"head_seconds": head_seconds})


def most_connections() -> int:
    """The connections that may be open: MOST_CONNECTIONS, or a third of the files that the process may have open."""
    return min(MOST_CONNECTIONS, _most_files() // 3)


def most_accepted() -> int:
    """The connections that are accepted at once.

    A connection beyond the most is closed four turns of the event loop after it was accepted, and each turn may accept
    as many again. Together they get another third of the files.
    """
    return min(MOST_ACCEPTED, _most_files() // 12)


def _most_files() -> int:
    if sys.platform == "win32":
        return 12 * MOST_CONNECTIONS
    import resource

    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]
