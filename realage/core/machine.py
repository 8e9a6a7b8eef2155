"""Settings of the machine, from `REALAGE_*` environment variables. They change the speed, not the results."""

import os

from realage.core.errors import UserError


def data_workers() -> int:
    """Return the number of workers: `REALAGE_WORKERS`, or one per core. Raises UserError if it is not from 1 to 256."""
    workers = os.environ.get("REALAGE_WORKERS", str(os.cpu_count() or 1))
    if not workers.isdecimal() or not 1 <= int(workers) <= 256:
        raise UserError(f"REALAGE_WORKERS is {workers!r}: it must be a whole number from 1 to 256")
    return int(workers)
