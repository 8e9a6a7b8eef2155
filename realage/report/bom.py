"""The ML-BOM: model, data set and pinned libraries as a bill of materials in the format CycloneDX 1.6 (ECMA-424).

cyclonedx-python-lib 11 writes no `modelCard`, so this module does; a test validates the result with the schema.
"""

import json
import re
from pathlib import Path
from typing import Any, NamedTuple
from uuid import NAMESPACE_URL, uuid5

from realage.core.errors import UserError
from realage.report.card import MISUSES, USES, data_name, limits, one_line, stated
from realage.report.figures import Figure, all_figures

SCHEMA = "http://cyclonedx.org/schema/bom-1.6.schema.json"
MODEL_REF, DATA_REF = "model", "data"
PIN = re.compile(r"(?P<name>[\w.-]+)(\[.*?\])?==(?P<version>[^\s;\\]+)( ; (?P<marker>[^\\]+?))?\s*\\?")
NEEDED_BY = re.compile(r"^ +# +(?:via\b *)?(\S.*)?$", re.MULTILINE)


class Pin(NamedTuple):
    """A pinned release of a library."""

    name: str
    version: str
    marker: str | None  # where it is installed, such as python_full_version < '3.12'
    needed_by: list[str]  # names of libraries, or '-r requirements.in'

    @property
    def purl(self) -> str:
        """Its package URL."""
        return f"pkg:pypi/{self.name.lower().replace('_', '-')}@{self.version.replace('+', '%2B')}"


