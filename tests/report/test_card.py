"""The card's front matter: the Hugging Face Hub's metadata, the metrics' own figures, and only what the team states."""

import re

import pytest
import yaml
from card_facts import HOSTILE, SCORES, facts

from realage.core.errors import UserError
from realage.core.params import check_section
from realage.report.card import FIELDS, front_matter, limits, statements
from realage.report.params import CardParams, ReportParams

# As the Hub's own library finds the block (huggingface_hub, repocard.py).
BLOCK = re.compile(r"^(\s*---(?:\r\n|\r|\n))([\S\s]*?)((?:\r\n|\r|\n)---[ \t]*(\r\n|\n|$))")


def metadata(**changes):
    """The parsed front matter, which is the whole block."""
    text = front_matter(facts(**changes))
    found = BLOCK.fullmatch(text)
    assert found and len(re.findall("^---", text, re.MULTILINE)) == 2
    return yaml.safe_load(found[2])


def test_it_has_the_figures_of_each_split_with_the_version_of_their_data():
    (model,) = metadata(scores={**SCORES, "seen": 7})["model-index"]
    assert model["name"] == "Faces" and len(model["results"]) == 2
    for result, (split, name) in zip(model["results"], (("val", "validation"), ("test", "test"))):
        assert result["task"]["type"] == "image-regression"
        assert result["dataset"] == {
            "type": "imagefolder", "name": "synthetic sample of realage", "split": name,
            "revision": "0123456789abcdef", "args": {f"{split}_version": f"version of {split}", "n": 60, "seen": 7},
        }
        assert result["metrics"][0] == {
            "type": "mae", "value": SCORES["mae"], "name": "MAE (years)",
            "args": {"ci95_lo": SCORES["mae_ci95_lo"], "ci95_hi": SCORES["mae_ci95_hi"]},
        }
        values = {metric["name"]: metric["value"] for metric in result["metrics"]}
        assert values["MAE of the constant baseline (years)"] == 13.5791
        assert values["bias, predicted minus real (years)"] == -0.5678


def test_it_has_what_the_hub_requires_and_no_data_set_that_nobody_named():
    found = metadata(sample=False, splits=["val"])
    assert set(found) == {"license", "library_name", "pipeline_tag", "tags", "metrics", "model-index"}
    assert found["library_name"] == "keras" and found["license"] == "unknown" and "synthetic-data" not in found["tags"]
    (result,) = found["model-index"][0]["results"]
    assert result["dataset"]["name"] == "not stated: set report.card.data_name"
    for place, required in ((result["dataset"], ("type", "name")), (result["task"], ("type",))):
        assert all(isinstance(place[key], str) and place[key] for key in required)
    for metric in result["metrics"]:
        assert isinstance(metric["type"], str) and isinstance(metric["value"], float)


def test_an_interval_that_is_too_few_is_left_out():
    without = {key: value for key, value in SCORES.items() if "ci95" not in key}
    metric = metadata(scores=without)["model-index"][0]["results"][0]["metrics"][0]
    assert metric == {"type": "mae", "value": SCORES["mae"], "name": "MAE (years)"}


def test_it_has_what_the_team_states():
    found = metadata(card={field: f"our-{field}" for field in FIELDS})
    assert found["license"] == "our-licence" and found["datasets"] == ["our-data_name"]
    dataset = found["model-index"][0]["results"][0]["dataset"]
    assert dataset["type"] == dataset["name"] == "our-data_name"


def test_every_statement_of_the_team_has_a_field():
    assert set(FIELDS) == set(CardParams.model_fields)
    nothing = statements(CardParams().model_dump())
    assert list(nothing.values()) == [f"not stated: set report.card.{field}" for field in FIELDS]


def test_hostile_text_does_not_break_out():
    found, plain = metadata(title=HOSTILE, group=HOSTILE), metadata()
    assert found["model-index"][0].pop("name") == "a-b-c-d-e-f-python-object-os-system-b-team"
    plain["model-index"][0].pop("name")
    assert found == plain
    assert metadata(title="\n---\n")["model-index"][0]["name"] == "age"


@pytest.mark.parametrize("name", ["a b", "a\nb", "", "---", "[x]", "a: b", "\u202ea", "é"])
@pytest.mark.parametrize("field", ["licence", "data_name"])
def test_names_that_the_hub_reads_are_identifiers(field, name):
    with pytest.raises(UserError, match=rf"report\.card\.{field} is .*: it must be an identifier, such as apache-2\.0"):
        check_section("report", {"title": "Faces", "card": {field: name}}, ReportParams)
    assert CardParams.model_validate({field: "team/faces-1.0"})


def test_limits_name_what_was_not_measured_and_a_chosen_epoch():
    text = " ".join(limits(facts()))
    assert "evaluate.groups" in text and "optimistic; test was not used to choose it." in text
    assert "evaluate.groups" not in " ".join(limits(facts(groups={"gender": {}})))
    assert "optimistic." in " ".join(limits(facts(splits=["val"])))
