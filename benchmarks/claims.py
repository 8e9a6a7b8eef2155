"""A claim about speed: ours beside a named rival, measured in the same run, and the bar that it has to clear."""

from collections.abc import Iterable
from typing import NamedTuple

from benchmarks.in_turns import Comparison


class Claim(NamedTuple):
    """A ratio with its range over the rounds. The bar is the least it may be or, with `is_limit`, the most."""

    name: str
    rival: str
    ratio: float
    least: float
    most: float
    bar: float
    is_limit: bool

    @classmethod
    def faster(cls, name: str, rival: str, measured: Comparison, bar: float) -> "Claim":
        """Ours is meant to do at least `bar` times as much in the same time as the rival."""
        return cls(name, rival, 1 / measured.ratio, 1 / measured.most, 1 / measured.least, bar, is_limit=False)

    @classmethod
    def costs(cls, name: str, rival: str, measured: Comparison, bar: float) -> "Claim":
        """Ours is meant to take at most `bar` times as long as the rival."""
        return cls(name, rival, measured.ratio, measured.least, measured.most, bar, is_limit=True)

    @property
    def is_met(self) -> bool:
        """Whether the median ratio clears the bar."""
        return self.ratio <= self.bar if self.is_limit else self.ratio >= self.bar


def print_claims(claims: Iterable[Claim]) -> None:
    """Print a Markdown table, each row as soon as it is measured."""
    print("| claim | rival, same run | ratio | range | bar | met |\n|---|---|---:|---:|---:|---|", flush=True)
    for claim in claims:
        bar = f"at {'most' if claim.is_limit else 'least'} {claim.bar:.3g}"
        print(f"| {claim.name} | {claim.rival} | {claim.ratio:.2f} | {claim.least:.2f} to {claim.most:.2f} | {bar} | "
              f"{'yes' if claim.is_met else '**no**'} |", flush=True)
