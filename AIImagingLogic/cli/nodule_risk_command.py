"""`aiimaging nodule-risk`: the probability of malignancy of the nodules of a saved detection, with its inputs."""

from __future__ import annotations

import argparse
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from AIImagingLogic.cli.terminal import Terminal
from AIImagingLogic.followup.nodule_malignancy import MODELS, MalignancyRisk, facts_of_nodule, malignancy_risk
from AIImagingLogic.records.errors import UnreadableImageError, WrongImageError
from AIImagingLogic.records.finding import Finding, ReviewStatus
from AIImagingLogic.records.json_form import load_record
from AIImagingLogic.records.timeline import Visit


def run(arguments: argparse.Namespace, terminal: Terminal) -> dict[str, Any]:
    """Show both models for every nodule; those that the models are not of are told."""
    try:
        visit = load_record(Visit, arguments.result)
    except (OSError, ValueError) as error:
        raise UnreadableImageError(
            f"'{arguments.result}' is not the result of a detection: {error}", "Give its result.json."
        ) from error
    findings = [finding for finding in visit.findings if finding.review is not ReviewStatus.REJECTED]
    _check_numbers(arguments, len(findings))
    patient = {
        "age": arguments.age,
        "female": arguments.sex == "female" if arguments.sex else None,
        "ever_smoked": _answer(arguments.ever_smoked),
        "earlier_cancer": _answer(arguments.earlier_cancer),
        "family_lung_cancer": _answer(arguments.family_lung_cancer),
        "emphysema": _answer(arguments.emphysema),
    }
    table = Table("Nodule", "Type", "Diameter", *(name.capitalize() for name in MODELS), box=box.SIMPLE)
    answers: list[dict[str, Any]] = []
    last: dict[str, MalignancyRisk] = {}
    notes: dict[str, list[str]] = {model: [] for model in MODELS}
    for number, finding in enumerate(findings, 1):
        try:
            facts = facts_of_nodule(finding, findings)
        except WrongImageError as error:
            terminal.warn(str(error))
            continue
        of_nodule = {name: _of_nodule(arguments, name, number) for name in ("spiculated", "upper_lobe")}
        last = {model: malignancy_risk(model, {**patient, **facts, **of_nodule}) for model in MODELS}
        for model in MODELS:
            notes[model].extend(last[model].notes)
        cells = [_shown(last[model]) for model in MODELS]
        table.add_row(
            f"{number}  {finding.name}" if finding.name != f"Nodule {number}" else finding.name,
            str(facts["attenuation"]),
            f"{facts['diameter_mm']:.1f} mm",
            *cells,
        )
        answers.append(_entry(number, finding, last))
    terminal.show(table)
    for model, risk in last.items():
        if risk.missing:
            terminal.show(
                Text(f"{model.capitalize()}, not known: {', '.join(risk.missing)}; the range covers both answers.")
            )
        terminal.show(
            Text(f"{model.capitalize()}: {' '.join(dict.fromkeys(notes[model]))} {risk.source}.", style="dim")
        )
    terminal.show(Text("Research use; not a medical device.", style="dim"))
    return {"nodules": answers}


def _entry(number: int, finding: Finding, risks: dict[str, MalignancyRisk]) -> dict[str, Any]:
    return {"number": number, "uid": finding.uid, **{model: risk.to_json() for model, risk in risks.items()}}


def _shown(risk: MalignancyRisk) -> str:
    if risk.missing:
        return f"{100 * risk.low:.1f} to {100 * risk.high:.1f} %"
    return f"{100 * risk.low:.1f} %"


def _answer(text: str | None) -> bool | None:
    return None if text is None else text == "yes"


def _of_nodule(arguments: argparse.Namespace, name: str, number: int) -> bool | None:
    """Return what was stated of one nodule: a list names those for which it is so, and then it is not of the others."""
    listed = getattr(arguments, name)
    return None if listed is None else number in listed


def _check_numbers(arguments: argparse.Namespace, count: int) -> None:
    for name in ("spiculated", "upper_lobe"):
        strange = [number for number in getattr(arguments, name) or () if not 1 <= number <= count]
        if strange:
            option = f"--{name.replace('_', '-')}"
            raise WrongImageError(f"There is no nodule {strange[0]} for {option}.", f"The result has 1 to {count}.")
