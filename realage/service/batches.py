"""Has the model look at the photos of several requests at once, which takes less time than one after the other."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from realage.inference.age_model import BATCH, AgeModel, Prediction
from realage.inference.views import View
from realage.photos.limits import PhotoError

Answer = Prediction | PhotoError


class _Waiting(NamedTuple):
    views: Sequence[View]
    answers: asyncio.Future[list[Answer]]


class Batches:
    """Collects framed photos while the model is busy, and hands over up to BATCH of them when it is not.

    A photo that comes while the model is idle does not wait for others.
    """

    def __init__(self, model: AgeModel, on_batch: Callable[[int], None]) -> None:
        """`on_batch` is called with the number of photos of each batch."""
        self._model, self._on_batch = model, on_batch
        self._waiting: asyncio.Queue[_Waiting] = asyncio.Queue()

    async def answer(self, views: Sequence[View]) -> list[Answer]:
        """What `AgeModel.answer` answers."""
        waiting = _Waiting(views, asyncio.get_running_loop().create_future())
        self._waiting.put_nowait(waiting)
        return await waiting.answers

    async def run(self) -> None:
        """Answer until the task is cancelled."""
        with ThreadPoolExecutor(1) as thread:
            while True:
                batch = await self._next_batch()
                views = [view for waiting in batch for view in waiting.views]
                self._on_batch(len(views))
                try:
                    answers = await asyncio.get_running_loop().run_in_executor(thread, self._model.answer, views)
                except Exception as error:
                    for waiting in batch:
                        if not waiting.answers.done():  # the request may have been given up
                            waiting.answers.set_exception(error)
                    continue
                _hand_out(batch, answers)

    async def _next_batch(self) -> list[_Waiting]:
        batch = [await self._waiting.get()]
        while not self._waiting.empty() and sum(len(waiting.views) for waiting in batch) < BATCH:
            batch.append(self._waiting.get_nowait())
        return batch


def _hand_out(batch: list[_Waiting], answers: list[Answer]) -> None:
    start = 0
    for waiting in batch:
        end = start + len(waiting.views)
        if not waiting.answers.done():
            waiting.answers.set_result(answers[start:end])
        start = end
