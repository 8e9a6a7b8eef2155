"""The ML-BOM: valid by the official schema of CycloneDX, with the metrics' own figures, the same bytes in two runs."""

import json
import re
from functools import cache

import pytest
from card_facts import HOSTILE, SCORES, START, facts
from conftest import PROJECT
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from realage.core.errors import UserError
from realage.report.bom import build_bom, read_pins
from realage.report.card import FIELDS

MISSING = "not stated: set report.card."
REQUIREMENTS = f"""\
keras==3.13.0 \\
    --hash=sha256:{'ab' * 32} \\
    --hash=sha256:{'cd' * 32}
    # via -r requirements-compute.in
numpy==2.4.6 ; python_full_version < '3.12' \\
    --hash=sha256:{'ef' * 32}
    # via
    #   -r requirements.in
    #   keras
"""


@pytest.fixture
def bom(tmp_path):
    """Makes a BOM, which is valid."""
    file = tmp_path / "requirements.txt"
    file.write_text(REQUIREMENTS)

    def make(**changes):
        found = build_bom(facts(**changes), "12" * 32, read_pins(file))
        require_valid(json.dumps(found))
        return found

    return make


@cache
def validator():
    return JsonStrictValidator(SchemaVersion.V1_6)


def require_valid(text):
    error = validator().validate_str(text)
    assert error is None, error


def card_of(found):
    return found["metadata"]["component"]["modelCard"]


def data_of(found):
    return next(part for part in found["components"] if part["type"] == "data")


def test_the_schema_refuses_what_is_no_bom(bom):
    found = bom()
    card_of(found)["quantitativeAnalysis"]["performanceMetrics"][0]["value"] = 60
    with pytest.raises(AssertionError, match="60 is not of type"):
        require_valid(json.dumps(found))


def test_every_figure_has_its_interval_and_its_slice(bom):
    found = card_of(bom())["quantitativeAnalysis"]["performanceMetrics"]
    figures = {(figure["slice"], figure["type"]): figure for figure in found}
    assert len(figures) == len(found)
    for slice_ in ("validation", "test, 20-29 years", "validation, gender f"):
        figure = figures[slice_, "MAE (years)"]
        assert figure["value"] == str(SCORES["mae"])
        ends = {"lowerBound": str(SCORES["mae_ci95_lo"]), "upperBound": str(SCORES["mae_ci95_hi"])}
        assert figure["confidenceInterval"] == ends
        assert figures[slice_, "photos"]["value"] == "60"
    assert figures["test", "bias, predicted minus real (years)"]["value"] == "-0.5678"
    assert figures["test", "MAE of the constant baseline (years)"]["value"] == "13.5791"
    assert "confidenceInterval" not in figures["validation, 90+ years", "MAE (years)"]
    assert ("validation, 90+ years", "RMSE (years)") not in figures


def test_it_names_the_model_file_its_data_and_what_it_started_from(bom):
    found = bom(train={"started_from": [START]})
    model, data = found["metadata"]["component"], data_of(found)
    assert model["type"] == "machine-learning-model"
    assert model["hashes"] == [{"alg": "SHA-256", "content": "12" * 32}]
    (ancestor,) = model["pedigree"]["ancestors"]
    assert ancestor["name"] == "large|x.keras" and ancestor["hashes"][0]["content"] == START["sha256"]
    parameters = card_of(found)["modelParameters"]
    assert parameters["approach"] == {"type": "supervised"} and parameters["task"] == "regression"
    assert parameters["modelArchitecture"] == "MobileNetV2"
    assert parameters["datasets"] == [{"ref": data["bom-ref"]}] and data["version"] == "0123456789abcdef"
    properties = {entry["name"]: entry["value"] for entry in data["properties"]}
    assert properties["realage:val_version"] == "version of val"
    assert properties["realage:test_version"] == "version of test"


