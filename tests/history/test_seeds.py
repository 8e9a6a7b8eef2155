"""Runs that differ in `train.seed` alone: which count, and what their spread says of a change."""

import json
from pathlib import Path

import numpy as np
import pytest
import yaml
from conftest import PROJECT, call_realage, run_tool
from scipy.stats import ttest_ind

from realage.history.seeds import Run, change_over_seeds, describe, read_run, seeds_of

LOCK = """schema: '2.0'
stages:
  package:
    cmd: python -m stages.package
    params:
      params.yaml:
        model.flip_average: true
  train:
    cmd: python -m stages.train
    deps:
    - path: data/index/train.csv
      md5: {photos}
    params:
      params.yaml:
        train:
          epochs: {epochs}
          seed: {seed}
          augment:
            seed: 5
    outs:
    - path: models/network.keras
      md5: {seed}
"""


def lock(seed: int, epochs: int = 3, photos: str = "aa") -> str:
    return LOCK.format(seed=seed, epochs=epochs, photos=photos)


def scores(mae: object, version: str = "v1") -> dict:
    return {"val_version": version, "val": {"mae": mae}}


def run(seed: int, mae: float, version: str = "v1", **recipe) -> Run:
    found = read_run(lock(seed, **recipe).encode(), scores(mae, version))
    assert found
    return found


def said(before: Run, after: Run, *runs: Run) -> str | None:
    return describe(["old", "new"], [before, after], runs)


def test_the_projects_own_lock_records_a_run():
    found = read_run((PROJECT / "dvc.lock").read_bytes(), json.loads((PROJECT / "metrics/evaluate.json").read_text()))
    params = yaml.safe_load((PROJECT / "params.yaml").read_text())
    assert found and found.seed == str(params["train"]["seed"])
    deps, train, package = found.recipe
    assert "data/index/train.csv" in deps and "realage/training" in deps and "models/network.keras" not in deps
    assert "epochs: " in train and "model.flip_average" in package


@pytest.mark.parametrize(
    ("lock", "evaluate"),
    [
        ("", scores(1.0)),
        ("stages: {}", scores(1.0)),
        (lock(1), {}),
        (lock(1), None),
        (lock(1), {"val": 3.0}),
        (lock(1), scores("1.0")),
        (lock(1), scores(float("nan"))),
        (lock(1).replace("seed: 1", "seed: x"), scores(1.0)),
    ],
)
def test_what_records_no_training_or_error_is_no_run(lock, evaluate):
    assert read_run(lock.encode(), evaluate) is None


def test_only_the_seed_may_differ_and_each_seed_counts_once():
    present = run(1, 5.0)
    others = [run(2, 5.5), run(1, 9.0), run(2, 5.2), run(3, 4.0, epochs=4), run(4, 4.0, photos="bb")]
    assert seeds_of(present, others) == {"1": 5.0, "2": 5.2}


def test_the_interval_over_seeds_is_welchs():
    before, after = [5.07, 5.16, 5.07], [4.9, 5.0]
    change = change_over_seeds(before, after)
    interval = ttest_ind(after, before, equal_var=False).confidence_interval(0.95)
    assert (change.low, change.high) == pytest.approx((interval.low, interval.high))
    assert change.difference == pytest.approx(4.95 - 5.1)
    assert change_over_seeds([5.0, 5.0], [4.0, 4.0]) == (-1, -1, -1)


def test_the_interval_over_seeds_covers_what_it_says():
    random = np.random.default_rng(1)
    for counts in ((2, 2), (3, 3), (2, 5), (5, 5)):
        before, after = (random.normal(0, 1, (4000, count)) for count in counts)
        changes = [change_over_seeds(*pair) for pair in zip(before, after)]
        covered = np.mean([change.low <= 0 <= change.high for change in changes])
        assert 0.93 < covered, counts


