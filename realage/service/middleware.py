"""What is done around every request: count it, and add headers to its answer."""

import time

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from realage.service.telemetry import Telemetry

# The page may load nothing from another host, and no other site may show it in a frame.
POLICY = "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; frame-ancestors 'none'"


class CountRequests:
    """Counts the requests to `path`, by status, and times them."""

    def __init__(self, app: ASGIApp, telemetry: Telemetry, path: str) -> None:
        """Wrap `app`."""
        self._app, self._telemetry, self._path = app, telemetry, path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] != "http" or scope["path"] != self._path:
            return await self._app(scope, receive, send)
        start, status = time.perf_counter(), "none"  # of a client that has gone

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = str(message["status"])
            await send(message)

        try:
            await self._app(scope, receive, noting)
        except Exception:
            status = "500"  # Starlette answers it after this
            raise
        finally:
            self._telemetry.requests.labels(status).inc()
            self._telemetry.seconds.observe(time.perf_counter() - start)


class SecurityHeaders:
    """Adds the policy to pages, and keeps ages out of caches."""

    def __init__(self, app: ASGIApp, unrestricted: str) -> None:
        """Wrap `app`; the page at `unrestricted` has scripts inside, which the policy forbids."""
        self._app, self._unrestricted = app, unrestricted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)

        async def adding(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["X-Content-Type-Options"] = "nosniff"
                if scope["path"].startswith("/v1/"):
                    headers["Cache-Control"] = "no-store"
                elif scope["path"] != self._unrestricted:
                    headers["Content-Security-Policy"] = POLICY
            await send(message)

        await self._app(scope, receive, adding)
