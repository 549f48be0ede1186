"""The views of two visits follow each other through the registration, whatever transforms the volumes are under."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from AIImagingLogic.records.registration import Registration, RegistrationQuality
from AIImagingLogic.scene.coordinates import ras_matrix_from_lps, vtk_matrix

pytest.importorskip("slicer")

from AIImagingLogic.scene.compare_layout import layout_rows, show_layout  # noqa: E402
from AIImagingLogic.scene.empty_scene import make_scene  # noqa: E402
from AIImagingLogic.scene.follow_up_linked_views import LinkedVisits  # noqa: E402
from AIImagingLogic.scene.slice_views import slice_view_nodes  # noqa: E402
from AIImagingLogic.scene.transforms import transform_node_from_registration  # noqa: E402
from AIImagingLogic.scene.volumes import volume_node_from_image  # noqa: E402

PARENT = np.array((100.0, -50.0, 25.0))
# The later visit is turned by 20 degrees about the long axis of the body and moved; LPS.
TURN = sitk.Euler3DTransform((0.0, 0.0, 0.0), 0.0, 0.0, np.deg2rad(20.0), (4.0, -6.0, 8.0))


class Setting:
    def __init__(self) -> None:
        self.scene = make_scene()
        image = sitk.Image([40, 40, 30], sitk.sitkInt16)
        image.SetSpacing((4.0, 4.0, 5.0))
        image.SetOrigin((-80.0, -80.0, -75.0))
        self.volumes = [volume_node_from_image(image, self.scene, name) for name in ("First", "Second")]
        shift = self.scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Shift")
        matrix = np.eye(4)
        matrix[:3, 3] = PARENT
        shift.SetMatrixTransformToParent(vtk_matrix(ras_matrix_from_lps(matrix)))
        self.volumes[1].SetAndObserveTransformNodeID(shift.GetID())
        show_layout(self.scene)
        self.rows = [
            [slice_view_nodes(self.scene, view["tag"], view["plane"])[0] for view in row["views"]]
            for row in layout_rows()
        ]
        quality = RegistrationQuality("mutual information", 0.1, 0.9, 0.0, 0.2)
        registration = Registration(TURN, "rigid", quality)
        self.transform = transform_node_from_registration(registration, self.scene, "Second to first")
        self.link = LinkedVisits(*self.volumes, [self.transform])

    def center(self, row: int, view: int) -> np.ndarray:
        matrix = self.rows[row][view].GetSliceToRAS()
        return np.array([-matrix.GetElement(0, 3), -matrix.GetElement(1, 3), matrix.GetElement(2, 3)])

    def jump(self, row: int, view: int, lps: np.ndarray) -> None:
        self.rows[row][view].JumpSliceByCentering(-lps[0], -lps[1], lps[2])


@pytest.fixture
def setting() -> Setting:
    return Setting()


def _later(point: np.ndarray) -> np.ndarray:
    return np.array(TURN.TransformPoint(point.tolist())) + PARENT


PLACE = np.array((12.0, -20.0, 30.0))


@pytest.mark.parametrize("view", [0, 1, 2])
def test_each_view_of_the_later_visit_shows_the_place_that_the_earlier_one_is_moved_to(
    setting: Setting, view: int
) -> None:
    setting.jump(0, view, np.zeros(3))
    setting.jump(1, view, _later(np.zeros(3)))
    setting.link.enable(True)
    setting.jump(0, view, PLACE)
    assert setting.center(1, view) == pytest.approx(_later(PLACE), abs=1e-3)
    # And the other way round.
    setting.jump(1, view, _later(np.array((5.0, 6.0, -7.0))))
    assert setting.center(0, view) == pytest.approx((5.0, 6.0, -7.0), abs=1e-3)


def test_what_the_registration_is_off_by_at_a_lesion_stays_while_scrolling(setting: Setting) -> None:
    off = np.array((1.0, -2.0, 1.5))
    setting.jump(0, 0, PLACE)
    setting.jump(1, 0, _later(PLACE) + off)
    setting.link.enable(True)
    setting.jump(0, 0, PLACE + (0.0, 0.0, 10.0))
    assert setting.center(1, 0) == pytest.approx(_later(PLACE + (0.0, 0.0, 10.0)) + off, abs=1e-3)
    setting.jump(0, 0, PLACE)
    assert setting.center(1, 0) == pytest.approx(_later(PLACE) + off, abs=1e-3)


def test_zoom_is_shared_and_slices_are_not_squeezed(setting: Setting) -> None:
    setting.link.enable(True)
    setting.rows[1][2].SetFieldOfView(200.0, 100.0, 1.0)
    setting.rows[0][2].SetFieldOfView(90.0, 60.0, 1.0)
    across, down, _deep = setting.rows[1][2].GetFieldOfView()
    assert (across, down) == pytest.approx((90.0, 45.0))


def test_warped_later_visit_stands_where_the_earlier_one_does(setting: Setting) -> None:
    setting.link.enable(True)
    setting.link.show_warped(True)
    setting.jump(0, 0, PLACE)
    assert setting.center(1, 0) == pytest.approx(PLACE, abs=1e-6)


def test_views_are_on_their_own_when_the_link_is_off_or_the_registration_gone(setting: Setting) -> None:
    before = setting.center(1, 0)
    setting.jump(0, 0, PLACE)
    assert setting.center(1, 0) == pytest.approx(before)
    setting.link.enable(True)
    setting.link.enable(False)
    setting.jump(0, 0, -PLACE)
    assert setting.center(1, 0) == pytest.approx(before)
    setting.link.enable(True)
    setting.scene.RemoveNode(setting.transform)
    setting.jump(0, 0, PLACE)
    assert setting.center(1, 0) == pytest.approx(before) and not setting.link.possible
    nothing: Any = LinkedVisits(*setting.volumes, [None])
    nothing.enable(True)
    assert not nothing.enabled