def read_pins(file: Path) -> list[Pin]:
    """The releases that `file` pins, a requirements file as `make lock` writes it.

    Raises UserError if the file is missing, or names the line of a requirement that is not pinned.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UserError(f"{file}: no such file: run 'make lock'") from None
    parts = re.split(r"\n(?=\S)", text.strip())  # the lines that belong to a requirement are indented
    return [_pin(part, file) for part in parts if part and part[0] not in "#-"]


def build_bom(facts: dict[str, Any], model_sha256: str, pins: list[Pin]) -> dict[str, Any]:
    """The ML-BOM as a JSON object; the same arguments give the same one, as its serial number is made of its contents.

    `facts` are the variables of the templates, `model_sha256` is the digest of the model file.
    """
    contents = {
        "version": 1,
        "metadata": {
            "tools": {"components": [{"type": "application", "name": "realage"}]},
            "component": _model(facts, model_sha256),
        },
        "components": [_data(facts), *map(_library, pins)],
        "dependencies": _dependencies(pins),
    }
    serial = uuid5(NAMESPACE_URL, json.dumps(contents, sort_keys=True))
    return {
        "$schema": SCHEMA, "bomFormat": "CycloneDX", "specVersion": "1.6", "serialNumber": f"urn:uuid:{serial}",
        **contents,
    }


def _pin(requirement: str, file: Path) -> Pin:
    first = requirement.splitlines()[0]
    found = PIN.fullmatch(first)
    if not found:
        raise UserError(f"{file}: '{one_line(first)}' is no pinned release, such as numpy==2.4.6: run 'make lock'")
    needed_by = [name for name in NEEDED_BY.findall(requirement) if name]
    return Pin(found["name"], found["version"], found["marker"], needed_by)


def _model(facts: dict[str, Any], sha256: str) -> dict[str, Any]:
    card = facts["card"]
    return {
        "type": "machine-learning-model",
        "bom-ref": MODEL_REF,
        "supplier": {"name": stated(card, "owner"), "contact": [{"name": stated(card, "contact")}]},
        "name": one_line(facts["title"]),
        "hashes": [_hash(sha256)],
        "licenses": [{"license": {"name": stated(card, "licence")}}],
        **_pedigree(facts["train"].get("started_from", [])),
        "externalReferences": [{"type": "model-card", "url": "model_card.md"}],
        "modelCard": {
            "modelParameters": _parameters(facts["recipe"]),
            "quantitativeAnalysis": {"performanceMetrics": list(map(_performance, all_figures(facts["evaluate"])))},
            "considerations": _considerations(facts),
        },
    }


def _pedigree(started_from: list[dict[str, Any]]) -> dict[str, Any]:
    """The models and weights that the training started from."""
    ancestors = [
        {"type": "machine-learning-model", "name": one_line(start["weights"]), "hashes": [_hash(start["sha256"])]}
        for start in started_from
    ]
    return {"pedigree": {"ancestors": ancestors}} if ancestors else {}


def _parameters(recipe: dict[str, str]) -> dict[str, Any]:
    side = recipe["prepare.image_size"]
    return {
        "approach": {"type": "supervised"},
        "task": "regression",
        "architectureFamily": "convolutional neural network",
        "modelArchitecture": recipe["model.backbone"],
        "datasets": [{"ref": DATA_REF}],
        "inputs": [{"format": f"RGB photo of a face, {side} x {side} pixels"}],
        "outputs": [{"format": "age in years"}],
    }


def _performance(figure: Figure) -> dict[str, Any]:
    low_and_high = zip(("lowerBound", "upperBound"), map(str, figure.interval or ()))
    return {
        "type": figure.measure.name,
        "value": str(figure.value),
        "slice": one_line(figure.slice),
        **({"confidenceInterval": dict(low_and_high)} if figure.interval else {}),
    }


def _considerations(facts: dict[str, Any]) -> dict[str, Any]:
    card = facts["card"]
    return {
        "users": [stated(card, "users")],
        "useCases": [stated(card, "intended_use"), *USES],
        "technicalLimitations": [one_line(limit) for limit in (facts["contamination"], *limits(facts)) if limit],
        "ethicalConsiderations": [
            *({"name": f"Not for: {misuse}"} for misuse in MISUSES),
            {"name": "Ethical review", "mitigationStrategy": stated(card, "ethical_review")},
        ],
    }


def _data(facts: dict[str, Any]) -> dict[str, Any]:
    card, evaluate = facts["card"], facts["evaluate"]
    versions = {f"realage:{split}_version": evaluate[f"{split}_version"] for split in facts["splits"]}
    sources = {"realage:data_source": stated(card, "data_source"), "realage:label_source": stated(card, "label_source")}
    name = data_name(facts)
    return {
        "type": "data",
        "bom-ref": DATA_REF,
        "name": name,
        "version": evaluate["data_version"],
        "description": f"{facts['validate']['clean']:,} photos of faces with a real age",
        "licenses": [{"license": {"name": stated(card, "data_licence")}}],
        "data": [{
            "type": "dataset",
            "name": name,
            **({} if facts["sample"] else {"sensitiveData": ["photos of people's faces", "ages"]}),
        }],
        "properties": [{"name": key, "value": value} for key, value in {**versions, **sources}.items()],
    }


def _library(pin: Pin) -> dict[str, Any]:
    # The digests of its files, thousands in all, are in requirements.txt.
    marker = {"properties": [{"name": "realage:marker", "value": pin.marker}]} if pin.marker else {}
    return {
        "type": "library",
        "bom-ref": pin.purl,
        "name": pin.name,
        "version": pin.version,
        "purl": pin.purl,
        **marker,
    }


def _dependencies(pins: list[Pin]) -> list[dict[str, Any]]:
    direct = [pin.purl for pin in pins if any(name.startswith("-r ") for name in pin.needed_by)]
    needs = {pin.purl: [other.purl for other in pins if pin.name in other.needed_by] for pin in pins}
    return [
        {"ref": ref, "dependsOn": refs}
        for ref, refs in {MODEL_REF: [DATA_REF, *direct], DATA_REF: [], **needs}.items()
    ]


def _hash(sha256: str) -> dict[str, str]:
    return {"alg": "SHA-256", "content": sha256}
