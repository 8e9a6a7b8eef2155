"""Reads photos from the bodies of requests, in memory alone and within limits."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import NamedTuple

from fastapi import HTTPException, Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from realage.service.limits import Limits

FIELDS = 8  # of a form that are no files; they are ignored


class Upload(NamedTuple):
    """A photo of a request: its name, if it has one, and the bytes of its file."""

    name: str | None
    contents: bytes


class BodyReader:
    """Reads bodies, and knows how many bytes of them all requests hold."""

    def __init__(self, limits: Limits) -> None:
        """Start with none."""
        self._limits, self._held = limits, 0

    @asynccontextmanager
    async def read(self, request: Request) -> AsyncGenerator[list[Upload], None]:
        """Yield the photos: the files of a multipart form, or the body itself. They are held until the block ends.

        Raises HTTPException: 400 for a form that is not valid or has no file, 413 for too many bytes or photos, 503 if
        all requests together hold too many.
        """
        announced = request.headers.get("content-length", "")
        if announced.isdecimal() and int(announced) > self._limits.body_bytes:
            raise self._too_large()
        held = _Held()
        try:
            if request.headers.get("content-type", "").partition(";")[0].strip().lower() == "multipart/form-data":
                uploads = await self._files(request, held)
            else:
                uploads = [Upload(None, b"".join([part async for part in self._parts(request, held)]))]
            if not any(upload.contents for upload in uploads):
                raise HTTPException(400, "the request has no photo: send its bytes, or a form with files")
            yield uploads
        finally:
            self._held -= held.bytes

    async def _files(self, request: Request, held: "_Held") -> list[Upload]:
        form_parser = _FormParser(request.headers, self._parts(request, held), max_files=self._limits.photos,
                                  max_fields=FIELDS)  # fmt: skip
        form_parser.spool_max_size = self._limits.body_bytes  # larger files would be written to the disk
        try:
            form = await form_parser.parse()
        except MultiPartException as error:
            status = 413 if error.message.startswith("Too many files") else 400
            raise HTTPException(status, f"the form is not valid: {error.message}") from error
        try:
            if not form_parser.has_ended:
                raise HTTPException(400, "the form is not valid: it ends before its last boundary")
            files = [entry for _, entry in form.multi_items() if isinstance(entry, UploadFile)]
            return [Upload(file.filename or None, await file.read()) for file in files]
        finally:
            await form.close()

    async def _parts(self, request: Request, held: "_Held") -> AsyncGenerator[bytes, None]:
        async for part in request.stream():
            held.bytes += len(part)
            self._held += len(part)
            if held.bytes > self._limits.body_bytes:
                raise self._too_large()
            if self._held > self._limits.held_bytes:
                raise HTTPException(503, "too many photos at once: try again", {"Retry-After": "1"})
            yield part

    def _too_large(self) -> HTTPException:
        return HTTPException(413, f"the request is larger than {self._limits.megabytes:g} MB")


class _FormParser(MultiPartParser):
    """Knows whether the form was complete; what is cut off in the middle has no error otherwise."""

    has_ended = False

    def on_end(self) -> None:
        self.has_ended = True


class _Held:
    """The bytes that one request holds."""

    bytes = 0
