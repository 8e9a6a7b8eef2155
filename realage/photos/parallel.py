"""One way to do something with each of many photos, on all cores of a machine or, through joblib, on a cluster."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from joblib import Parallel, delayed
from tqdm import tqdm

from realage.core.errors import UserError
from realage.core.machine import data_workers

Item = TypeVar("Item")
Result = TypeVar("Result")

MANY = 2_000  # photos
ORPHANED = 10  # seconds without work, after which a process whose stage has been killed ends
BATCH = 128  # photos handed to a worker at once: handing over one at a time takes as long as decoding a small one


def map_photos(work: Callable[[Item], Result], items: Iterable[Item], label: str) -> Iterator[Result]:
    """Yield `work` of each item, in order, done by `REALAGE_WORKERS` workers under a progress bar.

    They are threads for a few photos and processes for many, so `work` must share no state; by joblib's
    `parallel_config` a cluster can do it. Nothing is done before the first result is asked for, and results are not
    kept, so that memory stays flat.
    """
    items = list(items)
    # Python's lock lets threads keep one core busy with small photos, but processes take a second to start.
    prefer = "processes" if len(items) >= MANY else "threads"
    workers = Parallel(
        n_jobs=data_workers(), prefer=prefer, batch_size=BATCH, return_as="generator", idle_worker_timeout=ORPHANED
    )
    jobs = workers(delayed(work)(item) for item in items)
    try:
        yield from tqdm(jobs, total=len(items), desc=label, unit=" photos", disable=None)
    except BrokenProcessPool:
        raise UserError(
            f"{label}: a worker process was killed, often for lack of memory: set REALAGE_WORKERS to fewer workers"
        ) from None
