"""How many clicks and typed fields lead from two loaded visits to a signed-off change table of ten lesions.

Counted on the panel in the test host, which refuses to click what a person could not. The engines are left out, since
no click depends on them: the lesions are known, their links are made by the follow-up (`clicks_answer`). The way by
hand is counted step by step in Docs/follow_up.md; scrolling and zooming are counted in neither.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from Testing.Benchmarks.clicks_answer import LESIONS
from Testing.Benchmarks.reporting import Figures, run_as_command

ROOT = Path(__file__).resolve().parents[2]
_ANSWER = "Testing.Benchmarks.clicks_answer"
_DATES = ("20240110", "20240708")
# What a step takes in Slicer's own modules, and how often; the table of Docs/follow_up.md.
BY_HAND = (
    ("both visits side by side: layout, a volume in each row, linked", 9, 1),
    ("registration: module, both volumes, transform, Apply", 9, 1),
    ("follow-up under the transform", 3, 1),
    ("Segment Editor: segmentation and volume of a visit", 4, 2),
    ("a lesion at a visit: new segment, brush, one stroke", 3, 2 * LESIONS),
    ("its two axes: tool and two points each", 6, 2 * LESIONS),
    ("Segment Statistics: module, segmentation, volume, table, Apply", 8, 2),
    ("change table: diameters and volumes of both visits, status, typed", 5, LESIONS),
    ("doubling time, typed", 1, LESIONS),
)


class _Person:
    """Counts what a person does on a panel."""

    def __init__(self, panel: Any, report: Callable[[str], None]) -> None:
        self._panel, self._report, self.clicks = panel, report, 0

    def click(self, name: str) -> None:
        self._panel.click(name)
        self.count(f"click {name}")

    def count(self, what: str, clicks: int = 1) -> None:
        self.clicks += clicks
        self._report(f"{self.clicks:3d}  {what}")


def run(report: Callable[[str], None]) -> tuple[Figures, Mapping[str, Any]]:
    """Go from two loaded visits to the signed table, then correct one link and sign again."""
    from AIImagingLogic.jobs.service import JobService
    from Testing.Host import running

    with running() as host:
        panel = host.open_module(ROOT / "AIImaging" / "AIFollowUp")
        from AIImagingLib import application_service

        sys.modules["AIFollowUpLib.logic"]._TASK = f"{_ANSWER}:ten_lesions"  # type: ignore[attr-defined]
        service = JobService(allowed=(_ANSWER,))
        application_service._application_service = application_service.ApplicationService(service)
        _load_two_visits(host.scene)
        person = _Person(panel, report)
        person.count("the module, in Slicer's list of modules", 2)
        person.click("addAllButton")
        person.click("applyButton")
        # The widget keeps its runs while they are under way.
        (started,) = [entry for entry, _inputs in panel.widget._runs]
        host.process_events(until=lambda: started.finished, timeout=120)
        if started.error is not None:
            raise started.error
        seen = []
        for _ in range(LESIONS):
            person.click("nextButton")
            seen.append(panel.widget._lesionTable.current)
        person.click("signOffButton")
        clicks = person.clicks
        _check(started.nodes.change_table, seen)
        person.click("breakButton")
        person.click("signOffButton")
        _check(started.nodes.change_table, seen)
        service.close()
        application_service._application_service = None
    by_hand = sum(clicks_each * times for _step, clicks_each, times in BY_HAND)
    figures: Figures = {
        "clicks": clicks,
        "clicks_with_a_corrected_link": person.clicks,
        "clicks_by_hand": by_hand,
        "lesions_seen": len(set(seen)),
    }
    return figures, {"visits": len(_DATES), "lesions": LESIONS}


def _load_two_visits(scene: Any) -> None:
    """Add two chest CTs, each in a dated study, as DICOM loading leaves them."""
    import slicer

    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    for number, date in enumerate(_DATES):
        voxels = np.full((60, 60, 60), number - 900, np.int16)
        node = slicer.util.addVolumeFromArray(voxels, name=f"CT {date}")
        node.SetSpacing(5.0, 5.0, 5.0)
        study = hierarchy.CreateStudyItem(hierarchy.GetSceneItemID(), date)
        hierarchy.SetItemAttribute(study, "DICOM.StudyDate", date)
        hierarchy.SetItemAttribute(hierarchy.CreateItem(study, node), "DICOM.Modality", "CT")


def _check(table: Any, seen: list[int]) -> None:
    """Fail when the way that was counted did not lead to the end."""
    if len(set(seen)) != LESIONS or table.GetAttribute("AIImaging.SignedOff") is None:
        raise RuntimeError("The change table was not gone through and signed off.")


if __name__ == "__main__":
    run_as_command("clicks", run)
