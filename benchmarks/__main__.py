"""Run the short benchmarks of speed and print one table: `python -m benchmarks`, or `make bench`."""

from collections.abc import Iterator

from benchmarks.batches import measure_batches
from benchmarks.claims import Claim, print_claims
from benchmarks.photos import measure_photos
from benchmarks.startup import measure_startup
from realage.runner.command import run


def _all() -> Iterator[Claim]:
    for measure in (measure_startup, measure_photos, measure_batches):
        yield from measure()


if __name__ == "__main__":
    run(lambda: print_claims(_all()))
