"""Tables: typed columns with units to a table node; the findings of a visit and the change of every lesion."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from AIImagingLogic.records.finding import Finding
from AIImagingLogic.records.measured_segments import MeasuredSegments
from AIImagingLogic.records.measurement import measurement_entry
from AIImagingLogic.records.timeline import Lesion, Timeline, Visit
from AIImagingLogic.report.number_format import unit_label
from AIImagingLogic.scene.host import load_vtk
from AIImagingLogic.scene.node_attributes import REVIEW_COLUMN, UID_COLUMN
from AIImagingLogic.scene.provenance import mark

_CHANGES = (
    *("mean_diameter", "long_axis", "short_axis", "volume", "mean_density", "mass", "solid_mean_diameter"),
    *("suv_max", "suv_peak", "sul_peak", "metabolic_volume", "total_lesion_glycolysis", "adc_mean"),
)


@dataclass(frozen=True)
class Column:
    """A column of a table: numbers (not known: NaN) or text; `unit` is UCUM, empty for none."""

    name: str
    values: Sequence[float] | Sequence[str]
    unit: str = ""


def table_node(columns: Sequence[Column], scene: Any, name: str) -> Any:
    """Add a vtkMRMLTableNode with typed columns, locked against editing by accident."""
    node = scene.AddNewNodeByClass("vtkMRMLTableNode", name)
    fill_table(node, columns)
    node.SetUseColumnTitleAsColumnHeader(True)
    node.SetLocked(True)
    return node


def fill_table(node: Any, columns: Sequence[Column]) -> None:
    """Let a vtkMRMLTableNode hold these columns and no others."""
    vtk = load_vtk()
    was_modifying = node.StartModify()
    node.RemoveAllColumns()
    for column in columns:
        textual = any(isinstance(value, str) for value in column.values)
        array = vtk.vtkStringArray() if textual else vtk.vtkDoubleArray()
        array.SetName(column.name)
        for value in column.values:
            array.InsertNextValue(value)
        node.AddColumn(array)
        if column.unit:
            node.SetColumnUnitLabel(column.name, column.unit)
        # The view shows no units of its own.
        label = unit_label(column.unit)
        node.SetColumnTitle(column.name, f"{column.name} ({label})" if label else column.name)
    node.EndModify(was_modifying)


def findings_table_node(visit: Visit, names: Mapping[str, str], scene: Any, name: str) -> Any:
    """Add the findings of a visit, a row each.

    `names` maps the uid of a finding to the name it is shown under, such as ``Lesion 3``; others keep their own.
    """
    findings = visit.findings
    columns = [Column("Name", [names.get(finding.uid, finding.name) for finding in findings])]
    columns += [_measured(findings, entry) for entry in _measured_names(findings)]
    for key in sorted({key for finding in findings for key in finding.descriptors}):
        columns.append(Column(key.capitalize(), [finding.descriptors.get(key, "") for finding in findings]))
    for index, axis in enumerate("LPS"):
        columns.append(Column(f"Centre {axis}", [finding.box.center_mm[index] for finding in findings], "mm"))
    columns += [
        Column("Score", [finding.score for finding in findings]),
        Column(REVIEW_COLUMN, [finding.review.value for finding in findings]),
        Column(UID_COLUMN, [finding.uid for finding in findings]),
    ]
    node = table_node(columns, scene, name)
    mark(node, "findings", visit.provenance)
    return node


def measurements_table_node(measured: MeasuredSegments, scene: Any, name: str) -> Any:
    """Add what was measured of every segment, a row each; what was not measured of one is not a number."""
    rows = measured.rows
    columns = [Column("Segment", [row.segment.name for row in rows])]
    for key in dict.fromkeys(entry.name for row in rows for entry in row.measurements):
        label = measurement_entry(key)["label"]
        found = [next((entry for entry in row.measurements if entry.name == key), None) for row in rows]
        unit = next(entry.unit for entry in found if entry is not None)
        columns.append(Column(label, [_number(entry.value if entry else None) for entry in found], unit))
    node = table_node(columns, scene, name)
    mark(node, "measurements", measured.provenance)
    return node


def change_table_node(timeline: Timeline, scene: Any, name: str) -> Any:
    """Add what became of every lesion between the first and the last visit, a row each."""
    node = table_node(change_columns(timeline), scene, name)
    mark(node, "changes", timeline.provenance)
    return node


def change_columns(timeline: Timeline) -> list[Column]:
    """Return the columns of the change table."""
    lesions = timeline.lesions
    columns = [
        Column("Lesion", [f"Lesion {lesion.number}" for lesion in lesions]),
        Column("Status", [lesion.status.value for lesion in lesions]),
        Column("Growth", [lesion.growth.label if lesion.growth else "" for lesion in lesions]),
    ]
    for key in _CHANGES:
        changes = [lesion.change(key) for lesion in lesions]
        before = [_at_visit(timeline, lesion, 0, key) for lesion in lesions]
        after = [_at_visit(timeline, lesion, -1, key) for lesion in lesions]
        if all(map(math.isnan, before + after)):
            continue
        entry = measurement_entry(key)
        percent = [_number(change.percent if change else None) for change in changes]
        columns += [
            Column(f"{entry['label']} before", before, entry["unit"]),
            Column(f"{entry['label']} after", after, entry["unit"]),
            Column(f"{entry['label']} change", percent, "%"),
        ]
    days = [_number(lesion.growth.doubling_time_days if lesion.growth else None) for lesion in lesions]
    columns.append(Column("Doubling time", days, "d"))
    for assessment in timeline.assessments:
        categories = [assessment.by_lesion.get(str(lesion.number), "") for lesion in lesions]
        columns.append(Column(assessment.rules, categories))
    columns.append(Column("Reason", [_reason(lesion.reason, lesion.growth) for lesion in lesions]))
    return columns


def _at_visit(timeline: Timeline, lesion: Lesion, index: int, key: str) -> float:
    """Return what was measured at a visit; of a new or resolved lesion at one of them only."""
    found = timeline.visits[index].finding(lesion.observations[index])
    return _number(found.value(key) if found else None)


def _measured_names(findings: Sequence[Finding]) -> list[str]:
    return list(dict.fromkeys(entry.name for finding in findings for entry in finding.measurements))


def _measured(findings: Sequence[Finding], name: str) -> Column:
    entry = measurement_entry(name)
    return Column(entry["label"], [_number(finding.value(name)) for finding in findings], entry["unit"])


def _number(value: float | None) -> float:
    return float("nan") if value is None else float(value)


def _reason(link: str, growth: Any) -> str:
    return f"{link} {growth.reason}".strip() if growth else link
