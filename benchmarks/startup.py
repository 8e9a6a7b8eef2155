"""What starting costs: `python -m benchmarks.startup`, in a folder where `dvc repro` has run.

`dvc repro` with nothing to do is held against the same in a DVC project with one trivial stage, and the imports of four
stages against those of pandas and Matplotlib. Each is a process of its own.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.claims import Claim, print_claims
from benchmarks.in_turns import compare
from realage.core.errors import UserError
from realage.runner.command import run

ROUNDS = 7
STAGES = ("validate", "split", "eda", "report")
TRIVIAL = "stages:\n  only:\n    cmd: echo done > done\n    outs: [done]\n"


def measure_startup() -> list[Claim]:
    """The cost of a run with nothing to do, and of the start of four stages."""
    if "didn't change" not in _run(sys.executable, "-m", "dvc", "repro"):
        raise UserError("dvc.lock: stages had to run: start the benchmark again")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "dvc.yaml").write_text(TRIVIAL, encoding="utf-8")
        for command in (("git", "init", "-q"), ("dvc", "init", "-q"), ("dvc", "repro")):
            _run(*command, folder=folder)
        idle = compare(lambda: _run("dvc", "repro"), lambda: _run("dvc", "repro", folder=folder), ROUNDS)
    claims = [Claim.costs("`dvc repro`, nothing to do", "the same with one trivial stage", idle, 1.5)]
    for stage in STAGES:
        started = compare(
            lambda: _run(sys.executable, "-c", f"import stages.{stage}"),  # noqa: B023  # used at once
            lambda: _run(sys.executable, "-c", "import pandas, matplotlib.figure"), ROUNDS,
        )  # fmt: skip
        claims.append(Claim.costs(f"start of {stage}", "import pandas, matplotlib.figure", started, 1.5))
    return claims


def _run(*command: str, folder: str | None = None) -> str:
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    run(lambda: print_claims(measure_startup()))
