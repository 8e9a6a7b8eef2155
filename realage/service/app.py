"""The addresses of the service."""

import asyncio
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import Depends, FastAPI, HTTPException, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from fastapi_offline import FastAPIOffline
from pydantic import Field
from starlette.exceptions import HTTPException as StarletteHTTPException

from realage.inference.age_model import AgeModel
from realage.inference.gate import Gate
from realage.service.answers import Ages, Failure, Model, model_answer
from realage.service.handler import Handler
from realage.service.limits import Limits
from realage.service.middleware import CountRequests, SecurityHeaders
from realage.service.telemetry import Telemetry

PAGE = Path(__file__).parent / "page"
AGES, DOCS = "/v1/ages", "/docs"
QUERY = ("faces", "threshold", "challenge")
FILE = {"type": "string", "format": "binary"}
FORM = {"type": "object", "properties": {"photos": {"type": "array", "items": FILE}}}
BODY = {"multipart/form-data": {"schema": FORM}, "application/octet-stream": {"schema": FILE}}
FAILURES: dict[int | str, dict[str, Any]] = {code: {"model": Failure} for code in (400, 401, 408, 413, 422, 503)}

Faces = Annotated[Literal["largest", "all"], Query(description="the faces of each photo that are wanted")]
Years = Annotated[float | None, Field(ge=0, le=150, allow_inf_nan=False)]
Threshold = Annotated[Years, Query(description="an age gate in years, such as 18")]
Challenge = Annotated[Years, Query(description="the age in years from which people pass")]


def build_app(model: AgeModel, limits: Limits, token: str | None = None) -> FastAPI:
    """Build the application around a loaded model. With a `token`, whoever asks has to send it as a bearer token."""
    telemetry = Telemetry()
    handler = Handler(model, limits, telemetry)
    described = model_answer(model)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        task = asyncio.create_task(handler.run())
        yield
        task.cancel()

    app = FastAPIOffline(
        DOCS, None, title="realage", description="Ages of people in photos, in years.", lifespan=lifespan
    )
    app.add_middleware(SecurityHeaders, unrestricted=DOCS)
    app.add_middleware(CountRequests, telemetry=telemetry, path=AGES)
    app.add_exception_handler(StarletteHTTPException, _say)
    app.add_exception_handler(RequestValidationError, _say_what_is_invalid)
    app.add_exception_handler(Exception, _say_nothing)
    allowed = [Depends(_token_check(token))] if token else []

    @app.post(AGES, dependencies=allowed, responses=FAILURES,
              openapi_extra={"requestBody": {"required": True, "content": BODY}})  # fmt: skip
    async def ages(
        request: Request, faces: Faces = "largest", threshold: Threshold = None, challenge: Challenge = None
    ) -> Ages:
        """Predict the ages in one photo, sent as it is, or in several, sent as the files of a form."""
        _require_known(request)
        photos = await handler.answer(request, faces == "all", _gate(threshold, challenge))
        return Ages(photos=photos, model=described)

    @app.get("/v1/model", dependencies=allowed)
    async def describe_model() -> Model:
        """Describe the model that answers."""
        return described

    @app.get("/metrics", dependencies=allowed, response_class=Response)
    async def metrics() -> Response:
        """Counts for Prometheus."""
        return Response(telemetry.text(), media_type="text/plain; version=0.0.4")

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        """The process runs."""
        return {"status": "ok"}

    @app.get("/readyz", responses={503: {"model": Failure}})
    async def readyz() -> dict[str, str]:
        """The model is loaded and has room for more photos."""
        if handler.is_full:
            raise HTTPException(503, "too many photos at once")
        return {"status": "ok"}

    # Not mounted at "/", which would take requests of a wrong method to the other addresses.
    for file in sorted(PAGE.iterdir()):
        path = "/" if file.name == "index.html" else f"/{file.name}"
        app.add_route(path, partial(_send, file), ["GET"], include_in_schema=False)
    return app


async def _send(file: Path, _: Request) -> FileResponse:
    return FileResponse(file)


def _require_known(request: Request) -> None:
    """A misspelt or repeated key would switch the gate off, or change it."""
    keys = [key for key, _ in request.query_params.multi_items()]
    for key in keys:
        if key not in QUERY or keys.count(key) > 1:
            raise HTTPException(422, f"{key}: given twice, or none of {', '.join(QUERY)}")


def _gate(threshold: float | None, challenge: float | None) -> Gate | None:
    try:
        return Gate.of(threshold, challenge)
    except ValueError:
        said = "threshold and challenge go together, the challenge age at or above the threshold"
        raise HTTPException(422, said) from None


def _token_check(token: str) -> Any:
    scheme = HTTPBearer(auto_error=False)

    async def check(sent: Annotated[HTTPAuthorizationCredentials | None, Depends(scheme)]) -> None:
        # compare_digest takes as long for a token that is nearly right as for any other.
        if sent is None or not hmac.compare_digest(sent.credentials.encode(), token.encode()):
            raise HTTPException(401, "send the token: Authorization: Bearer TOKEN", {"WWW-Authenticate": "Bearer"})

    return check


async def _say(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, StarletteHTTPException)
    return JSONResponse({"error": error.detail}, error.status_code, error.headers)


async def _say_what_is_invalid(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    problem = error.errors()[0]
    return JSONResponse({"error": f"{problem['loc'][-1]}: {problem['msg']}"}, 422)


async def _say_nothing(_: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"error": "internal error: see the output of the server"}, 500)
