"""What a follow-up said, kept with its change table, so that the panel shows it again in a saved scene."""

import json
from dataclasses import dataclass
from typing import Any

_CONTENT = "AIImaging.FollowUp"
_NOTE = "AIImaging.Note"
_CHART = "AIImaging.GrowthChart"
# A reference from the change table to each node of a visit; the point list of its findings comes first.
_VISITS = ("AIImaging.Baseline", "AIImaging.FollowUpVisit")
_VOLUME = "AIImaging.Volume"


def store_result(nodes: Any, timeline: Any) -> None:
    """Write the words and links of a result onto its change table.

    Parameters
    ----------
    nodes : FollowUpNodes
    timeline : Timeline that they were made of
    """
    table = nodes.change_table
    table.SetAttribute(_CONTENT, json.dumps(_content(timeline), allow_nan=False))
    for role, visit in zip(_VISITS, nodes.visits, strict=True):
        for node in (visit.points, visit.lesions, visit.box, visit.organs):
            if node is not None:
                table.AddNodeReferenceID(role, node.GetID())
    for node in nodes.plots:
        if node.IsA("vtkMRMLPlotChartNode"):
            table.SetNodeReferenceID(_CHART, node.GetID())


@dataclass(frozen=True)
class ShownLesion:
    """A lesion as the panel shows it.

    Attributes
    ----------
    words : fields of `report.lesion_rows.LesionRow`
    numbers : ``diameter_before``, ``diameter_after`` (mm), ``volume_percent``, ``doubling_days``; None where not known
    observations, expected_mm : as of `records.timeline.Lesion`
    """

    number: int
    words: dict
    numbers: dict
    observations: tuple
    expected_mm: tuple


@dataclass(frozen=True)
class StoredResult:
    """A result read from its change table.

    Attributes
    ----------
    lesions : ShownLesion, ...
    assessments : dict, ... of `records.timeline.Assessment`
    graded : names of the guidelines that grade each lesion
    headline : how many lesions, and when the visits were
    notes : what the reader should know of this run and its result, one sentence each
    remarks : what was noted of the images and the models
    """

    table: Any
    lesions: tuple
    assessments: tuple
    graded: tuple
    headline: str
    notes: tuple
    remarks: tuple

    @property
    def chart(self) -> Any:
        """The growth chart, None when there is none."""
        return self.table.GetNodeReference(_CHART)

    def visits(self) -> list:
        """Return each visit's volume, points and nodes, for `scene.compare_view`.

        Raises
        ------
        SceneError
            Something of it was removed from the scene.
        """
        from AIImagingLogic.records.errors import SceneError
        from AIImagingLogic.scene.compare_view import ComparedVisit

        visits = []
        for role in _VISITS:
            count = self.table.GetNumberOfNodeReferences(role)
            found = [self.table.GetNthNodeReference(role, index) for index in range(count)]
            points = found[0] if found else None
            volume = points.GetNodeReference(_VOLUME) if points is not None else None
            if volume is None:
                what = f"The findings or the volume of a visit of '{self.table.GetName()}' were removed from the scene."
                raise SceneError(what, "Run the follow-up again.")
            visits.append(ComparedVisit(volume, points, tuple(node for node in found if node is not None)))
        return visits


def read_result(table: Any) -> StoredResult | None:
    """Return the result that a change table carries, None when it carries none."""
    text = table.GetAttribute(_CONTENT) if table is not None else None
    if not text:
        return None
    content = json.loads(text)
    note = table.GetAttribute(_NOTE)
    return StoredResult(
        table=table,
        lesions=tuple(
            ShownLesion(
                number=lesion["words"]["number"],
                words=lesion["words"],
                numbers=lesion["numbers"],
                observations=tuple(lesion["observations"]),
                expected_mm=tuple(tuple(point) if point else None for point in lesion["expected_mm"]),
            )
            for lesion in content["lesions"]
        ),
        assessments=tuple(content["assessments"]),
        graded=tuple(content["graded"]),
        headline=content["headline"],
        notes=(*([note] if note else []), *content["notes"]),
        remarks=tuple(content["remarks"]),
    )


def _content(timeline: Any) -> dict:
    import dataclasses

    from AIImagingLogic.report.lesion_rows import graded_rules, lesion_rows

    return {
        "headline": _headline(timeline),
        "graded": graded_rules(timeline),
        "assessments": [assessment.to_json() for assessment in timeline.assessments],
        "notes": timeline.notes,
        "remarks": _remarks(timeline),
        "lesions": [
            {
                "words": dataclasses.asdict(row),
                "numbers": _numbers(lesion),
                "observations": lesion.observations,
                "expected_mm": lesion.expected_mm,
            }
            for lesion, row in zip(timeline.lesions, lesion_rows(timeline), strict=True)
        ],
    }


def _numbers(lesion: Any) -> dict:
    diameter, volume, growth = lesion.change("mean_diameter"), lesion.change("volume"), lesion.growth
    return {
        "diameter_before": diameter.before if diameter else None,
        "diameter_after": diameter.after if diameter else None,
        "volume_percent": volume.percent if volume else None,
        "doubling_days": growth.doubling_time_days if growth else None,
    }


def _headline(timeline: Any) -> str:
    from AIImagingLogic.report.visit_interval import interval_days

    dates = [visit.info.acquired for visit in timeline.visits]
    when = " → ".join("undated" if date is None else f"{date:%Y-%m-%d}" for date in dates)
    days = interval_days(timeline)
    count = len(timeline.lesions)
    lesions = {0: "No lesions", 1: "1 lesion"}.get(count, f"{count} lesions")
    return f"{lesions}; {when}" + (f" ({days} days)." if days is not None else ".")


def _remarks(timeline: Any) -> list[str]:
    of_images = [f"{visit.label.capitalize()}: {note}" for visit in timeline.visits for note in visit.info.notes]
    return list(dict.fromkeys([*of_images, *timeline.provenance.notes]))
