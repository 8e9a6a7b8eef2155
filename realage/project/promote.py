"""Promote a commit's model, as annotated Git tags that GTO reads: `realage promote STAGE [REV]`.

A model is rejected if its validation error is higher, beyond noise, than that of the model that the stage has now.
"""

import os

import gto.api
from gto.constants import fullname_re, name_to_tag
from gto.exceptions import ArtifactNotFound

from realage.core.errors import UserError
from realage.core.programs import explained, git
from realage.history.compare import Version, compare_split, read_commit
from realage.splits.versions import HELD_OUT_VERSIONS

ARTIFACT = "age"  # in dvc.yaml's artifacts


def promote(stage: str, revision: str = "HEAD", force: bool = False) -> None:
    """Register the model of `revision`, unless that has been done, and assign it to `stage`, such as prod.

    Raises UserError if its results do not belong to its params and, without `force`, if it is rejected.
    """
    candidate, artifact = read_commit(revision), _artifact()
    if candidate.stale_param:
        raise UserError(
            f"{candidate.name}: not promoted: its results were computed with another {candidate.stale_param} than its "
            "params.yaml has: run 'dvc repro' there and commit"
        )
    mae = _validation_mae(candidate)
    if not force:
        _refuse_worse(candidate, artifact, stage)
    try:
        # force: without it GTO rejects a version that had the stage before, and one could not go back to it.
        assigned = gto.api.assign(".", artifact, stage, ref=candidate.commit, force=True)
    except Exception as error:  # the libraries behind GTO raise more exceptions than it documents
        raise UserError(f"{stage}: {candidate.name} was not promoted: {explained(error)}") from error
    print(f"{stage}: {artifact} {assigned.version} of {candidate.name}, validation MAE {mae:.2f} years")
    print("Share it: dvc push && git push --tags")


def _artifact() -> str:
    """The model's name in the repository, as GTO and DVC have it: in a subfolder `path/to/folder:age`."""
    folder = os.fsdecode(git("rev-parse", "--show-prefix").removesuffix(b"\n")).rstrip("/")
    name = f"{folder}:{ARTIFACT}" if folder else ARTIFACT
    if not fullname_re.match(name):
        raise UserError(
            f"{folder}: a tag cannot have this folder's name: rename it: letters, digits and '-_./' are allowed"
        )
    return name


def _validation_mae(candidate: Version) -> float:
    try:
        return float(candidate.metrics["evaluate"]["val"]["mae"])
    except (LookupError, TypeError, ValueError):
        raise UserError(f"metrics/evaluate.json of {candidate.name}: has no val.mae: run 'dvc repro' there") from None


def _refuse_worse(candidate: Version, artifact: str, stage: str) -> None:
    version = _current_version(artifact, stage)
    if version is None:
        return
    current = read_commit(f"{name_to_tag(artifact)}@{version}")
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


def _current_version(artifact: str, stage: str) -> str | None:
    """The version, such as v0.0.1, that `stage` was assigned last; None if there is none."""
    try:
        versions = gto.api.show(".", f"{artifact}#{stage}")
    except ArtifactNotFound:
        return None
    except Exception as error:  # the libraries behind GTO raise more exceptions than it documents
        raise UserError(f"{stage}: {explained(error)}") from error
    return versions[0]["version"] if versions else None
