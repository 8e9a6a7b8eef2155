"""Choose a method by cross-validation, and measure the choice by another one around it.

The choice looks at the errors of all methods, so the lowest of them is optimistic. Nested cross-validation (Varma &
Simon 2006, BMC Bioinformatics 7:91) repeats the choice without each part of the photos and judges it on that part.
"""

from collections.abc import Callable, Mapping

import numpy as np

# A method fits a change to the photos `train`, bool (n,), and returns it with the ages that the changed model predicts
# for all n photos, float (n,), years.
Method = Callable[[np.ndarray], tuple[object, np.ndarray]]

OUTER, INNER = 10, 5  # parts


def folds_of(real: np.ndarray, people: np.ndarray, count: int) -> np.ndarray:
    """Divide photos into `count` parts, int (n,), with all photos of a person in one part and ages spread alike.

    `real`, float (n,), are ages in years, `people`, int (n,), says who is in each photo. People are dealt out in the
    order of their mean age.
    """
    who = np.unique(people, return_inverse=True)[1]
    mean_ages = np.bincount(who, weights=real) / np.bincount(who)
    places = np.empty(len(mean_ages), int)
    places[np.argsort(mean_ages, kind="stable")] = np.arange(len(mean_ages))
    return places[who] % count


def held_out_ages(method: Method, folds: np.ndarray, among: np.ndarray) -> np.ndarray:
    """Return ages of the photos `among`, bool (n,), each by a fit to the others without its part; 0 for other photos.

    `folds`, int (n,), are the parts. The result is float (n,), years.
    """
    ages = np.zeros(len(folds))
    for part in np.unique(folds[among]):
        judged = among & (folds == part)
        ages[judged] = method(among & ~judged)[1][judged]
    return ages


def scores_of(methods: Mapping[str, Method], real: np.ndarray, people: np.ndarray, among: np.ndarray) -> dict:
    """Return the cross-validated MAE of each method in years, on the photos `among`, bool (n,)."""
    folds = np.zeros(len(real), int)
    folds[among] = folds_of(real[among], people[among], INNER)
    errors = {name: np.abs(held_out_ages(method, folds, among) - real) for name, method in methods.items()}
    return {name: float(error[among].mean()) for name, error in errors.items()}


def best_of(scores: Mapping[str, float]) -> str:
    """Return the method with the lowest MAE; of equal ones, the first."""
    return min(scores, key=lambda name: scores[name])


def judge_choice(methods: Mapping[str, Method], real: np.ndarray, people: np.ndarray) -> np.ndarray:
    """Return ages of all photos, float (n,), years: each by a choice and a fit that were made without its part."""

    def chosen(train: np.ndarray) -> tuple[object, np.ndarray]:
        return methods[best_of(scores_of(methods, real, people, train))](train)

    return held_out_ages(chosen, folds_of(real, people, OUTER), np.ones(len(real), bool))
