"""Check that dvc.lock belongs to this commit's code and params: `realage reproducible`. It needs no data."""

import re
import subprocess

from realage.core.errors import UserError
from realage.core.programs import DVC, explained


def reproducible() -> None:
    """Print that it does, or raise UserError with the stages that would run. Nothing is run or fetched."""
    done = subprocess.run([*DVC, "repro", "--dry", "--allow-missing"], capture_output=True, text=True, check=False)
    stages = re.findall(r"^Running stage '(.+)':", done.stdout, flags=re.MULTILINE)
    # DVC also hashes the deps of a stage that would run, and fails if the data are not here.
    stages += re.findall(r"failed to reproduce '(.+)': \[Errno 2\]", done.stderr)
    if done.returncode and not stages:
        raise UserError(f"DVC cannot tell: {explained(done.stderr or done.stdout)}")
    if stages:
        raise UserError(f"dvc.lock is not of this commit: {', '.join(stages)} would run: run 'dvc repro' and commit")
    print("reproducible: dvc.lock belongs to this commit's code, params and recorded data")
