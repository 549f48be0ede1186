"""The cohort section of AI Follow-up, and its waterfall and spider plot of made-up patients."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from AIImagingLogic.followup.criteria.assess import assess_response
from AIImagingLogic.followup.criteria.facts import LesionObservation, VisitFacts
from AIImagingLogic.followup.criteria.target_choice import TargetChoice
from AIImagingLogic.records.json_form import save_record
from AIImagingLogic.report.chosen_response import ChosenResponse
from Testing.Host import running
from Testing.Pictures.panels import ROOT
from Testing.Pictures.scene_views import photograph_chart

# Sum of the targets, mm, at visits eight weeks apart; a new lesion at a visit, None where there is none.
_COURSES: tuple[tuple[tuple[float, ...], int | None], ...] = (
    ((62, 48, 30, 22, 20), None),
    ((45, 57, 66), None),
    ((80, 74, 70, 77, 92), None),
    ((33, 20, 0, 0), None),
    ((54, 50, 46, 44), None),
    ((71, 60, 41, 39, 41, 55), None),
    ((28, 27, 29, 30), None),
    ((90, 58, 52, 50), 3),
    ((40, 39, 26, 25, 24), None),
    ((66, 70, 63, 60), None),
    ((37, 30, 21, 12, 9), None),
    ((58, 66, 75), 2),
    ((49, 52, 50, 47), None),
    ((76, 51, 44, 30), None),
)


def photograph(folder: Path, other_states: bool = False) -> None:
    """Write the panel's section with a cohort that was read, and both plots."""
    import slicer

    with TemporaryDirectory() as patients, running() as host:
        for number, (sums, new_at) in enumerate(_COURSES, start=1):
            _save(Path(patients) / f"patient {number}", sums, new_at)
        panel = host.open_module(ROOT / "AIImaging" / "AIFollowUp")
        slicer.modules.plots.logic().SetMRMLApplicationLogic(slicer.app.applicationLogic())
        for name in ("inputs", "outputs", "result"):
            panel.find(f"{name}CollapsibleButton").collapsed = True
        panel.find("cohortCollapsibleButton").collapsed = False
        panel.choose("cohortFolderPathLineEdit", patients)
        panel.click("cohortReadButton")
        host.process_events(until=lambda: bool(panel.ui.cohortLabel.text), timeout=600)
        panel.choose("cohortFolderPathLineEdit", "trial/patients")
        panel.photograph(folder / "panel_follow_up_cohort.png")
        for name, button in (("waterfall", "waterfallButton"), ("spider", "spiderButton")):
            panel.click(button)
            selection = slicer.app.applicationLogic().GetSelectionNode()
            chart = host.scene.GetNodeByID(selection.GetActivePlotChartID())
            photograph_chart(host.scene, chart, folder / f"cohort_{name}.png")


def _save(folder: Path, sums_mm: tuple[float, ...], new_at: int | None) -> None:
    from datetime import datetime, timedelta

    visits = []
    for index, size in enumerate(sums_mm):
        new = (LesionObservation(9, "liver", longest_mm=12.0),) if new_at is not None and index >= new_at else ()
        date = datetime(2025, 1, 10) + timedelta(days=56 * index)
        visits.append(VisitFacts(date, (LesionObservation(1, "lung", longest_mm=size),), new_lesions=new))
    folder.mkdir()
    save_record(
        ChosenResponse(TargetChoice((1,), (), by_person=True), assess_response(visits, "recist-1.1")),
        folder / "response.json",
    )