def test_libraries_say_what_they_are_and_who_needs_them(bom):
    found = bom()
    keras, numpy = (part for part in found["components"] if part["type"] == "library")
    assert keras["purl"] == "pkg:pypi/keras@3.13.0" and numpy["purl"] == "pkg:pypi/numpy@2.4.6"
    assert numpy["properties"] == [{"name": "realage:marker", "value": "python_full_version < '3.12'"}]
    needs = {entry["ref"]: entry["dependsOn"] for entry in found["dependencies"]}
    assert needs == {
        "model": ["data", keras["bom-ref"], numpy["bom-ref"]], "data": [],
        keras["bom-ref"]: [numpy["bom-ref"]], numpy["bom-ref"]: [],
    }


def test_all_pins_of_the_project_are_read():
    file = PROJECT / "requirements.txt"
    text = file.read_text()
    found = build_bom(facts(), "12" * 32, read_pins(file))
    libraries = [part for part in found["components"] if part["type"] == "library"]
    assert len(libraries) == len(re.findall(r"^\w.*?==", text, re.MULTILINE))
    needed = {ref for entry in found["dependencies"] for ref in entry["dependsOn"]}
    assert needed == {"data", *(part["bom-ref"] for part in libraries)}
    assert any(ref.startswith("pkg:pypi/keras@") for ref in found["dependencies"][0]["dependsOn"])


@pytest.mark.parametrize("line", ["numpy>=2", "numpy", "realage @ file:///home/jane/realage", "numpy==2 --hash"])
def test_a_requirement_that_is_not_pinned_is_named(tmp_path, line):
    file = tmp_path / "requirements.txt"
    file.write_text(f"# mine\n--index-url https://a.example\n{REQUIREMENTS}{line}\n")
    with pytest.raises(UserError, match=f"requirements.txt: '{line}' is no pinned release.*make lock"):
        read_pins(file)
    file.write_text(f"# mine\n\n{REQUIREMENTS}")
    assert [pin.name for pin in read_pins(file)] == ["keras", "numpy"]
    file.unlink()
    with pytest.raises(UserError, match="no such file: run 'make lock'"):
        read_pins(file)


def test_what_the_team_does_not_state_is_said_to_be_missing(bom):
    text = json.dumps(bom(sample=False))
    assert {field for field in FIELDS if MISSING + field in text} == set(FIELDS)
    found = bom(card={field: f"our-{field}" for field in FIELDS})
    text = json.dumps(found)
    assert "not stated" not in text and {field for field in FIELDS if f'"our-{field}"' in text} == set(FIELDS)
    considerations = card_of(found)["considerations"]
    assert considerations["users"] == ["our-users"] and considerations["useCases"][0] == "our-intended_use"
    assert considerations["ethicalConsiderations"][-1]["mitigationStrategy"] == "our-ethical_review"


def test_contaminated_figures_are_a_limitation(bom):
    found = bom(contamination="Errors are too low.", scores={**SCORES, "seen": 7})
    assert card_of(found)["considerations"]["technicalLimitations"][0] == "Errors are too low."
    seen = {figure["type"]: figure for figure in card_of(found)["quantitativeAnalysis"]["performanceMetrics"]}
    assert seen["photos that a model which this one started from learnt from"]["value"] == "7"


def test_hostile_text_is_a_value_and_has_one_line(bom):
    free = {field: HOSTILE for field in FIELDS if field not in ("licence", "data_name")}
    found = bom(title=HOSTILE, group=HOSTILE, card=free)
    assert found["metadata"]["component"]["name"].startswith("a: [b --- # c {d}: ")
    assert not re.search(r"\\[nru]", json.dumps(found, ensure_ascii=True).replace("\\\\", "").replace("R\\u00b2", ""))


def test_the_same_facts_give_the_same_bytes_and_another_figure_another_serial_number(bom):
    first = bom()
    assert json.dumps(first) == json.dumps(bom()) and "timestamp" not in json.dumps(first)
    assert bom(scores={**SCORES, "mae": 6.5})["serialNumber"] != first["serialNumber"]
