"""The panel of AI Follow-up in a test: its visits, and what is read from and done in its list of lesions.

The follow-up itself answers at once, with a timeline written by hand (`follow_up_answers`); all else is real.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from panel_setting import PanelModule, PanelSetting

SPACING_MM = 6.0
DATES = ("20240110", "20240708", "20250110")
_brightness = iter(range(1000))


def dated_volumes(scene: Any, name: str, dates: Sequence[str]) -> list[Any]:
    """Add volumes, each in a dated study of its own, as DICOM loading leaves them."""
    import slicer

    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    nodes = []
    for date in dates:
        voxels = np.full((60, 60, 60), next(_brightness) - 900, np.int16)
        node = slicer.util.addVolumeFromArray(voxels, name=f"{name} {date}")
        node.SetSpacing(SPACING_MM, SPACING_MM, SPACING_MM)
        node.SetIJKToRASDirections(-1, 0, 0, 0, -1, 0, 0, 0, 1)
        node.SetOrigin(140, 140, -300)
        study = hierarchy.CreateStudyItem(hierarchy.GetSceneItemID(), date)
        hierarchy.SetItemAttribute(study, "DICOM.StudyDate", date)
        item = hierarchy.CreateItem(study, node)
        hierarchy.SetItemAttribute(item, "DICOM.Modality", "CT")
        nodes.append(node)
    return nodes


def answer_at_once(panel: Any) -> None:
    logic = sys.modules["AIFollowUpLib.logic"]
    logic._TASK = "follow_up_answers:answer"
    logic._TASK_WITH_FILES = "follow_up_answers:answer_with_files"


def _two_visits(scene: Any, name: str) -> list[Any]:
    return dated_volumes(scene, name, ("20240110", "20240708"))


def _three_visits(scene: Any, name: str) -> list[Any]:
    return dated_volumes(scene, name, DATES)


def _open(panel: Any) -> None:
    answer_at_once(panel)
    panel.click("addVisitButton")


TWO_VISITS = PanelModule(
    "AIFollowUp",
    ("visitSelector1", "visitSelector2"),
    _two_visits,
    lambda logic, volumes, wait: logic.process(*volumes, wait=wait),
    answer_at_once,
)
THREE_VISITS = PanelModule(
    "AIFollowUp",
    ("visitSelector1", "visitSelector2", "visitSelector3"),
    _three_visits,
    lambda logic, volumes, wait: logic.process(*volumes, wait=wait),
    _open,
)


def cell(setting: PanelSetting, row: int, column: int) -> str:
    return str(setting.panel.ui.lesionTable.item(row, column).text())


def rows_of_list(setting: PanelSetting) -> list[int]:
    return [int(cell(setting, row, 0)) for row in range(setting.panel.ui.lesionTable.rowCount)]


def choose_rows(setting: PanelSetting, *numbers: int) -> None:
    """Choose rows as clicks do: the first alone, the others with Ctrl."""
    import qt

    table = setting.panel.ui.lesionTable
    first, *others = (rows_of_list(setting).index(number) for number in numbers)
    table.setCurrentCell(first, 0)
    for row in others:
        model = table.model()
        table.selectionModel().select(
            model.index(row, 0), int(qt.QItemSelectionModel.Select) | int(qt.QItemSelectionModel.Rows)
        )
    setting.host.process_events()


def slice_middle_lps(setting: PanelSetting, name: str) -> np.ndarray:
    node = setting.scene.GetSingletonNode(name, "vtkMRMLSliceNode")
    ras = [node.GetSliceToRAS().GetElement(row, 3) for row in range(3)]
    return np.array([-ras[0], -ras[1], ras[2]])


def assert_refused(setting: PanelSetting, *says: str) -> None:
    before = setting.snapshot()
    setting.panel.click("applyButton")
    assert all(text in setting.status for text in says) and setting.errors == [setting.status]
    assert setting.service.handles == () and setting.snapshot() == before
