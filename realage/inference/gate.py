"""A decision on a predicted age, as at the sale of alcohol."""

from typing import NamedTuple, Self

from realage.inference.age_model import Prediction


class Gate(NamedTuple):
    """An age where a decision falls, such as 18, and the challenge age, such as 25, from which on people pass."""

    threshold: float  # years
    challenge: float

    @classmethod
    def of(cls, threshold: float | None, challenge: float | None) -> Self | None:
        """Return the gate, or None if neither age is given. Raises ValueError for one alone, or in the wrong order."""
        if threshold is None and challenge is None:
            return None
        if threshold is None or challenge is None or not threshold <= challenge:  # NaN is neither
            raise ValueError("threshold and challenge do not go together")
        return cls(threshold, challenge)

    def decide(self, prediction: Prediction) -> str:
        """Return `pass`, `refuse` or `ask`.

        A predicted age of `challenge` or more passes, one below `threshold` is refused, and all others are asked for
        proof of age; so is everyone whose photo is unlike the training photos.
        """
        if prediction.reasons or self.threshold <= prediction.age < self.challenge:
            return "ask"
        return "pass" if prediction.age >= self.challenge else "refuse"
