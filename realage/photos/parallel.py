"""Calls a function for each of many photos, on all cores of a machine or, through joblib, on a cluster."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from joblib import Parallel, delayed
from tqdm import tqdm

from realage.core.errors import UserError
from realage.core.machine import data_workers

Item = TypeVar("Item")
Result = TypeVar("Result")

MANY = 2_000  # photos, from which on processes are used instead of threads
ORPHANED = 10  # seconds without work after which a worker process ends, in case its stage was killed
BATCH = 128  # photos sent to a worker at once; sending one at a time takes as long as decoding a small one


def map_photos(work: Callable[[Item], Result], items: Iterable[Item], label: str) -> Iterator[Result]:
    """Yield `work(item)` for each item, in order, computed by `REALAGE_WORKERS` workers, with a progress bar.

    Workers are threads for fewer than MANY items, otherwise processes, so `work` must not share state. With joblib's
    `parallel_config` they can run on a cluster. Work starts when the first result is requested. Results are not kept
    in memory. Raises the first UserError that `work` raises, and UserError if a worker process was killed.
    """
    items = list(items)
    failed: list[UserError] = []
    # With small photos Python's lock (GIL) limits threads to one core, but processes take a second to start.
    prefer = "processes" if len(items) >= MANY else "threads"
    workers = Parallel(
        n_jobs=data_workers(), prefer=prefer, batch_size=BATCH, return_as="generator", idle_worker_timeout=ORPHANED
    )
    jobs = workers(delayed(_result_or_error)(work, item) for item in items if not failed)
    try:
        for result in tqdm(jobs, total=len(items), desc=label, unit=" photos", disable=None):
            if isinstance(result, UserError):
                failed.append(result)
            elif not failed:
                yield result
    except BrokenProcessPool:
        raise UserError(
            f"{label}: a worker process was killed, often for lack of memory: set REALAGE_WORKERS to a lower number"
        ) from None
    if failed:
        raise failed[0]


def _result_or_error(work: Callable[[Item], Result], item: Item) -> Result | UserError:
    # joblib kills its processes when one raises, and their resource tracker then may print warnings and tracebacks.
    try:
        return work(item)
    except UserError as error:
        return error
