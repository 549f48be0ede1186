"""What a follow-up said, kept with its change table, so that the panel shows it again in a saved scene."""

import json
from dataclasses import dataclass
from typing import Any

_CONTENT = "AIImaging.FollowUp"
_NOTE = "AIImaging.Note"
_CHART = "AIImaging.GrowthChart"
_VOLUME = "AIImaging.Volume"
# What a scene does not say that was saved when there were two visits and no corrections.
_BEFORE_MANY_VISITS = {
    "pair": (0, 1),
    "titles": ("Baseline", "Follow-up"),
    "roles": {},
    "to_check": (),
    "undo": "",
    "redo": "",
}


def visit_role(index: int) -> str:
    """Return the role of the references from the change table to the nodes of a visit; its point list comes first."""
    if index < 2:
        return ("AIImaging.Baseline", "AIImaging.FollowUpVisit")[index]
    return f"AIImaging.FollowUpVisit{index}"


def store_result(nodes: Any, timeline: Any) -> None:
    """Write the words and links of a result onto its change table.

    Parameters
    ----------
    nodes : FollowUpNodes
    timeline : Timeline that they were made of
    """
    from AIImagingLogic.scene.kept_timeline import refer_to_sources

    table = nodes.change_table
    for index, visit in enumerate(nodes.visits):
        for node in (visit.points, visit.lesions, visit.box, visit.organs):
            if node is not None:
                table.AddNodeReferenceID(visit_role(index), node.GetID())
    for node in nodes.plots:
        if node.IsA("vtkMRMLPlotChartNode"):
            table.SetNodeReferenceID(_CHART, node.GetID())
    refer_to_sources(table, timeline, nodes.transforms, [visit.organs for visit in nodes.visits])
    write_result(table, timeline, (0, len(timeline.visits) - 1))


def write_result(table: Any, timeline: Any, pair: tuple) -> None:
    """Write what a change table says, with two visits compared (their indices)."""
    from AIImagingLogic.scene.kept_timeline import keep_timeline

    keep_timeline(table, timeline)
    show_pair(table, timeline, pair)


def show_pair(table: Any, timeline: Any, pair: tuple) -> None:
    """Write the words of a change table for two other visits compared."""
    from AIImagingLogic.scene.target_sum_chart import target_choice

    content = _content(timeline, pair) | _edits(timeline, target_choice(table, timeline))
    table.SetAttribute(_CONTENT, json.dumps(content, allow_nan=False))


