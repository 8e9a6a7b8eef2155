"""Check that dvc.lock belongs to this commit's code and params: `realage reproducible`. It needs no data."""

import re
import subprocess
import sys

from realage.core.errors import UserError


def reproducible() -> None:
    """Print that it does, or raise UserError with the stages that would run. Nothing is run or fetched."""
    ask = [sys.executable, "-m", "dvc", "repro", "--dry", "--allow-missing"]
    done = subprocess.run(ask, capture_output=True, text=True, check=False)
    stages = re.findall(r"^Running stage '(.+)':", done.stdout, flags=re.MULTILINE)
    # DVC also hashes the deps of a stage that would run, and fails if the data are not here.
    stages += re.findall(r"failed to reproduce '(.+)': \[Errno 2\]", done.stderr)
    if done.returncode and not stages:
        raise UserError(f"DVC cannot tell: {done.stderr.strip() or done.stdout.strip()}")
    if stages:
        raise UserError(f"dvc.lock is not of this commit: {', '.join(stages)} would run: run 'dvc repro' and commit")
    print("reproducible: dvc.lock belongs to this commit's code, params and recorded data")
