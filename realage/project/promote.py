"""Promote a commit's model, as annotated Git tags that GTO reads: `realage promote STAGE [REV]`.

A model is rejected if its validation error is higher, beyond noise, than that of the model that the stage has now.
"""

import gto.api
from gto.exceptions import ArtifactNotFound, GTOException

from realage.core.errors import UserError
from realage.history.compare import Version, compare_split, read_commit
from realage.splits.versions import HELD_OUT_VERSIONS

ARTIFACT = "age"  # in dvc.yaml's artifacts


def promote(stage: str, revision: str = "HEAD", force: bool = False) -> None:
    """Register the model of `revision`, unless that has been done, and assign it to `stage`, such as prod.

    Raises UserError if its results do not belong to its params and, without `force`, if it is rejected.
    """
    candidate = read_commit(revision)
    if candidate.stale_param:
        raise UserError(
            f"{candidate.name}: not promoted: its results were computed with another {candidate.stale_param} than its "
            "params.yaml has: run 'dvc repro' there and commit"
        )
    mae = _validation_mae(candidate)
    if not force:
        _refuse_worse(candidate, stage)
    try:
        # force: without it GTO rejects a version that had the stage before, and one could not go back to it.
        assigned = gto.api.assign(".", ARTIFACT, stage, ref=candidate.commit, force=True)
    except GTOException as error:
        raise UserError(f"{stage}: {candidate.name} was not promoted: {error}") from error
    print(f"{stage}: {ARTIFACT} {assigned.version} of {candidate.name}, validation MAE {mae:.2f} years")
    print("Share it: dvc push && git push --tags")


def _validation_mae(candidate: Version) -> float:
    try:
        return float(candidate.metrics["evaluate"]["val"]["mae"])
    except (LookupError, TypeError, ValueError):
        raise UserError(f"metrics/evaluate.json of {candidate.name}: has no val.mae: run 'dvc repro' there") from None


def _refuse_worse(candidate: Version, stage: str) -> None:
    version = _current_version(stage)
    if version is None:
        return
    current = read_commit(f"{ARTIFACT}@{version}")
    if current.commit == candidate.commit:
        raise UserError(f"{stage}: already has {candidate.name}, as {version}: there is nothing to promote")
    judgement = compare_split(current, candidate, "val")
    print(f"against {current.name}: {judgement.sentence}")
    if _validation_set(current) != _validation_set(candidate):
        print("The validation sets differ; the comparison is on the photos that both models scored.")
    if judgement.paired is None or judgement.paired.verdict == "worse":
        why = "has a higher error than" if judgement.paired else "cannot be compared with"
        raise UserError(f"{candidate.name} {why} {current.name}: not promoted: use --force to promote it anyway")


def _validation_set(version: Version) -> object:
    """The version of the validation photos and labels; None if release 0.1 wrote the metrics."""
    return version.metrics["split"].get(HELD_OUT_VERSIONS["val"])


def _current_version(stage: str) -> str | None:
    """The version, such as v0.0.1, that `stage` was assigned last; None if there is none."""
    try:
        versions = gto.api.show(".", f"{ARTIFACT}#{stage}")
    except ArtifactNotFound:
        return None
    except GTOException as error:
        raise UserError(f"{stage}: {error}") from error
    return versions[0]["version"] if versions else None
