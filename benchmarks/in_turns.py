"""Time two functions in turns, so that a slow moment of the machine affects both."""

import statistics
import time
from collections.abc import Callable
from typing import NamedTuple


class Comparison(NamedTuple):
    """Median seconds per round of both, and the ratio ours / rival: median, minimum and maximum over the rounds."""

    ours: float
    rival: float
    ratio: float
    least: float
    most: float


def compare(ours: Callable[[], object], rival: Callable[[], object], rounds: int) -> Comparison:
    """Run both, one after the other, `rounds` times."""
    seconds = [(_seconds(ours), _seconds(rival)) for _ in range(rounds)]
    ratios = [one / other for one, other in seconds]
    medians = (statistics.median(column) for column in zip(*seconds))
    return Comparison(*medians, statistics.median(ratios), min(ratios), max(ratios))


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
