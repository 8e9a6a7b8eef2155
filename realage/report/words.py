"""Figures in words, as page, card and verdict write them."""

from collections.abc import Mapping
from typing import Any

from realage.core.formatting import TOO_FEW, interval

Scores = Mapping[str, Any]  # the measures of a split or of a part of it, as in metrics/evaluate.json


def is_certain(scores: Scores) -> bool:
    """Whether there are enough people for an interval of the MAE."""
    return "mae_ci95_lo" in scores


def interval_in_words(scores: Scores) -> str:
    """The 95% interval of an MAE, '3.50 to 4.70', or 'too few'."""
    return interval(scores).strip("[]").replace(", ", " to ")


def within_in_words(scores: Scores, years: int) -> str:
    """The share of photos within so many years, as from `share_in_words`."""
    return share_in_words(scores, f"cs{years}")


def share_in_words(scores: Scores, name: str) -> str:
    """A share with its 95% interval, '52% [45%, 59%]', or '52% [too few]'."""
    ends = [percent(scores[key]) for key in (f"{name}_ci95_lo", f"{name}_ci95_hi") if key in scores]
    return f"{percent(scores[name])} " + (f"[{', '.join(ends)}]" if ends else TOO_FEW)


def rate_in_words(gate: Scores, name: str) -> str:
    """The rate `name` of a gate, 'fpr' or 'fnr', with its 95% interval, '4.9% [3.1%, 7.8%]', or 'too few'."""
    if name not in gate:
        return TOO_FEW.strip("[]")
    rate, low, high = (f"{100 * gate[key]:.1f}%" for key in (name, f"{name}_ci95_lo", f"{name}_ci95_hi"))
    return f"{rate} [{low}, {high}]"


def signed_in_words(scores: Scores, name: str, sign: str) -> str:
    """A number of years with its 95% interval, '1.20 [1.00, 1.40]', or '1.20 [too few]'; `sign` '+' shows its sign."""
    ends = [f"{scores[key]:{sign}.2f}" for key in (f"{name}_ci95_lo", f"{name}_ci95_hi") if key in scores]
    return f"{scores[name]:{sign}.2f} " + (f"[{', '.join(ends)}]" if ends else TOO_FEW)


def years(value: float) -> str:
    """A number of years with two decimals."""
    return f"{value:.2f}"


def percent(share: float) -> str:
    """A share from 0 to 1 in whole percent."""
    return f"{100 * share:.0f}%"
