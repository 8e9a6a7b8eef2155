"""Format of figures: an MAE with its 95% interval, and numbers of photos and people."""

from collections.abc import Mapping

TOO_FEW = "[too few]"  # in place of an interval, where there are too few people for one


def with_interval(scores: Mapping[str, float]) -> str:
    """Return the MAE in `scores` (years) with its interval, '4.07 [3.50, 4.70]', or '4.07 [too few]'."""
    return f"{scores['mae']:.2f} {interval(scores)}"


def interval(scores: Mapping[str, float]) -> str:
    """Return the 95% interval of the MAE in `scores` (years), '[3.50, 4.70]', or '[too few]'."""
    if "mae_ci95_lo" not in scores:
        return TOO_FEW
    return f"[{scores['mae_ci95_lo']:.2f}, {scores['mae_ci95_hi']:.2f}]"


def count_photos(photos: int, people: int) -> str:
    """Return '167 photos', or '167 photos of 40 people' if there are fewer people than photos."""
    return f"{photos:,} photos" + (f" of {people:,} {'person' if people == 1 else 'people'}" if people < photos else "")
