"""A condition that a model has to meet to be promoted: section `evaluate`, key `promotion_conditions`."""

from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from realage.core.params import Section


class Condition(Section):
    """A limit, `at_most` or `at_least`, for a metric of `metrics/evaluate.json`, by its dotted name (`val.mae`)."""

    metric: str = Field(min_length=1)
    at_most: float | None = None
    at_least: float | None = None

    @model_validator(mode="after")
    def _require_one_limit(self) -> "Condition":
        if (self.at_most is None) == (self.at_least is None):
            raise ValueError(f"'{self.metric}' needs one limit: name either at_most or at_least")
        return self

    @property
    def limit(self) -> str:
        """The limit in words, such as `at most 5.5`."""
        return f"at most {self.at_most:g}" if self.at_most is not None else f"at least {self.at_least:g}"


def _require_different(conditions: list[Condition]) -> list[Condition]:
    listed: set[str] = set()
    for condition in conditions:
        if condition.metric in listed:
            raise ValueError(f"'{condition.metric}' is listed twice: keep one of its conditions")
        listed.add(condition.metric)
    return conditions


Conditions = Annotated[list[Condition], AfterValidator(_require_different)]
