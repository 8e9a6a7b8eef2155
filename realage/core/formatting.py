"""Format of figures: an MAE with its 95% interval."""

from collections.abc import Mapping


def with_interval(scores: Mapping[str, float]) -> str:
    """Return the MAE in `scores` (years) with its interval, '4.07 [3.50, 4.70]', or '4.07' if there is none."""
    return " ".join(filter(None, [f"{scores['mae']:.2f}", interval(scores)]))


def interval(scores: Mapping[str, float]) -> str:
    """Return the 95% interval of the MAE in `scores` (years), '[3.50, 4.70]', or '' if there is none."""
    if "mae_ci95_lo" not in scores:
        return ""
    return f"[{scores['mae_ci95_lo']:.2f}, {scores['mae_ci95_hi']:.2f}]"
