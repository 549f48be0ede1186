"""What the terms of a report mean in published coding schemes."""

from __future__ import annotations

from dataclasses import dataclass

from AIImagingLogic.records.coding import CodedConcept
from AIImagingLogic.records.measurement import measurement_entry
from AIImagingLogic.records.resources import load_resource
from AIImagingLogic.records.timeline import Timeline
from AIImagingLogic.report.visit_cells import attribute_name


@dataclass(frozen=True)
class CodedTerm:
    """A term, the attribute that holds it in the page, and its code; code fields are empty where none is published."""

    term: str
    attribute: str
    scheme: str = ""
    value: str = ""
    meaning: str = ""
    unit: str = ""

    @property
    def attributes(self) -> dict[str, str]:
        """HTML attributes of the row that states the code."""
        stated = {"scheme": self.scheme, "value": self.value, "meaning": self.meaning, "unit": self.unit}
        return {"data-term": self.attribute} | {f"data-code-{name}": text for name, text in stated.items() if text}


def coded_terms(timeline: Timeline) -> tuple[CodedTerm, ...]:
    """Return the types, sites, sides and measurements of a timeline's findings, each once, with their codes."""
    findings = [finding for visit in timeline.visits for finding in visit.findings]
    terms: list[CodedTerm] = []
    sites = load_resource("dicom/finding_sites.json")
    for concept in {finding.concept.key: finding.concept for finding in findings}.values():
        terms += _of_concept(concept)
        if site := sites["sites"].get(concept.key):
            terms.append(CodedTerm(site["meaning"], "data-type", site["scheme"], site["value"], site["meaning"]))
    for side in sorted({finding.descriptors.get("side", "") for finding in findings} & set(sites["lateralities"])):
        code = sites["lateralities"][side]
        terms.append(CodedTerm(code["meaning"], "data-laterality", code["scheme"], code["value"], code["meaning"]))
    made = {entry.name: entry.unit for finding in findings for entry in finding.measurements}
    return (*terms, *(_of_measurement(name, unit) for name, unit in made.items()))


def _of_concept(concept: CodedConcept) -> list[CodedTerm]:
    code = concept.type
    terms = [CodedTerm(concept.name, "data-type", code.scheme, code.value, code.meaning)]
    if concept.modifier is not None:
        more = concept.modifier
        terms.append(CodedTerm(concept.name, "data-type", more.scheme, more.value, more.meaning))
    return terms


def _of_measurement(name: str, unit: str) -> CodedTerm:
    entry = measurement_entry(name)
    code = entry.get("code") or {"scheme": "", "value": "", "meaning": ""}
    return CodedTerm(entry["label"], attribute_name(name, unit), code["scheme"], code["value"], code["meaning"], unit)
