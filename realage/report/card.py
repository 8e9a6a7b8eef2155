"""What the model card says beside its figures, and its front matter: metadata that the Hugging Face Hub reads.

The metadata follow the Hub's specification (github.com/huggingface/hub-docs, modelcard.md).
"""

import re
from typing import Any

import yaml

from realage.core.errors import printable
from realage.report.figures import Figure, split_figures
from realage.splits.assign import SPLIT_NAMES

# Field of section report.card -> name in the card.
FIELDS = {
    "owner": "owner",
    "contact": "contact",
    "licence": "licence of the model",
    "users": "intended users",
    "intended_use": "intended use",
    "data_name": "data set",
    "data_licence": "licence of the data",
    "data_source": "source of the photos, consent of the people",
    "label_source": "source of the ages",
    "ethical_review": "ethical review",
}
USES = (
    "estimates over many photos",
    "sorting and searching photo collections",
    "research on age and its perception",
)
MISUSES = (
    "proof of age or identity",
    "decisions about one person (access, employment, insurance, policing, asylum) without a person who reviews them "
    "and is responsible",
    "estimating the age of people who have not agreed to it",
)
SAMPLE = "synthetic sample of realage"
PHOTOS_OF_A_FOLDER = "imagefolder"  # the Hub's name for a data set that is no repository of the Hub
ANY_WIDTH = 1_000_000  # characters; a value is never folded, so that none of its parts stands at the start of a line


def stated(card: dict[str, str | None], field: str) -> str:
    """The team's statement as one line of printable text, or 'not stated: set report.card.FIELD'."""
    value = card[field]
    return f"not stated: set report.card.{field}" if value is None else one_line(value)


def statements(card: dict[str, str | None]) -> dict[str, str]:
    """All statements of section `report.card`, by the name of the field in the card."""
    return {name: stated(card, field) for field, name in FIELDS.items()}


def data_name(facts: dict[str, Any]) -> str:
    """The name of the data set: the team's, or that of the embedded sample."""
    return SAMPLE if facts["sample"] and facts["card"]["data_name"] is None else stated(facts["card"], "data_name")


def limits(facts: dict[str, Any]) -> list[str]:
    """Sentences on what the figures do not show. `facts` are the variables of the templates."""
    kept_best, has_test = facts["recipe"]["train.keep"] == "best", "test" in facts["splits"]
    chosen = "The kept epoch was chosen on validation, so the validation figures are optimistic"
    return [
        "Errors are largest at ages with few training photos, and predictions there tend to the middle: compare the "
        "decades.",
        "Photos that are cropped, lit or sharpened in another way than the training photos have errors that no figure "
        "here shows.",
        *([] if facts["groups"] else [
            "Errors were not measured by group: name label columns in evaluate.groups before the model is used on "
            "people who are rare in the data."
        ]),
        *([f"{chosen}{'; test was not used to choose it' if has_test else ''}."] if kept_best else []),
        "Intervals show how much the figures vary with other photos of the same kind. They say nothing about other "
        "kinds of photos.",
    ]


def front_matter(facts: dict[str, Any]) -> str:
    """The YAML block at the top of the card, with its `---` lines. `facts` are the variables of the templates."""
    card, evaluate = facts["card"], facts["evaluate"]
    metadata = {
        "license": card["licence"] or "unknown",
        "library_name": "keras",
        "pipeline_tag": "image-classification",  # the nearest in the Hub's list, which has no regression of images
        "tags": ["age-estimation", "face", "image-regression", *(["synthetic-data"] if facts["sample"] else [])],
        **({"datasets": [card["data_name"]]} if card["data_name"] else {}),
        "metrics": ["mae"],
        "model-index": [{
            "name": _slug(facts["title"]),
            "results": [_result(facts, evaluate, split) for split in facts["splits"]],
        }],
    }
    text = yaml.safe_dump(metadata, sort_keys=False, allow_unicode=True, width=ANY_WIDTH)
    return f"---\n{text}---\n"


def one_line(text: str) -> str:
    """`text` as one line, with invisible characters escaped."""
    return printable(" ".join(text.split()))


def _result(facts: dict[str, Any], evaluate: dict[str, Any], split: str) -> dict[str, Any]:
    figures = split_figures(evaluate, split)
    counts = {figure.measure.key: figure.value for figure in figures if figure.measure.key in ("n", "people", "seen")}
    return {
        "task": {"type": "image-regression", "name": "Age in years from a photo of a face"},
        "dataset": {
            "type": facts["card"]["data_name"] or PHOTOS_OF_A_FOLDER,
            "name": data_name(facts),
            "split": SPLIT_NAMES[split],
            "revision": evaluate["data_version"],
            "args": {f"{split}_version": evaluate[f"{split}_version"], **counts},
        },
        "metrics": [_metric(figure) for figure in figures if figure.measure.hub_type],
    }


def _metric(figure: Figure) -> dict[str, Any]:
    ends = {"args": dict(zip(("ci95_lo", "ci95_hi"), figure.interval))} if figure.interval else {}
    return {"type": figure.measure.hub_type, "value": figure.value, "name": figure.measure.name, **ends}


def _slug(title: str) -> str:
    """A name as the Hub has them: letters, digits and hyphens."""
    return re.sub(r"[\W_]+", "-", title).strip("-") or "age"
