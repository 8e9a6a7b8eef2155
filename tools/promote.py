"""Promote a commit's model, as annotated Git tags that GTO reads: `python -m tools.promote STAGE [REV]`.

A model that errs more on validation photos than the one that the stage has now, beyond noise, is refused.
"""

import argparse

import gto.api
from gto.exceptions import ArtifactNotFound, GTOException

from realage.command import run
from realage.compare import Version, compare_split, read_commit
from realage.errors import UserError

ARTIFACT = "age"  # in dvc.yaml's artifacts


def promote() -> None:
    """Register the commit's model, where that has not been done, and assign it to the stage."""
    arguments = _parse_arguments()
    candidate = read_commit(arguments.revision)
    if candidate.stale_param:
        raise UserError(
            f"{candidate.name}: not promoted: its results are of another {candidate.stale_param} than its params.yaml "
            "has: run 'dvc repro' there and commit"
        )
    mae = _validation_mae(candidate)
    if not arguments.force:
        _refuse_worse(candidate, arguments.stage)
    try:
        # What GTO would refuse and this does not: a version that had the stage before, so that one can go back to it.
        assigned = gto.api.assign(".", ARTIFACT, arguments.stage, ref=candidate.commit, force=True)
    except GTOException as error:
        raise UserError(f"{arguments.stage}: {candidate.name} was not promoted: {error}") from error
    print(f"{arguments.stage}: {ARTIFACT} {assigned.version} of {candidate.name}, validation MAE {mae:.2f} years")
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
        raise UserError(f"{stage}: has {candidate.name} already, as {version}")
    judgement = compare_split(current, candidate, "val")
    print(f"against {current.name}: {judgement.sentence}")
    if judgement.paired is None or judgement.paired.verdict == "worse":
        why = "errs more than" if judgement.paired else "cannot be compared with"
        raise UserError(f"{candidate.name} {why} {current.name}: not promoted; --force promotes it all the same")


def _current_version(stage: str) -> str | None:
    """The version, such as v0.0.1, that got `stage` last; None before the first."""
    try:
        versions = gto.api.show(".", f"{ARTIFACT}#{stage}")
    except ArtifactNotFound:
        return None
    except GTOException as error:
        raise UserError(f"{stage}: {error}") from error
    return versions[0]["version"] if versions else None


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.promote", description="Promote a commit's model.")
    parser.add_argument("stage", help="such as dev or prod")
    parser.add_argument("revision", nargs="?", default="HEAD", metavar="REV", help="default: %(default)s")
    parser.add_argument("--force", action="store_true", help="whatever the comparison says")
    return parser.parse_args()


if __name__ == "__main__":
    run(promote)
