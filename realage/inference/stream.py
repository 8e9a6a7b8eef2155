"""Ages of any number of photos, a chunk of them in memory at a time."""

import errno
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from realage.core.machine import data_workers
from realage.inference.age_model import AgeModel, Prediction
from realage.inference.views import View
from realage.photos.limits import PhotoError

CHUNK = 256  # photos in memory at once
OF_ONE_PHOTO = {errno.EACCES, errno.EPERM, errno.ENAMETOOLONG}  # errors after which others may still be read


class Answered(NamedTuple):
    """A view of a photo, and what the model answered to it."""

    view: View
    answer: Prediction | PhotoError


def predict_stream(
    model: AgeModel, photos: Iterable[Path], all_faces: bool = False
) -> Iterator[tuple[Path, list[Answered] | PhotoError]]:
    """Yield each photo with its largest face, or all of them, or with why it cannot be used.

    Photos are decoded and framed by `REALAGE_WORKERS` threads.
    """

    def look(photo: Path) -> list[View] | PhotoError:
        try:
            return model.frame(photo, all_faces)
        except PhotoError as error:
            return error
        except OSError as error:
            if error.errno not in OF_ONE_PHOTO:
                raise
            return PhotoError(str(error.strerror))

    with ThreadPoolExecutor(data_workers()) as pool:
        waiting = iter(photos)
        while chunk := list(islice(waiting, CHUNK)):
            seen = list(pool.map(look, chunk))
            answers = iter(model.answer([view for views in seen if isinstance(views, list) for view in views]))
            for photo, views in zip(chunk, seen):
                if isinstance(views, PhotoError):
                    yield photo, views
                else:
                    yield photo, [Answered(view, next(answers)) for view in views]
