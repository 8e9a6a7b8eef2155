"""Does dvc.lock belong to this commit's code and params? `realage reproducible`, in a clone without data too."""

import re
import subprocess
import sys

from realage.core.errors import UserError


def reproducible() -> None:
    """Say so, or end with exit status 1 and the stages that would run; nothing is run or fetched."""
    ask = [sys.executable, "-m", "dvc", "repro", "--dry", "--allow-missing"]
    done = subprocess.run(ask, capture_output=True, text=True, check=False)
    stages = re.findall(r"^Running stage '(.+)':", done.stdout, flags=re.MULTILINE)
    # Of a stage that would run, DVC hashes the deps even so, and stumbles over the data that are not here.
    stages += re.findall(r"failed to reproduce '(.+)': \[Errno 2\]", done.stderr)
    if done.returncode and not stages:
        raise UserError(f"DVC cannot tell: {done.stderr.strip() or done.stdout.strip()}")
    if stages:
        raise UserError(f"dvc.lock is not of this commit: {', '.join(stages)} would run: 'dvc repro', then commit")
    print("reproducible: dvc.lock belongs to this commit's code, params and recorded data")