def test_a_change_is_judged_against_the_spread_over_seeds():
    before, after = run(1, 5.0), run(1, 4.0, epochs=4)
    clear = said(before, after, run(2, 5.1), run(3, 5.05), run(2, 4.1, epochs=4), run(3, 4.05, epochs=4))
    assert "**Seeds: better.**" in clear and "changed by -1.00 years" in clear
    assert "old has 3 seeds with a standard deviation of 0.05 years and new has 3 seeds" in clear
    unclear = said(before, after, run(2, 3.0), run(2, 5.5, epochs=4))
    assert "**Seeds: cannot tell.**" in unclear and "It may be luck of the seed." in unclear


def test_with_one_seed_of_either_only_the_spread_is_told():
    before, after = run(1, 5.0), run(1, 4.0, epochs=4)
    assert said(before, after) is None
    assert describe(["old", "new"], [None, after], []) is None
    one = said(before, after, run(2, 5.2))
    assert "**Seeds: cannot tell.**" in one and "fewer than 2 seeds each" in one
    assert "old has 2 seeds with a standard deviation of 0.14 years and new has 1 seed." in one


def test_seeds_on_other_validation_photos_are_not_compared():
    before, after = run(1, 5.0), run(1, 4.0, version="v2", photos="bb")
    text = said(before, after, run(2, 5.1), run(2, 4.1, version="v2", photos="bb"))
    assert "**Seeds: cannot tell.** The validation sets differ" in text


def test_two_runs_of_one_recipe_differ_by_luck():
    assert "**Seeds: one recipe.**" in said(run(1, 5.0), run(2, 5.2))
    assert said(run(1, 5.0), run(1, 5.0)) is None


def commit_run(folder: Path, seed: int, mae: float, **recipe) -> None:
    (folder / "dvc.lock").write_text(lock(seed, **recipe))
    (folder / "params.yaml").write_text("{}")
    (folder / "plots/evaluate").mkdir(parents=True, exist_ok=True)
    rows = "".join(f"p{number},val,{number},{number + mae}\n" for number in range(40))
    (folder / "plots/evaluate/predicted.csv").write_text(f"photo,split,real_age,predicted_age\n{rows}")
    (folder / "metrics").mkdir(exist_ok=True)
    for name in ("split", "validate", "eda"):
        (folder / f"metrics/{name}.json").write_text("{}")
    (folder / "metrics/evaluate.json").write_text(json.dumps(scores(mae)))
    run_tool(folder, "git", "add", "-A")
    run_tool(folder, "git", "commit", "-qm", "a run")


def test_compare_finds_the_seeds_in_the_history_and_among_experiments(tmp_path):
    """In a subfolder of a repository, with experiments as `dvc exp` keeps them: commits that a ref names."""
    folder = tmp_path / "teams/faces"
    folder.mkdir(parents=True)
    run_tool(tmp_path, "git", "init", "-q")
    for seed, mae in ((1, 5.0), (2, 5.1)):
        commit_run(folder, seed, mae)
    before = run_tool(folder, "git", "rev-parse", "HEAD").strip()
    commit_run(folder, 7, 4.1, epochs=4)
    run_tool(folder, "git", "update-ref", f"refs/exps/{before[:2]}/{before[2:]}/tried", "HEAD")
    run_tool(folder, "git", "reset", "-q", "--hard", before)
    commit_run(folder, 8, 4.0, epochs=4)

    done = call_realage(folder, "compare", before, "HEAD")
    (line,) = [line for line in done.stdout.splitlines() if "Seeds" in line]
    assert line.startswith("- **Seeds: better.** The mean validation MAE over seeds changed by -1.00 years")
    assert line.count("has 2 seeds with a standard deviation of 0.07 years") == 2
    assert "Another training seed" not in done.stdout
    assert "**Seeds: better.**" in call_realage(folder, "compare", before).stdout, "the working tree"

    first = run_tool(folder, "git", "rev-parse", "HEAD~2").strip()
    assert "**Seeds: one recipe.**" in call_realage(folder, "compare", first, before).stdout
