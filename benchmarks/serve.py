"""Load test of `realage serve` on loopback: `python -m benchmarks.serve MODEL.onnx FOLDER [--seconds 60 --clients 32]`.

So many clients, threads of one other process, send photos of the folder one after the other for so many seconds. The
rival is a bare loop in this process that decodes the same files, frames them and has ONNX Runtime answer one at a time,
run before and after. Prints requests per second beside the rival, percentiles of their times, errors, and the server's
memory at the start, in the middle and at the end.
"""

import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from pathlib import Path
from typing import Annotated

import numpy as np
import psutil
import requests
import typer

from realage.inference.age_model import AgeModel
from realage.photos.names import find_photos

RIVAL_SECONDS = 10


def benchmark(
    model_file: Annotated[Path, typer.Argument(metavar="MODEL.onnx")],
    folder: Annotated[Path, typer.Argument(metavar="FOLDER")],
    seconds: float = 60,
    clients: int = 32,
) -> None:
    """Print the figures."""
    photos = [(folder / name).read_bytes() for name in sorted(find_photos(folder))[:200]]
    before = loop_rate(model_file, photos)
    command = [sys.executable, "-m", "realage", "serve", "--model", str(model_file), "--port", "0"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        address = re.search(r"http://\S+:\d+", server.stdout.readline())[0]
        memory, end = psutil.Process(server.pid).memory_info, time.monotonic() + seconds
        requests.post(f"{address}/v1/ages", data=photos[0], timeout=60)
        with ThreadPoolExecutor(clients) as pool:
            asking = [pool.submit(ask, address, photos, start, end) for start in range(clients)]
            sizes = [memory().rss]
            time.sleep(seconds / 2)
            sizes.append(memory().rss)
            found = [time for done in asking for time in done.result()]
        sizes.append(memory().rss)
    finally:
        server.terminate()
        server.wait()
    rate, rival = len(found) / seconds, (before + loop_rate(model_file, photos)) / 2
    times = np.array([took for took, status in found if status == 200])
    errors = sum(status != 200 for _, status in found)
    print(f"{clients} clients, {seconds:g} s: {rate:,.0f} requests/s, bare loop {rival:,.0f} photos/s: "
          f"{rate / rival:.2f} of its rate")
    print(f"time of a request: median {np.median(times) * 1e3:.0f} ms, 99% {np.quantile(times, 0.99) * 1e3:.0f} ms, "
          f"longest {times.max() * 1e3:.0f} ms; {errors} errors in {len(found):,} requests")
    print("memory of the server: " + ", ".join(f"{size / 1e6:.0f}" for size in sizes) + " MB")


def ask(address: str, photos: list[bytes], start: int, end: float) -> list[tuple[float, int]]:
    """Send photos until `end`; returns the seconds and the status of each request."""
    found, session = [], requests.Session()
    for photo in islice(cycle(photos), start, None):
        begin = time.monotonic()
        if begin >= end:
            return found
        status = session.post(f"{address}/v1/ages", data=photo, timeout=60).status_code
        found.append((time.monotonic() - begin, status))
    return found


def loop_rate(model_file: Path, photos: list[bytes]) -> float:
    """Photos per second of the bare loop."""
    model, end, count = AgeModel.load(model_file), time.monotonic() + RIVAL_SECONDS, 0
    for photo in cycle(photos):
        if time.monotonic() >= end:
            return count / RIVAL_SECONDS
        model.predict(photo)
        count += 1
    raise AssertionError


if __name__ == "__main__":
    typer.run(benchmark)
