"""The panel of AI Segmentation in the test host, over the real job service: what it does, and the fault list."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from panel_faults import FAULTS
from panel_setting import PanelModule, PanelSetting

from Testing.Host import reason_missing

pytestmark = pytest.mark.skipif(reason_missing() is not None, reason=str(reason_missing()))

BODY = (slice(5, 35), slice(10, 50), slice(15, 65))
SPACING_MM = (4.0, 4.0, 4.0)


def _box_in_air(scene: Any, name: str) -> list[Any]:
    from AIImagingLogic.scene.volumes import volume_node_from_image

    voxels = np.full((40, 60, 80), -1000, np.int16)
    voxels[BODY] = 40
    image = sitk.GetImageFromArray(voxels)
    image.SetSpacing(SPACING_MM)
    image.SetOrigin((-150.0, -120.0, 30.0))
    return [volume_node_from_image(image, scene, name)]


MODULE = PanelModule(
    "AISegmentation",
    ("inputSelector",),
    _box_in_air,
    lambda logic, volumes, wait: logic.process(*volumes, "ct-body", wait=wait),
    lambda panel: panel.choose("modelComboBox", "Body (CT)"),
)


@pytest.mark.parametrize("fault", FAULTS)
def test_fault(setting: PanelSetting, fault: str) -> None:
    FAULTS[fault](setting)


def test_result_is_the_box_with_its_volume_in_ml_on_show(setting: PanelSetting) -> None:
    nodes = setting.run().nodes
    model = setting.panel.ui.measurementTableView.model()
    titles = [model.headerData(column, 1) for column in range(model.columnCount())]
    cells = [model.data(model.index(0, column)) for column in range(model.columnCount())]
    # 30 x 40 x 50 voxels of 4 mm; the outline may lie half a voxel off at each face.
    assert titles[:2] == ["Segment", "Volume\nml"] and float(cells[1]) == pytest.approx(3840.0, rel=0.1)
    assert cells[1] == f"{float(cells[1]):.1f}"
    assert setting.panel.ui.resultLabel.text == nodes.segmentation.GetName() == "CT segmentation"
    assert "Body (CT) of 'CT'" in setting.status


def test_panel_left_during_a_run_gets_the_result_when_it_is_opened_again(setting: PanelSetting) -> None:
    run = setting.start_and_hold()
    setting.panel.exit()
    setting.finish(run)
    assert run.error is None and setting.scene.IsNodePresent(run.nodes.segmentation)
    setting.panel.enter()
    assert setting.panel.ui.applyButton.text == "Apply" and setting.panel.ui.applyButton.enabled
    assert setting.panel.ui.resultLabel.text == "CT segmentation"
