"""Errors of groups of people, such as those of one gender: each group, two columns crossed, and the largest gap."""

from collections.abc import Mapping
from itertools import combinations

import numpy as np
import pandas as pd

from realage.evaluation.intervals import MIN_PEOPLE, effective_people, gap_interval, interval_keys
from realage.splits.groups import NO_GROUP

CROSSED = " x "  # between the names of two columns, or of two groups


def cross_groups(groups: Mapping[str, pd.Series]) -> dict[str, pd.Series]:
    """Return the groups of each two columns of `groups`, by 'gender x ethnicity'; NO_GROUP if either has none.

    `groups` has each row's group by column, as a Series with the rows' index.
    """
    return {
        f"{first}{CROSSED}{second}": (groups[first] + CROSSED + groups[second]).where(
            (groups[first] != NO_GROUP) & (groups[second] != NO_GROUP), NO_GROUP
        )
        for first, second in combinations(groups, 2)
    }


def comparable_groups(groups: np.ndarray, people: np.ndarray) -> list[str]:
    """Return the groups in `groups`, str (n,), that have at least MIN_PEOPLE people, sorted; NO_GROUP is none.

    `people`, any (n,), says who is in each photo; those with many photos count as in `effective_people`.
    """
    names, photos = np.unique(groups.astype(str), return_counts=True)
    enough = [name for name in names[photos >= MIN_PEOPLE].tolist() if name != NO_GROUP]
    return [name for name in enough if effective_people(people[groups == name]) >= MIN_PEOPLE]


def largest_gap(error: np.ndarray, groups: np.ndarray, people: np.ndarray) -> dict[str, float | str]:
    """Return the largest difference in MAE between two of the groups that can be compared; empty below two.

    `error` is float (n,), predicted - real in years; `groups`, str (n,), and `people`, any (n,), are those of the
    photos. `mae` is the MAE of group `worst` less that of group `best`, in years, with a 95% interval; `groups` is how
    many are compared. As the largest of several differences, `mae` is too high on average where groups are many or
    small. The interval allows for that: see `gap_interval`.
    """
    names = comparable_groups(groups, people)
    if len(names) < 2:
        return {}
    members, absolute = [groups == name for name in names], np.abs(error)
    means = [float(np.mean(absolute[chosen])) for chosen in members]
    worst, best = int(np.argmax(means)), int(np.argmin(means))
    return {
        "groups": len(names),
        "worst": names[worst],
        "best": names[best],
        "mae": means[worst] - means[best],
        **interval_keys("mae", gap_interval(absolute, people, members)),
    }