@dataclass(frozen=True)
class ShownLesion:
    """A lesion as the panel shows it.

    Attributes
    ----------
    words : fields of `report.lesion_rows.LesionRow`
    numbers : ``diameter_before``, ``diameter_after`` (mm), ``volume_percent``, ``doubling_days``; None where not known
    observations, expected_mm : as of `records.timeline.Lesion`
    pair : indices of the two visits compared
    role : ``target``, ``non-target`` or empty
    signal : as of `lesion_signal.signal_of`
    to_check : whether another reading is nearly as good
    """

    number: int
    words: dict
    numbers: dict
    observations: tuple
    expected_mm: tuple
    pair: tuple
    role: str
    to_check: bool
    signal: dict

    @property
    def compared(self) -> list:
        """What is said of it at the earlier and at the later visit, a `LesionAtVisit` each."""
        return [self.words["visits"][index] for index in self.pair]

    @property
    def seen_later(self) -> bool:
        """Whether it was found at the later of the two visits compared."""
        return self.observations[self.pair[1]] is not None

    @property
    def seen_before(self) -> bool:
        """Whether it was found at a visit before the later of the two compared."""
        return any(uid is not None for uid in self.observations[: self.pair[1]])


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
    titles : of the visits, in order of time
    pair : indices of the two visits compared
    undo, redo : the correction that each would take, in words; empty when there is none
    """

    table: Any
    lesions: tuple
    assessments: tuple
    graded: tuple
    headline: str
    notes: tuple
    remarks: tuple
    titles: tuple
    pair: tuple
    undo: str
    redo: str

    @property
    def chart(self) -> Any:
        """The growth chart, None when there is none."""
        return self.table.GetNodeReference(_CHART)

    def visits(self) -> list:
        """Return the two visits compared: volume, points and nodes, for `scene.compare_view`.

        Raises
        ------
        SceneError
            Something of them was removed from the scene.
        """
        from AIImagingLogic.records.errors import SceneError
        from AIImagingLogic.scene.compare_view import ComparedVisit

        visits = []
        for index in self.pair:
            found = self._nodes(index)
            points = found[0] if found else None
            volume = points.GetNodeReference(_VOLUME) if points is not None else None
            if volume is None:
                what = f"The findings or the volume of a visit of '{self.table.GetName()}' were removed from the scene."
                raise SceneError(what, "Run the follow-up again.")
            visits.append(ComparedVisit(volume, points, tuple(node for node in found if node is not None)))
        return visits

    def points(self, index: int) -> Any:
        """Return the point list of the findings of a visit, None when it was removed from the scene."""
        found = self._nodes(index)
        return found[0] if found else None

    def transforms(self) -> tuple:
        """Return the transform nodes from the earlier to the later of the two visits compared, one a step."""
        from AIImagingLogic.scene.kept_timeline import registration_nodes

        return registration_nodes(self.table, len(self.titles) - 1)[self.pair[0] : self.pair[1]]

    def other_nodes(self) -> list:
        """Return the nodes of the visits that are not compared."""
        others = [index for index in range(len(self.titles)) if index not in self.pair]
        return [node for index in others for node in self._nodes(index) if node is not None]

    def _nodes(self, index: int) -> list:
        role = visit_role(index)
        return [self.table.GetNthNodeReference(role, n) for n in range(self.table.GetNumberOfNodeReferences(role))]


def read_result(table: Any) -> StoredResult | None:
    """Return the result that a change table carries, None when it carries none."""
    text = table.GetAttribute(_CONTENT) if table is not None else None
    if not text:
        return None
    content = {**_BEFORE_MANY_VISITS, **json.loads(text)}
    note = table.GetAttribute(_NOTE)
    pair = tuple(content["pair"])
    return StoredResult(
        table=table,
        lesions=tuple(
            ShownLesion(
                number=lesion["words"]["number"],
                words=lesion["words"],
                numbers=lesion["numbers"],
                observations=tuple(lesion["observations"]),
                expected_mm=tuple(tuple(point) if point else None for point in lesion["expected_mm"]),
                pair=pair,
                role=content["roles"].get(str(lesion["words"]["number"]), ""),
                to_check=lesion["words"]["number"] in content["to_check"],
                signal=lesion.get("signal", {}),
            )
            for lesion in content["lesions"]
        ),
        assessments=tuple(content["assessments"]),
        graded=tuple(content["graded"]),
        headline=content["headline"],
        notes=(*([note] if note else []), *content["notes"]),
        remarks=tuple(content["remarks"]),
        titles=tuple(content["titles"]),
        pair=pair,
        undo=content["undo"],
        redo=content["redo"],
    )


def _content(timeline: Any, pair: tuple) -> dict:
    import dataclasses

    from AIFollowUpLib.lesion_signal import signal_of
    from AIImagingLogic.followup.compared_visits import between_visits
    from AIImagingLogic.report.lesion_rows import graded_rules, lesion_rows

    compared = between_visits(timeline, *pair)
    return {
        "pair": pair,
        "titles": _titles(timeline),
        "headline": _headline(timeline),
        "graded": graded_rules(timeline),
        "assessments": [assessment.to_json() for assessment in timeline.assessments],
        "notes": timeline.notes,
        "remarks": _remarks(timeline),
        "lesions": [
            {
                "words": dataclasses.asdict(row),
                "numbers": _numbers(lesion),
                "signal": signal_of(lesion, timeline, pair),
                "observations": lesion.observations,
                "expected_mm": lesion.expected_mm,
            }
            for lesion, row in zip(compared.lesions, lesion_rows(compared), strict=True)
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


def _edits(timeline: Any, choice: Any) -> dict:
    """Return what a person can change or has changed: roles, corrections, links to look at."""
    return {
        "roles": {
            **{str(number): "target" for number in choice.targets},
            **{str(number): "non-target" for number in choice.non_targets},
        },
        "to_check": [lesion.number for lesion in timeline.lesions if lesion.ambiguous],
        "undo": timeline.corrections[-1].kind.value if timeline.corrections else "",
        "redo": timeline.undone[0].kind.value if timeline.undone else "",
    }


def _titles(timeline: Any) -> list[str]:
    titles = []
    for visit in timeline.visits:
        label, date = visit.label[:1].upper() + visit.label[1:], visit.info.acquired
        titles.append(label if date is None else f"{label}, {date:%Y-%m-%d}")
    return titles


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
