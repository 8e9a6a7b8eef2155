"""The verdict in words, which the page begins with: how good the model is, for whom it is bad, and how sure that is."""

from collections.abc import Mapping, Sequence

from realage.core.formatting import count_photos
from realage.report.words import Scores, interval_in_words, is_certain, rate_in_words
from realage.splits.assign import SPLIT_NAMES

NO_GROUPS = ("Unknown: no groups of people were compared. Name columns of the labels, such as sex, in evaluate.groups "
             "of params.yaml.")
COMMONEST_THRESHOLD = 18  # years: of the gates, the verdict has the one nearest to this


def judged_on(evaluate: Scores) -> str:
    """The split that the verdict is about: `test`, which no choice was made on, or `val` if there is none."""
    return "test" if "test" in evaluate else "val"


def verdict(evaluate: Scores, by_group: Mapping[str, Mapping[str, Mapping[str, Scores]]],
            contaminated: bool = False) -> list[tuple[str, str]]:
    """The verdict as questions with their answers; `by_group` is from `regroup`.

    `contaminated` figures, which the page has a note on, are less sure.
    """
    split = judged_on(evaluate)
    scores = evaluate[split]
    return [
        ("How good is it?", f"{_error(scores)} {_against_baseline(scores)}"),
        ("For whom is it bad?", _by_age(evaluate["by_decade"][split])),
        *((f"Does the error differ by {column}?", _by_group(scores.get("gap", {}).get(column), parts.get(split, {})))
          for column, parts in by_group.items()),
        *([] if by_group else [("Is it fair?", NO_GROUPS)]),
        ("How far off is one photo?", _one_photo(scores, evaluate.get("calibration"))),
        *([("At an age gate?", _at_gate(scores["gate"]))] if scores.get("gate") else []),
        ("How sure are these figures?", _certainty(scores, split, contaminated)),
    ]


def _error(scores: Scores) -> str:
    return f"Predictions are wrong by {scores['mae']:.2f} years on average ({_interval(scores)})."


def _against_baseline(scores: Scores) -> str:
    constant = scores["baseline"]["mae"]
    always = f"always predicting the training photos' median age, which is wrong by {constant:.2f} years"
    if not is_certain(scores):
        return f"Too few people to tell whether that is better than {always}."
    if scores["mae_ci95_hi"] < constant:
        return f"The model's error is {1 - scores['mae'] / constant:.0%} lower than that of {always}."
    if scores["mae_ci95_lo"] > constant:
        return f"That is worse than {always}."
    return f"The interval does not tell it from {always}."


def _by_age(decades: Sequence[Scores]) -> str:
    certain = [row for row in decades if is_certain(row)]
    few = [row["decade"] for row in decades if not is_certain(row)]
    unknown = f" Too few people to say at {', '.join(few)} years." if few else ""
    if not certain:
        return "Too few people of any decade of age to say."
    worst, best = (extreme(certain, key=lambda row: row["mae"]) for extreme in (max, min))
    if worst is best:
        return f"At {worst['decade']} years the error is {_mae(worst)}.{_bias(worst)}{unknown}"
    where = "Where there are enough people, the" if few else "The"
    return (f"{where} error is largest at {worst['decade']} years, {_mae(worst)}, and smallest at {best['decade']}, "
            f"{_mae(best)}.{_overlap(worst, best)}{_bias(worst)}{unknown}")


def _bias(worst: Scores) -> str:
    direction = "old" if worst["bias"] > 0 else "young"
    return f" At {worst['decade']} years, predictions are {abs(worst['bias']):.1f} years too {direction} on average."


def _by_group(gap: Scores | None, groups: Mapping[str, Scores]) -> str:
    if gap is None:
        return "Too few people in the groups to compare them."
    worst, best = gap["worst"], gap["best"]
    chance = " The difference may be chance." if gap["mae_ci95_lo"] <= 0 else ""
    return (f"The error is largest for {worst}, {_mae(groups[worst])}, and smallest for {best}, {_mae(groups[best])}. "
            f"They differ by {_mae(gap)}.{chance}")


def _one_photo(scores: Scores, calibration: Scores | None) -> str:
    return (f"Half of the photos are within {scores['median_ae']:.1f} years and {scores['cs5']:.0%} within 5; "
            f"{1 - scores['cs10']:.0%} are off by more than 10 years.{_of_intervals(scores, calibration)}")


def _of_intervals(scores: Scores, calibration: Scores | None) -> str:
    if calibration is None or "coverage" not in scores:
        return ""
    return (f" Each prediction comes with an interval, {scores['interval_width']:.0f} years wide on average. It holds "
            f"the real age of {scores['coverage']:.0%} of the photos; the aim is {calibration['coverage']:.0%}.")


def _at_gate(gates: Mapping[str, Scores]) -> str:
    threshold = min(gates, key=lambda years: abs(float(years) - COMMONEST_THRESHOLD))
    gate = gates[threshold]
    if "fpr" not in gate or "fnr" not in gate:
        return f"Too few people on one side of the threshold {threshold} to say."
    younger, older = rate_in_words(gate, "fpr"), rate_in_words(gate, "fnr")
    return (f"With the threshold {threshold} and the challenge age {gate['challenge']}, {younger} of the people "
            f"younger than {threshold} pass without proof, and {older} of the others are asked for it. Brackets are "
            "95% intervals.")


def _certainty(scores: Scores, split: str, contaminated: bool) -> str:
    photos = count_photos(scores["n"], scores.get("people", scores["n"]))
    use = "neither for training nor for the choice of settings" if split == "test" else (
        "to choose settings, not for training: expect slightly larger errors")
    seen = " They are contaminated: see the note above." if contaminated else ""
    return (f"They come from {photos} of the {SPLIT_NAMES[split]} split, which were used {use}. Intervals show how far "
            "they may be from the figures for all such people. For other people, cameras or light they do not hold."
            f"{seen}")


def _overlap(worst: Scores, best: Scores) -> str:
    overlap = worst["mae_ci95_lo"] <= best["mae_ci95_hi"]
    return " Their intervals overlap: the difference may be chance." if overlap else ""


def _mae(scores: Scores) -> str:
    return f"{scores['mae']:.2f} ({_interval(scores)})"


def _interval(scores: Scores) -> str:
    if not is_certain(scores):
        return "too few people for an interval"
    return f"95% interval {interval_in_words(scores)}"
