"""Settings of the machine, from `REALAGE_*` environment variables, which are not params of the pipeline."""

import os

from realage.core.errors import UserError


def data_workers() -> int:
    """Return the number of workers: `REALAGE_WORKERS`, or one per core. It changes the speed, not the results.

    Raises UserError if it is not from 1 to 256.
    """
    workers = os.environ.get("REALAGE_WORKERS", str(os.cpu_count() or 1))
    if not workers.isdecimal() or not 1 <= int(workers) <= 256:
        raise UserError(f"REALAGE_WORKERS is {workers!r}: it must be a whole number from 1 to 256")
    return int(workers)


def accepts_other_devices() -> bool:
    """Return whether a training may resume from a checkpoint of another processor or GPU: `REALAGE_OTHER_DEVICES=1`.

    The model then has the bytes of neither device. Raises UserError if the variable is neither 0 nor 1.
    """
    accepted = os.environ.get("REALAGE_OTHER_DEVICES", "0")
    if accepted not in ("0", "1"):
        raise UserError(f"REALAGE_OTHER_DEVICES is {accepted!r}: it must be 1 (resume from other devices) or 0")
    return accepted == "1"
