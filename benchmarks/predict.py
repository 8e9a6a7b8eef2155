"""`realage predict` against a plain loop: `python -m benchmarks.predict MODEL.onnx FOLDER [--photos N]`.

The rival decodes each photo with Pillow, frames it with the model's own framing, and has ONNX Runtime answer batches of
the same size, all in one thread and with none of the checks. A second rival shares decoding and framing among as many
threads as `realage predict` has. All run in turns in one process, over the first N photos of the folder, less those
that cannot be read. Prints photos per second, ratios with their range, and the share of the time that the network alone
takes.
"""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from PIL import Image, ImageOps

from benchmarks.in_turns import compare
from realage.core.machine import data_workers
from realage.inference.age_model import BATCH, AgeModel
from realage.inference.quiet_onnxruntime import onnxruntime
from realage.inference.stream import predict_stream
from realage.photos.framing import frame_photo
from realage.photos.limits import PhotoError
from realage.photos.names import find_photos
from realage.predict import predict_photos

ROUNDS = 5


def benchmark(
    model_file: Annotated[Path, typer.Argument(metavar="MODEL.onnx")],
    folder: Annotated[Path, typer.Argument(metavar="FOLDER")],
    photos: Annotated[int, typer.Option(min=1)] = 512,
) -> None:
    """Print the rates of ours and of both rivals."""
    model, session = AgeModel.load(model_file), onnxruntime.InferenceSession(model_file.read_bytes())
    named = [folder / name for name in sorted(find_photos(folder))[:photos]]
    files = [file for file, found in predict_stream(model, named) if not isinstance(found, PhotoError)]
    prepare = model.facts.prepare

    def frame(file: Path) -> np.ndarray:
        with Image.open(file) as image:
            return frame_photo(np.asarray(ImageOps.exif_transpose(image).convert("RGB")), prepare).pixels

    def answer(pixels: list[np.ndarray]) -> None:
        for start in range(0, len(pixels), BATCH):
            session.run(None, {"photos": np.stack(pixels[start : start + BATCH])})

    def in_threads() -> None:
        with ThreadPoolExecutor(data_workers()) as pool:
            answer(list(pool.map(frame, files)))

    def ours() -> None:
        for _ in predict_photos(model, files):
            pass

    framed = [frame(file) for file in files]
    for name, rival in (("plain loop", lambda: answer(list(map(frame, files)))), ("plain loop in threads", in_threads)):
        result = compare(ours, rival, ROUNDS)
        print(f"ours {len(files) / result.ours:,.0f} photos/s, {name} {len(files) / result.rival:,.0f} photos/s: "
              f"{1 / result.ratio:.2f} of its rate ({1 / result.most:.2f} to {1 / result.least:.2f})", flush=True)
    result = compare(lambda: answer(framed), ours, ROUNDS)
    print(f"the network alone takes {result.ratio:.0%} of our time ({result.least:.0%} to {result.most:.0%})")


if __name__ == "__main__":
    typer.run(benchmark)
