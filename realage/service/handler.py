"""Answers requests for ages: reads photos, frames them in threads, and has the model answer in batches."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from fastapi import HTTPException, Request
from starlette.requests import ClientDisconnect

from realage.core.machine import data_workers
from realage.inference.age_model import AgeModel
from realage.inference.gate import Gate
from realage.inference.views import View
from realage.photos.limits import PhotoError
from realage.service.answers import Photo, photo_answer
from realage.service.batches import Batches
from realage.service.bodies import BodyReader, Upload
from realage.service.limits import Limits
from realage.service.telemetry import Telemetry


class Handler:
    """What all requests share: the model, the threads that decode photos, and the counts."""

    def __init__(self, model: AgeModel, limits: Limits, telemetry: Telemetry) -> None:
        """`run` has to be running when a request is answered."""
        self._model, self._limits, self._telemetry = model, limits, telemetry
        self._reader = BodyReader(limits)
        self._batches = Batches(model, telemetry.batches.observe)

    async def run(self) -> None:
        """Work until the task is cancelled."""
        self._threads = ThreadPoolExecutor(max(2, data_workers()))  # a photo that takes long leaves one for the others
        try:
            await self._batches.run()
        finally:
            self._threads.shutdown(wait=False, cancel_futures=True)

    @property
    def is_full(self) -> bool:
        """Whether no further photo is taken."""
        return self._telemetry.waiting_photos >= self._limits.waiting

    async def answer(self, request: Request, all_faces: bool, gate: Gate | None) -> list[Photo]:
        """Predict the ages in the photos of a request.

        Raises HTTPException as `BodyReader.read` does, 408 if it takes too long, and 503 if too many photos wait.
        """
        try:
            async with asyncio.timeout(self._limits.seconds):
                async with self._reader.read(request) as uploads:
                    photos = await self._predict(uploads, all_faces, gate)
        except TimeoutError:
            raise HTTPException(408, f"the request took longer than {self._limits.seconds:g} s") from None
        except ClientDisconnect:
            raise HTTPException(400, "the connection ended before the request did") from None
        self._telemetry.count_photos(photos)
        return photos

    async def _predict(self, uploads: list[Upload], all_faces: bool, gate: Gate | None) -> list[Photo]:
        if self._telemetry.waiting_photos + len(uploads) > self._limits.waiting:
            raise HTTPException(503, "too many photos at once: try again", {"Retry-After": "1"})
        with self._telemetry.waiting_for(len(uploads)):
            seen = await asyncio.gather(*(self._look(upload.contents, all_faces) for upload in uploads))
            views = [view for found in seen if isinstance(found, list) for view in found]
            answers = iter(await self._batches.answer(views) if views else [])
        return [
            photo_answer(upload.name, [next(answers) for _ in found] if isinstance(found, list) else found, gate)
            for upload, found in zip(uploads, seen)
        ]

    async def _look(self, contents: bytes, all_faces: bool) -> list[View] | PhotoError:
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._threads, self._model.frame, contents, all_faces)
        except PhotoError as error:
            return error
