"""Promote a commit's model, as annotated Git tags that GTO reads: `realage promote STAGE [REV]`.

A model is rejected unless its validation error is shown to be hardly higher than that of the best model of the stage,
and unless it is shown to meet every condition in `evaluate.promotion_conditions`. A person may accept one by its name.
"""

import math
import os
import shlex
import time
from collections.abc import Sequence

import gto.api
from gto.constants import fullname_re, name_to_tag
from gto.tag import parse_name

from realage.core.errors import UserError
from realage.core.params import load
from realage.core.programs import explained, git
from realage.evaluation.intervals import Interval
from realage.evaluation.metrics import EvaluateParams
from realage.history.compare import Judgement, Version, compare_split, read_commit, seen_photos
from realage.history.conditions import CANNOT_TELL, FAILED, PASSED, Outcome, as_sentence, as_table, judge
from realage.history.paired import Paired
from realage.splits.versions import HELD_OUT_VERSIONS

ARTIFACT = "age"  # in dvc.yaml's artifacts
MARGIN = "promotion_margin"  # names the comparison with the best model, as metrics name the other conditions
LONGEST_WAIT = 5  # seconds


def promote(stage: str, revision: str = "HEAD", force: bool = False, accept: Sequence[str] = ()) -> None:
    """Register the model of `revision`, unless that has been done, and assign it to `stage`, such as prod.

    `accept` names conditions that it need not be shown to meet: metrics, or MARGIN for the comparison with the best
    model. With `force` it is compared with no model, and no condition refuses it. The tag records how each condition
    was judged, and which were accepted or forced.

    Raises UserError if its results do not belong to its params and, without `force`, if it is rejected.
    """
    candidate, artifact, params = read_commit(revision), _artifact(), load("evaluate", EvaluateParams)
    _require_named(accept, params)
    if candidate.stale_param:
        raise UserError(
            f"{candidate.name}: not promoted: its results were computed with another {candidate.stale_param} than its "
            "params.yaml has: run 'dvc repro' there and commit"
        )
    mae = _validation_mae(candidate)
    if not force:
        _refuse_contaminated(candidate)
    outcomes = [] if force else _compare_with_best(candidate, artifact, stage, params.promotion_margin)
    outcomes += judge(candidate.metrics["evaluate"], params.promotion_conditions)
    if outcomes:
        print(as_table(outcomes))
    unmet = [outcome for outcome in outcomes if outcome.verdict != PASSED]
    if not force:
        _refuse(candidate, [outcome for outcome in unmet if outcome.name not in accept])
    record = _record(outcomes, force)
    _await_later_second(artifact)
    try:
        # force: without it GTO rejects a version that had the stage before, and one could not go back to it.
        message = _message(stage, artifact, candidate, record)
        assigned = gto.api.assign(".", artifact, stage, ref=candidate.commit, force=True, message=message)
    except Exception as error:  # the libraries behind GTO raise more exceptions than it documents
        raise UserError(f"{stage}: {candidate.name} was not promoted: {explained(error)}") from error
    print(f"{stage}: {artifact} {assigned.version} of {candidate.name}, validation MAE {mae:.2f} years")
    print("Share it: dvc push && git push --tags")


def _require_named(accept: Sequence[str], params: EvaluateParams) -> None:
    """Raise UserError if `accept` names what is no condition."""
    names = [MARGIN, *(condition.metric for condition in params.promotion_conditions)]
    for name in accept:
        if name not in names:
            raise UserError(f"--accept {name}: no such condition: params.yaml has {', '.join(names)}")


def _refuse(candidate: Version, outcomes: Sequence[Outcome]) -> None:
    """Raise UserError if there are `outcomes`: conditions that `candidate` is not shown to meet and nobody accepts."""
    if not outcomes:
        return
    reasons = "; ".join(
        outcome.reason if outcome.name == MARGIN else f"does not pass {as_sentence(outcome)}" for outcome in outcomes
    )
    options = " ".join(f"--accept {shlex.quote(outcome.name)}" for outcome in outcomes)
    raise UserError(
        f"{candidate.name} {reasons}: not promoted: use {options} or, without any comparison, --force to promote it "
        "anyway; the tag records it"
    )


def _record(outcomes: Sequence[Outcome], force: bool) -> list[str]:
    """What the tag says of the conditions, a line each, so that a limit that was lowered just for this model shows."""
    despite = "forced: " if force else "accepted: "
    lines = [("" if outcome.verdict == PASSED else despite) + as_sentence(outcome) for outcome in outcomes]
    return [f"{despite}not compared with other models", *lines] if force else lines


def _message(stage: str, artifact: str, candidate: Version, record: Sequence[str]) -> str | None:
    """The message of the tag; None, for GTO's own, if there is nothing to record."""
    title = f"Assigning stage {stage} to artifact {artifact} of commit {candidate.commit}"
    return "\n".join([title, "", *record]) if record else None


def _artifact() -> str:
    """The model's name in the repository, as GTO and DVC have it: in a subfolder `path/to/folder:age`."""
    folder = os.fsdecode(git("rev-parse", "--show-prefix").removesuffix(b"\n")).rstrip("/")
    name = f"{folder}:{ARTIFACT}" if folder else ARTIFACT
    if not fullname_re.match(name):
        raise UserError(
            f"{folder}: a tag cannot have this folder's name: rename it: letters, digits and '-_./' are allowed"
        )
    return name


