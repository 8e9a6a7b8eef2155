"""Labels and the scan of their photos -> the rows that can be used, and all others with the rule that they break."""

from typing import NamedTuple

import pandas as pd

from realage.core.columns import FILE_NAME, PERCEPTUAL_HASH, PHOTO, REAL_AGE
from realage.labels.lookup import places_of
from realage.labels.matching import MEANT, photos_meant, widespread_mistake
from realage.labels.params import ValidateParams
from realage.labels.rules import (
    check_photos,
    check_rows,
    check_same_photo,
    check_unsafe_photos,
    first_of,
    overrule,
    point_to_photos,
    to_do_list,
    without,
)


class Cleaned(NamedTuple):
    """The result of `clean_labels`.

    `clean` has the columns of the labels, `real_age` as float64 (years), and `photo` and `perceptual_hash`. `rejected`
    is the table of `to_do_list`. `mistake` is one sentence on what is wrong with most names, or empty.
    """

    clean: pd.DataFrame
    rejected: pd.DataFrame
    mistake: str


def clean_labels(table: pd.DataFrame, photos: pd.DataFrame, names: pd.Series, params: ValidateParams) -> Cleaned:
    """Apply all rules to `table`, from `read_labels` and `with_real_names`.

    `names`, dtype str, are the names of all photos in the folder. `photos` is the scan of those that are wanted: at
    least the photos that `table` names. A scanned photo that no row names is rejected as unlabelled.
    """
    meant = photos_meant(table[FILE_NAME], names)
    findings = overrule(check_rows(table, names, params), check_unsafe_photos(table, photos))
    findings = first_of(findings, check_photos(without(table, findings), photos, params))
    clean = without(table, findings).astype({REAL_AGE: float})
    looks = photos.take(places_of(clean[FILE_NAME], photos[FILE_NAME])).set_axis(clean.index)
    clean = clean.assign(**looks[[PHOTO, PERCEPTUAL_HASH]])
    twins = check_same_photo(clean)
    clean = without(clean, twins)

    findings = first_of(point_to_photos(findings, table, meant), twins)
    named = pd.concat([table[FILE_NAME], meant[MEANT]])
    unlabelled = photos[FILE_NAME][places_of(photos[FILE_NAME], named) < 0]
    rejected = to_do_list(table, findings, unlabelled)
    return Cleaned(clean, rejected, widespread_mistake(table, meant, names))


def reason_to_stop(cleaned: Cleaned, params: ValidateParams, listed: str) -> str:
    """Return why these labels must not be used, and what to do; '' if they may.

    `listed` says where the rejections are listed.
    """
    clean, rejected, mistake = cleaned
    reason = ""
    share = len(rejected) / max(1, len(clean) + len(rejected))
    if clean.empty:
        reason = f"{listed}: every row was rejected: correct the labels"
    elif len(rejected) and params.on_reject == "fail":
        reason = (f"{len(rejected)} rows or photos rejected (see {listed}): correct them, "
                  "or set validate.on_reject to quarantine")
    elif share > params.max_rejected:
        reason = (f"{share:.1%} of rows and photos rejected (see {listed}), more than "
                  f"validate.max_rejected allows ({params.max_rejected:.1%}): correct them, or raise the limit")
    if not reason:
        return ""
    return f"{mistake} ({reason})" if mistake else f"{reason}; {_most_frequent(rejected)}"


def _most_frequent(rejected: pd.DataFrame) -> str:
    """Return the rule that most of `rejected` break, with the first of them."""
    counts = rejected["rule"].value_counts()
    first = rejected[rejected["rule"] == counts.index[0]].iloc[0]
    return f"most frequent: {counts.index[0]} ({counts.iloc[0]:,}), such as {first[FILE_NAME]}: {first['detail']}"
