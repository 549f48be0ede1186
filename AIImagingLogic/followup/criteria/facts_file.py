"""Facts for response criteria from a file that a person wrote: JSON, or CSV with a row a lesion and visit."""

from __future__ import annotations

import csv
import dataclasses
import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from AIImagingLogic.followup.criteria.facts import FactsError, LesionObservation, LesionState, VisitFacts

_ROLES = {"target": "targets", "non-target": "non_targets", "new": "new_lesions"}
_YES, _NO = ("yes", "true", "1"), ("no", "false", "0")
_LESION_KEYS = {field.name for field in dataclasses.fields(LesionObservation)}
_OF_VISIT = ("markers_above_normal", "liver_sul_mean", "liver_sul_sd", "spleen_mm")


def read_facts(path: Path) -> tuple[VisitFacts, ...]:
    """Read the visits of one patient.

    JSON: ``{"visits": [{"date": "2025-03-31", "targets": [{"number": 1, "organ": "liver", "longest_mm": 31}], ...}]}``,
    with the names of `VisitFacts` and `LesionObservation`. CSV: columns ``visit`` (1, 2, ...), ``date``, ``role``
    (target, non-target, new; empty for a row that holds only values of the visit), and the same names.

    Raises
    ------
    FactsError
        The file is missing, or has an unknown name, or a value of the wrong kind; the message says where.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise FactsError(f"'{path}' cannot be read.", "Name a JSON or CSV text file.") from error
    rows = _visits_of_csv(text, path) if path.suffix.lower() == ".csv" else _visits_of_json(text, path)
    return tuple(_visit(row, f"'{path.name}', visit {index}") for index, row in enumerate(rows, 1))


def _visits_of_json(text: str, path: Path) -> list[Mapping[str, Any]]:
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise FactsError(f"'{path.name}' is no JSON: {error.msg} in line {error.lineno}.") from error
    visits = data.get("visits") if isinstance(data, dict) else None
    if not isinstance(visits, list) or not all(isinstance(visit, dict) for visit in visits):
        raise FactsError(f"'{path.name}' has no list 'visits'.", 'Write {"visits": [{...}, ...]}.')
    return visits


def _visits_of_csv(text: str, path: Path) -> list[dict[str, Any]]:
    visits: dict[int, dict[str, Any]] = {}
    for line, row in enumerate(csv.DictReader(text.splitlines()), 2):
        where = f"'{path.name}', line {line}"
        values = {
            (key or "").strip(): (value or "").strip() for key, value in row.items() if not isinstance(value, list)
        }
        number = values.pop("visit", "")
        if not number.isdigit():
            raise FactsError(f"{where}: visit is '{number}'.", "Number the visits 1, 2, ...")
        visit = visits.setdefault(int(number), {})
        for name in ("date", *_OF_VISIT):
            value = values.pop(name, "")
            if value and visit.setdefault(name, value) != value:
                raise FactsError(f"{where}: another {name} than before in visit {number}.")
        role = values.pop("role", "")
        lesion = {key: value for key, value in values.items() if value}
        if role in _ROLES:
            visit.setdefault(_ROLES[role], []).append(lesion)
        elif role or lesion:
            raise FactsError(f"{where}: role is '{role}'.", f"It is one of {', '.join(_ROLES)}.")
    return [visits[number] for number in sorted(visits)]


def _visit(data: Mapping[str, Any], where: str) -> VisitFacts:
    known = {field.name for field in dataclasses.fields(VisitFacts)} | {"record", "schema_version"}
    _check_names(data, known, where)
    values: dict[str, Any] = {}
    for role in _ROLES.values():
        lesions = data.get(role) or []
        if not isinstance(lesions, list) or not all(isinstance(lesion, dict) for lesion in lesions):
            raise FactsError(f"{where}: {role} is no list of lesions.")
        values[role] = tuple(_lesion(lesion, f"{where}, {role}") for lesion in lesions)
    date = data.get("date")
    try:
        values["date"] = None if date is None else datetime.fromisoformat(str(date)).replace(tzinfo=None)
    except ValueError:
        raise FactsError(f"{where}: '{date}' is no date like 2025-03-31.") from None
    for name in _OF_VISIT:
        values[name] = _value(data.get(name), bool if name.startswith("markers") else float, name, where)
    missing = data.get("missing") or ()
    if isinstance(missing, str):
        missing = (missing,)
    return VisitFacts(**values, missing=tuple(str(text) for text in missing))


def _lesion(data: Mapping[str, Any], where: str) -> LesionObservation:
    _check_names(data, _LESION_KEYS | {"record", "schema_version"}, where)
    kinds = {"number": int, "is_node": bool, "increased": bool, "attributable": bool}
    values: dict[str, Any] = {}
    for name in _LESION_KEYS - {"organ", "state"}:
        value = _value(data.get(name), kinds.get(name, float), name, where)
        if value is not None:
            values[name] = value
    if "number" not in values:
        raise FactsError(f"{where}: a lesion has no number.", "Give each lesion the same number at every visit.")
    state = data.get("state") or LesionState.PRESENT.value
    if state not in [one.value for one in LesionState]:
        advice = f"It is one of: {', '.join(one.value for one in LesionState)}."
        raise FactsError(f"{where}: state is '{state}'.", advice)
    return LesionObservation(organ=str(data.get("organ") or ""), state=LesionState(state), **values)


def _check_names(data: Mapping[str, Any], known: set[str], where: str) -> None:
    if unknown := sorted(set(data) - known):
        raise FactsError(f"{where}: '{unknown[0]}' is not known.", f"Known are: {', '.join(sorted(known))}.")


def _value(value: Any, kind: type, name: str, where: str) -> Any:
    if value is None or value == "":
        return None
    if kind is bool:
        word = str(value).lower()
        if word in (*_YES, *_NO):
            return word in _YES
    else:
        try:
            number = float(value)
        except (TypeError, ValueError):
            number = float("nan")
        if number == number and not isinstance(value, bool) and (kind is float or number.is_integer()):
            return kind(number)
    wanted = "yes or no" if kind is bool else "a whole number" if kind is int else "a number"
    raise FactsError(f"{where}: {name} is '{value}'.", f"It must be {wanted}.")