def _await_later_second(artifact: str) -> None:
    """Wait until the model's newest tag is of an earlier second: GTO orders tags by their time in whole seconds.

    Raises UserError if that would take more than LONGEST_WAIT, because the tag is in the future.
    """
    pattern = f"refs/tags/{name_to_tag(artifact)}[@#]*"
    newest = git("for-each-ref", "--sort=-taggerdate", "--count=1", "--format=%(taggerdate:unix) %(refname)", pattern)
    second, _, tag = os.fsdecode(newest).strip().partition(" refs/tags/")
    wait = int(second) + 1 - time.time() if second else 0
    if wait > LONGEST_WAIT:
        raise UserError(
            f"{tag}: this tag is {wait:.0f} seconds in the future, and would stay the latest: set this computer's "
            "clock, or wait"
        )
    time.sleep(max(0, wait))


def _validation_mae(candidate: Version) -> float:
    try:
        return float(candidate.metrics["evaluate"]["val"]["mae"])
    except (LookupError, TypeError, ValueError):
        raise UserError(f"metrics/evaluate.json of {candidate.name}: has no val.mae: run 'dvc repro' there") from None


def _refuse_contaminated(candidate: Version) -> None:
    """Raise UserError if the model that `candidate` started from has learnt from its validation photos."""
    if seen := seen_photos(candidate, "val"):
        raise UserError(
            f"{candidate.name}: started from a model that learnt from {seen:,.0f} of its validation photos, so its "
            "error there is too low: not promoted: judge it on other photos, or use --force to promote it anyway"
        )


def _compare_with_best(candidate: Version, artifact: str, stage: str, margin: float) -> list[Outcome]:
    """The outcome of comparing `candidate` with the best model that `stage` had; none if it had none.

    Against the present model alone, a stage could get worse by small steps, each of them within noise.
    Raises UserError if the stage has `candidate` already.
    """
    versions = _holders(artifact, stage)
    if not versions:
        return []
    current, *earlier = (read_commit(f"{name_to_tag(artifact)}@{version}") for version in reversed(versions))
    if current.commit == candidate.commit:
        raise UserError(f"{stage}: already has {candidate.name}, as {versions[-1]}: there is nothing to promote")
    best, judgement = _best(current, [version for version in earlier if version.commit != candidate.commit], candidate)
    print(f"against {best.name}, the best model that {stage} had: {judgement.sentence}")
    if _validation_set(best) != _validation_set(candidate):
        print("The validation sets differ; the comparison is on the photos that both models scored.")
    return [_not_inferior(judgement.paired, best, margin)]


def _best(current: Version, earlier: list[Version], candidate: Version) -> tuple[Version, Judgement]:
    """The model against which `candidate` loses most, and the comparison with it.

    If `current` cannot be compared, it is that. Earlier models that cannot be compared are named and left out.
    """
    judged = [(version, compare_split(version, candidate, "val")) for version in (current, *earlier)]
    if judged[0][1].paired is None:
        return judged[0]
    for version, judgement in judged:
        if judgement.paired is None:
            print(f"against {version.name}: {judgement.sentence}")
    return max(judged, key=lambda pair: pair[1].paired.difference if pair[1].paired else -math.inf)


def _not_inferior(paired: Paired | None, best: Version, margin: float) -> Outcome:
    """Whether a model passes the comparison with the model `best`.

    It passes if its error is not higher beyond noise, and if the 95% interval of the difference ends at or below
    `margin`, in years: a test of non-inferiority (Piaggio et al. 2012, JAMA 308, extension of CONSORT 2010).
    """
    limit = f"MAE at most {margin:g} years higher than that of {best.name}, and not beyond noise"
    if paired is None:
        return Outcome(MARGIN, limit, None, None, CANNOT_TELL, f"cannot be compared with {best.name}")
    verdict, reason = PASSED, ""
    if paired.verdict == "worse":
        verdict, reason = FAILED, f"has a higher error than {best.name}"
    elif paired.high > margin:
        verdict = CANNOT_TELL
        reason = (
            f"may have a higher error than {best.name}, by up to {paired.high:.2f} years; evaluate.promotion_margin "
            f"allows {margin:g}"
        )
    return Outcome(MARGIN, limit, paired.difference, Interval(paired.low, paired.high), verdict, reason)


def _validation_set(version: Version) -> object:
    """The version of the validation photos and labels; None if release 0.1 wrote the metrics."""
    return version.metrics["split"].get(HELD_OUT_VERSIONS["val"])


def _holders(artifact: str, stage: str) -> list[str]:
    """The versions, such as v0.0.1, that held `stage`, the present one last.

    Going back to an earlier version withdraws those that came after it; so does GTO's `deprecate` with a version.
    """
    try:
        events = gto.api.history(".", artifact, ascending=True)
    except Exception as error:  # the libraries behind GTO raise more exceptions than it documents
        raise UserError(f"{stage}: {explained(error)}") from error
    holders: list[str] = []
    for event in sorted(events, key=lambda event: (event["timestamp"], _counter(event["ref"]))):
        version = event["version"]
        if event["event"] == "assignment" and event["stage"] == stage:
            holders = [*_until(holders, version), version]
        elif event["event"] == "deregistration" or (event["event"] == "unassignment" and event["stage"] == stage):
            holders = [holder for holder in holders if holder != version]
    return holders


def _until(holders: list[str], version: str) -> list[str]:
    return holders[: holders.index(version)] if version in holders else holders


def _counter(tag: str) -> int:
    """The number in a tag such as age#prod#2: tags of one second are in its order."""
    return parse_name(tag).get("counter", 0)
