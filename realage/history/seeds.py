"""Luck of the seed: how much the validation MAE differs between runs that differ in `train.seed` alone.

The runs are those of the last commits that changed `dvc.lock`, and the experiments of `dvc exp`. Two runs have one
recipe if `dvc.lock` records the same inputs of stage `train` (photos, ages, first weights, code), the same params of
`train` but the seed, and the same params of `package`. DVC writes the file always in one layout, so its text is
compared: a YAML parser needs a tenth of a second for each file, which is too long for hundreds of them.
"""

import json
import math
import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from realage.core.programs import git
from realage.history.paired import verdict_of
from realage.history.revisions import read_each

MOST_RUNS = 200  # commits, and as many experiments, the latest
MIN_SEEDS = 2  # for a standard deviation
SEED = re.compile(r"(?m)^          seed: (-?\d{1,20})$")


class Run(NamedTuple):
    """A training as a commit records it; `mae` in years, of the validation photos and labels `val_version`."""

    recipe: tuple[str, ...]
    seed: str
    val_version: str
    mae: float


class SeedChange(NamedTuple):
    """The change of the mean validation MAE over seeds, in years, with the ends of its 95% interval."""

    difference: float
    low: float
    high: float

    @property
    def verdict(self) -> str:
        """`better`, `worse`, or `cannot tell` if luck of the seed may explain the change."""
        return verdict_of(self.low, self.high)


def read_run(lock: bytes, evaluate: Any) -> Run | None:
    """Return the run in the contents of `dvc.lock` and the parsed `metrics/evaluate.json`; None if there is no such."""
    text = lock.decode(errors="replace")
    deps, params = (_part(text, "train", part) for part in ("deps", "params"))
    seed, mae = SEED.search(params), _at(evaluate, "val", "mae")
    if not deps or not seed or not isinstance(mae, float) or not math.isfinite(mae):
        return None
    recipe = (deps, SEED.sub("", params), _part(text, "package", "params"))
    return Run(recipe, seed[1], str(_at(evaluate, "val_version")), mae)


def recorded_runs(commits: Sequence[str]) -> list[Run]:
    """Return the runs in the history of `commits` and in the experiments of `dvc exp`, the oldest first in each.

    Raises UserError if Git cannot read the repository.
    """
    history = git("rev-list", "--full-history", f"--max-count={MOST_RUNS}", *commits, "--", "dvc.lock").decode().split()
    experiments = git(
        "for-each-ref", "--sort=-committerdate", f"--count={MOST_RUNS}", "--format=%(objectname)", "refs/exps/*/*/*"
    )
    found = [*reversed(experiments.decode().split()), *reversed(history)]
    locks, scores = (read_each(found, file) for file in ("dvc.lock", "metrics/evaluate.json"))
    runs = [read_run(locks[name], _parsed(scores[name])) for name in found if name in locks and name in scores]
    return [run for run in runs if run]


def seeds_of(run: Run, runs: Iterable[Run]) -> dict[str, float]:
    """Return the validation MAE, years, by seed: that of `run`, and of the latest in `runs` with its recipe."""
    return {other.seed: other.mae for other in [*runs, run] if other.recipe == run.recipe}


def change_over_seeds(before: Sequence[float], after: Sequence[float]) -> SeedChange:
    """Compare the MAEs, in years, of at least MIN_SEEDS seeds each.

    The interval is that of Welch's t-test (Welch 1947, Biometrika 34): the two may differ in their spread over seeds.
    """
    from scipy.special import stdtrit  # imported late: reading runs does not need it

    difference = float(np.mean(after) - np.mean(before))
    counts = np.array([len(before), len(after)])
    variances = np.array([np.var(before, ddof=1), np.var(after, ddof=1)]) / counts
    total = float(variances.sum())
    if total == 0:
        return SeedChange(difference, difference, difference)
    freedom = total**2 / float(np.sum(variances**2 / (counts - 1)))
    half = float(stdtrit(freedom, 0.975)) * math.sqrt(total)
    return SeedChange(difference, difference - half, difference + half)


def describe(names: Sequence[str], versions: Sequence[Run | None], runs: Sequence[Run]) -> str | None:
    """Return what the seeds say of two `versions`, called `names`, as Markdown; None if each has a single seed."""
    before, after = versions
    if before is None or after is None:
        return None
    maes = [list(seeds_of(run, [*runs, before, after]).values()) for run in (before, after)]
    if max(map(len, maes)) < MIN_SEEDS:
        return None
    spreads = " and ".join(_spread(name, found) for name, found in zip(names, maes))
    if before.recipe == after.recipe:
        return (
            f"**Seeds: one recipe.** The two trainings differ at most in `train.seed`; {_spread('it', maes[1])}. "
            "A difference between them is luck of the seed."
        )
    if min(map(len, maes)) < MIN_SEEDS:
        needed = f"With fewer than {MIN_SEEDS} seeds each, a difference cannot be told from luck of the seed"
        return f"**Seeds: cannot tell.** {needed}: {spreads}."
    if before.val_version != after.val_version:
        return f"**Seeds: cannot tell.** The validation sets differ, so their MAEs cannot be compared: {spreads}."
    change = change_over_seeds(*maes)
    luck = " It may be luck of the seed." if change.verdict == "cannot tell" else ""
    return (
        f"**Seeds: {change.verdict}.** The mean validation MAE over seeds changed by {change.difference:+.2f} years, "
        f"95% interval {change.low:+.2f} to {change.high:+.2f}: {spreads}.{luck}"
    )


def _spread(name: str, maes: Sequence[float]) -> str:
    if len(maes) < MIN_SEEDS:
        return f"{name} has 1 seed"
    return f"{name} has {len(maes)} seeds with a standard deviation of {np.std(maes, ddof=1):.2f} years"


def _part(lock: str, stage: str, part: str) -> str:
    """The text of a part of a stage, such as its `deps`, in the text of `dvc.lock`; empty if it has none."""
    entry = re.search(rf"(?ms)^  {stage}:\n(.*?)(?=^ {{0,2}}\S|\Z)", lock)
    found = entry and re.search(rf"(?ms)^    {part}:\n(.*?)(?=^    [^\s-]|\Z)", entry[1])
    return found[1] if found else ""


def _parsed(contents: bytes) -> Any:
    try:
        return json.loads(contents, parse_int=float)  # int() limits the number of digits, float() does not
    except (ValueError, RecursionError):
        return None


def _at(parsed: Any, *keys: str) -> Any:
    for key in keys:
        parsed = parsed.get(key) if isinstance(parsed, dict) else None
    return parsed
