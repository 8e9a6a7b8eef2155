"""Compare two runs of the pipeline stage by stage, by their dvc.lock and their errors in years."""

from typing import Any, NamedTuple

from realage.core.errors import UserError
from realage.core.files import read_json
from realage.core.params import flatten, parse_params
from realage.core.paths import LOCK, metrics_file

SCORES = metrics_file("evaluate")

IDENTICAL, WITHIN, DIFFERENT = "identical", "within tolerance", "different"
# Years of MAE: about three standard deviations of the difference between two trainings of the sample on processors that
# compute sums in a different order; docs/reproducibility.md has the figures.
TOLERANCE = 0.5
# These compute with floating-point numbers, or show the results. Another kind of processor, a GPU or another build of a
# library changes last digits, and training amplifies that. The other stages must give the same bytes.
TOLERANT = ("train", "package", "evaluate", "report")

NAMED_AT_MOST = 3  # names in one line of the table
STATISTICS = ("size", "nfiles")  # DVC sometimes records these with a hash


class Stage(NamedTuple):
    """A stage's entry in dvc.lock: `inputs` is all that decides its results, `outs` the results, each by name."""

    inputs: dict[str, Any]
    outs: dict[str, Any]


class Results(NamedTuple):
    """A run's stages by name, in DAG order, and its MAE in years by split."""

    stages: dict[str, Stage]
    mae: dict[str, float]


class Finding(NamedTuple):
    """A line of the table: `verdict` is IDENTICAL, WITHIN or DIFFERENT."""

    stage: str
    verdict: str
    why: str


def read_results() -> Results:
    """Read the results of the run in the current folder. Raises UserError if a file is missing or invalid.

    The stages are in DAG order if one `dvc repro` wrote a new dvc.lock, as DVC appends each stage once it has run.
    """
    for path in (LOCK, SCORES):
        if not path.is_file():
            raise UserError(f"{path}: not in the commit: run 'dvc repro' and commit what it writes")
    return Results(_read_stages(), _read_mae())


def _read_stages() -> dict[str, Stage]:
    try:
        lock = parse_params(LOCK.read_text(encoding="utf-8"))
        return {name: read_stage(entry) for name, entry in lock["stages"].items()}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise UserError(f"{LOCK}: not as DVC writes it ({error}): delete it, run 'dvc repro' and commit it") from error


def read_stage(entry: dict[str, Any]) -> Stage:
    """Split a stage's entry in dvc.lock; command and list of outs count as inputs, since dvc.yaml sets them."""
    deps, outs = _hashes(entry.get("deps", [])), _hashes(entry.get("outs", []))
    params: dict[str, Any] = {}
    for file, values in entry.get("params", {}).items():
        params |= flatten(values, f"{file}:")
    return Stage(deps | params | {"command": entry["cmd"], "list of outs": sorted(outs)}, outs)


def _hashes(entries: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {entry["path"]: {key: entry[key] for key in entry if key not in STATISTICS} for entry in entries}


def _read_mae() -> dict[str, float]:
    scores = read_json(SCORES)
    try:
        return {split: float(scores[split]["mae"]) for split in ("val", "test") if split == "val" or split in scores}
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"{SCORES}: not as the stage 'evaluate' writes it: run 'dvc repro' and commit it") from error


def compare(committed: Results, retrained: Results) -> list[Finding]:
    """One finding per stage of `retrained`, in its order, then one per stage that only `committed` has."""
    findings: list[Finding] = []
    for stage in retrained.stages:
        findings.append(Finding(stage, *_judge(stage, committed, retrained, findings)))
    for stage in committed.stages:
        if stage not in retrained.stages:
            findings.append(Finding(stage, DIFFERENT, "not in dvc.yaml: delete it from dvc.lock too, and commit"))
    return findings


def _judge(stage: str, committed: Results, retrained: Results, earlier: list[Finding]) -> tuple[str, str]:
    if stage not in committed.stages:
        return DIFFERENT, "dvc.lock lacks it: run 'dvc repro' and commit"
    before, after = committed.stages[stage], retrained.stages[stage]
    inputs, outs = _differences(before.inputs, after.inputs), _differences(before.outs, after.outs)
    makers = {name: _maker(name, retrained, earlier) for name in inputs}

    own = [name for name, maker in makers.items() if maker is None]
    if own:
        return DIFFERENT, f"dvc.lock was made with another {join_first(own)}: run 'dvc repro' and commit"
    for name, maker in makers.items():
        if maker and (maker.verdict == DIFFERENT or stage not in TOLERANT):
            return DIFFERENT, f"its input {name} differs, see {maker.stage}"
    if not inputs and not outs:
        return IDENTICAL, "same inputs, same bytes"
    if stage not in TOLERANT:
        return DIFFERENT, f"same inputs, other outs: {join_first(outs)}"
    return _judge_errors(committed.mae, retrained.mae)


def _differences(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    return [name for name in sorted(before | after) if before.get(name, ...) != after.get(name, ...)]


def _maker(path: str, run: Results, earlier: list[Finding]) -> Finding | None:
    """The finding on the stage that made `path`, if it is not identical, otherwise None."""
    for finding in earlier:
        if finding.verdict != IDENTICAL and any(_overlap(path, out) for out in run.stages[finding.stage].outs):
            return finding
    return None


def _overlap(one: str, other: str) -> bool:
    """Whether two paths are the same, or one is a folder that holds the other."""
    return f"{one}/".startswith(f"{other}/") or f"{other}/".startswith(f"{one}/")


def _judge_errors(committed: dict[str, float], retrained: dict[str, float]) -> tuple[str, str]:
    splits = [split for split in committed if split in retrained]
    figures = "; ".join(f"{split} MAE {committed[split]:.2f}, here {retrained[split]:.2f} years" for split in splits)
    if all(abs(committed[split] - retrained[split]) <= TOLERANCE for split in splits):
        return WITHIN, figures
    return DIFFERENT, f"{figures}: more than {TOLERANCE:g} apart"


def join_first(names: list[str]) -> str:
    """The first names, and how many there are besides."""
    rest = len(names) - NAMED_AT_MOST
    return ", ".join(names[:NAMED_AT_MOST]) + (f" and {rest} more" if rest > 0 else "")
