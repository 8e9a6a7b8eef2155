"""Knobs of the machine, from `REALAGE_*` environment variables: they change the speed and never a byte."""

import os

from realage.core.errors import UserError


def data_workers() -> int:
    """Threads that read photos: `REALAGE_WORKERS`, or else one a core. Raises UserError where that is no number."""
    workers = os.environ.get("REALAGE_WORKERS", str(os.cpu_count() or 1))
    if not workers.isdecimal() or not 1 <= int(workers) <= 256:
        raise UserError(f"REALAGE_WORKERS is {workers!r}: it must be a whole number from 1 to 256")
    return int(workers)
