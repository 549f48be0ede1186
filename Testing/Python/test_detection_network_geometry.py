"""Boxes of a detection network lie where the things are, whatever the image's grid."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from detection_phantom import BODIES, body_finder, frame, phantom, recipe

from AIImagingLogic.inference.detection.run import DetectionOutput, run_detection
from AIImagingLogic.inference.network import EngineSettings, Network
from AIImagingLogic.records.errors import Cancelled, ModelError, OutOfMemory
from AIImagingLogic.records.progress import Progress

torch = pytest.importorskip("torch")

ON_TORCH = EngineSettings("torch", "cpu", 2)
STRAIGHT, ASKEW = frame(0), frame(24)
# Columns are the image's axes in the patient's frame.
AXIAL = np.eye(3)
FLIPPED = np.diag([-1.0, -1.0, 1.0])
LEFT_HANDED = np.diag([1.0, 1.0, -1.0])
SAGITTAL = np.array([[0.0, 0, -1], [1, 0, 0], [0, -1, 0]])


def found(image: sitk.Image, axes: str = "RAS", window: tuple[int, int, int] | None = (80, 80, 64)) -> DetectionOutput:
    return run_detection([image], body_finder(), recipe(axes, window), ON_TORCH, Progress())


def assert_bodies(output: DetectionOutput, rotation: np.ndarray) -> None:
    """Check number, places and extents of the boxes."""
    assert len(output.boxes) == len(BODIES)
    for body in BODIES:
        box = min((item.box for item in output.boxes), key=lambda box: _apart(box.center_mm, body.center_mm))
        # A fifth of the smallest voxel that the network sees: what resampling leaves of the centre of mass.
        assert _apart(box.center_mm, body.center_mm) < 0.3
        axes = np.array(box.axes)
        assert np.linalg.det(axes) == pytest.approx(1.0, abs=1e-6)
        along = np.abs(axes @ rotation)
        np.testing.assert_allclose(np.sort(along, axis=1)[:, 2], 1.0, atol=1e-6)
        # Partial volume widens a body by part of a voxel.
        np.testing.assert_allclose(along @ np.array(body.size_mm), box.size_mm, atol=1.3)


def _apart(first: tuple[float, ...], second: tuple[float, ...]) -> float:
    return float(np.linalg.norm(np.subtract(first, second)))


@pytest.mark.parametrize("rotation", [STRAIGHT, ASKEW], ids=["straight", "oblique"])
@pytest.mark.parametrize(
    ("axes", "spacing"),
    [(AXIAL, (1.0, 1.1, 1.3)), (FLIPPED, (0.8, 0.8, 2.0)), (LEFT_HANDED, (1.2, 0.7, 1.5)), (SAGITTAL, (0.9, 1.4, 1.6))],
    ids=["axial", "flipped", "left-handed", "sagittal"],
)
def test_boxes_lie_on_the_bodies_in_patient_space(
    axes: np.ndarray, spacing: tuple[float, float, float], rotation: np.ndarray
) -> None:
    assert_bodies(found(phantom(rotation @ axes, spacing, rotation)), rotation)


@pytest.mark.parametrize("axes", ["LPS", "SPR", ""])
def test_boxes_lie_on_the_bodies_whatever_axes_the_network_wants(axes: str) -> None:
    window = (80, 80, 64)
    assert_bodies(found(phantom(ASKEW @ FLIPPED, (0.9, 1.0, 1.4), ASKEW), axes, window), ASKEW)


def test_one_window_and_many_give_the_same_boxes() -> None:
    image = phantom(ASKEW, (1.0, 1.1, 1.3), ASKEW)
    many, one = found(image), found(image, window=None)
    assert many.windows == 8
    assert one.windows == 1
    for item in many.boxes:
        other = min((candidate for candidate in one.boxes), key=lambda c: _apart(c.box.center_mm, item.box.center_mm))
        np.testing.assert_allclose(item.box.center_mm, other.box.center_mm, atol=1e-3)
        np.testing.assert_allclose(item.box.size_mm, other.box.size_mm, atol=1e-2)


def test_only_windows_with_the_organ_are_run() -> None:
    image = phantom(ASKEW @ FLIPPED, (1.0, 1.0, 1.5), ASKEW)
    near = sitk.Cast(image > -900, sitk.sitkUInt8)
    labels = sitk.ConnectedComponent(near)
    wanted = labels[labels.TransformPhysicalPointToIndex(BODIES[1].center_mm)]
    organ = sitk.Cast(labels == wanted, sitk.sitkUInt8)
    output = run_detection([image], body_finder(), recipe(), ON_TORCH, Progress(), within=organ)
    assert len(output.boxes) == 1
    assert _apart(output.boxes[0].box.center_mm, BODIES[1].center_mm) < 0.3
    nothing = run_detection([image], body_finder(), recipe(), ON_TORCH, Progress(), within=organ * 0)
    assert nothing.boxes == ()
    assert "none of what was to be searched" in nothing.notes[0]


def test_cancelling_ends_the_run_between_windows() -> None:
    asked = []

    def cancelled() -> bool:
        asked.append(1)
        return bool(messages)

    messages: list[str] = []
    progress = Progress(
        lambda _, message: messages.append(message) if message.startswith("Window 3") else None, cancelled
    )
    with pytest.raises(Cancelled):
        run_detection([phantom(AXIAL, (1.0, 1.0, 1.0), STRAIGHT)], body_finder(), recipe(), ON_TORCH, progress)


def test_smaller_windows_are_used_when_memory_runs_out_and_a_note_says_so() -> None:
    module = body_finder().module

    class Hungry(torch.nn.Module):
        def forward(self, image: Any) -> object:
            if max(image.shape) > 64:
                raise torch.OutOfMemoryError("CUDA out of memory.")
            return module(image)

    image = phantom(ASKEW, (1.0, 1.1, 1.3), ASKEW)
    output = run_detection([image], Network(Hungry()), recipe(), ON_TORCH, Progress())
    assert_bodies(output, ASKEW)
    assert any("80x80x64" in note for note in output.notes)

    class Starved(torch.nn.Module):
        def forward(self, image: Any) -> object:
            raise MemoryError

    with pytest.raises(OutOfMemory):
        run_detection([image], Network(Starved()), recipe(), ON_TORCH, Progress())


@pytest.mark.parametrize(("spoilt", "says"), [("shape", "instead of"), ("values", "not numbers")])
def test_an_output_that_is_not_what_the_recipe_says_is_refused(spoilt: str, says: str) -> None:
    module = body_finder().module

    class Spoilt(torch.nn.Module):
        def forward(self, image: Any) -> object:
            values = module(image)
            return values[:, :-1] if spoilt == "shape" else values * float("nan")

    with pytest.raises(ModelError, match=says):
        run_detection([phantom(AXIAL, (2.0, 2.0, 2.0), STRAIGHT)], Network(Spoilt()), recipe(), ON_TORCH, Progress())
