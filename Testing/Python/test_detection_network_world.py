"""Boxes in the patient, beside those that MONAI's own transforms give for the same network and the same file.

MONAI hands boxes on in world coordinates whose sign convention is a switch of the pipeline: with `affine_lps_to_ras`,
as the published lung nodule bundle has it, they are LPS, else RAS, where left and right, front and back are swapped.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from detection_phantom import BODIES, body_finder, frame, phantom, recipe

from AIImagingLogic.inference.detection.run import run_detection
from AIImagingLogic.inference.network import EngineSettings
from AIImagingLogic.records.progress import Progress

torch = pytest.importorskip("torch")
pytest.importorskip("monai")
pytest.importorskip("nibabel")

# Columns are the image's axes in the patient's frame: no two axes of an image run alike.
GRIDS = {
    "flipped": (np.diag([-1.0, -1.0, 1.0]), (0.8, 0.9, 2.0)),
    "left-handed": (np.diag([1.0, 1.0, -1.0]), (1.2, 0.7, 1.5)),
    "sagittal": (np.array([[0.0, 0, -1], [1, 0, 0], [0, -1, 0]]), (0.9, 1.4, 1.6)),
    "coronal": (np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]]), (1.1, 1.3, 0.8)),
}


def monai_boxes(file: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return centres and sizes (N, 6) in LPS and in RAS, by the transforms of the published bundle.

    Only the network is ours, and its codes are decoded and its boxes chosen by MONAI.
    """
    from monai import transforms
    from monai.apps.detection.transforms import dictionary
    from monai.apps.detection.utils.anchor_utils import AnchorGeneratorWithAnchorShape
    from monai.apps.detection.utils.box_coder import BoxCoder
    from monai.data.box_utils import non_max_suppression

    ours = recipe()
    before = transforms.Compose(
        [
            transforms.LoadImaged("image", reader="NibabelReader"),
            transforms.EnsureChannelFirstd("image"),
            transforms.Orientationd("image", axcodes=ours.feeding.axes),
            transforms.Spacingd("image", pixdim=ours.feeding.spacing_mm),
            transforms.ScaleIntensityRanged("image", -1000, 100, 0, 1, clip=True),
            # What MONAI's detector does before its network.
            transforms.DivisiblePadd("image", k=ours.divisible_by, method="end"),
        ]
    )

    def world(in_lps: bool) -> np.ndarray:
        after = transforms.Compose(
            [
                dictionary.AffineBoxToWorldCoordinated("box", "image", affine_lps_to_ras=in_lps),
                dictionary.ConvertBoxModed("box", "xyzxyz", "cccwhd"),
            ]
        )
        return np.asarray(after({**data, "box": boxes[kept].clone()})["box"])

    data: dict[str, Any] = before({"image": file})
    image = data["image"].as_tensor()[None]
    with torch.inference_mode():
        values = body_finder().module(image)[0]
    generator = AnchorGeneratorWithAnchorShape((1.0,), ours.anchors.base)
    maps = [torch.zeros(1, 1, *(side // step for side, step in zip(image.shape[2:], ours.anchors.steps[0])))]
    anchors = generator(image, maps)[0]
    scores = torch.sigmoid(values[:, 0])
    boxes = BoxCoder((1.0,) * 6).decode_single(values[:, 1:], anchors)[scores > ours.least_score]
    kept = non_max_suppression(boxes, scores[scores > ours.least_score], ours.overlap_allowed)
    return world(True), world(False)


@pytest.mark.parametrize("degrees", [0, 24], ids=["straight", "oblique"])
@pytest.mark.parametrize("grid", GRIDS)
def test_world_boxes_are_those_of_monais_pipeline_in_lps(tmp_path: Path, grid: str, degrees: float) -> None:
    direction, spacing = GRIDS[grid]
    image = phantom(frame(degrees) @ direction, spacing, frame(degrees))
    file = tmp_path / "image.nii.gz"
    sitk.WriteImage(image, str(file))
    expected, mirrored = monai_boxes(file)
    output = run_detection([image], body_finder(), recipe(), EngineSettings("torch", "cpu", 2), Progress())
    assert len(output.boxes) == len(expected) == len(BODIES)
    for body in BODIES:
        found = min((item.box for item in output.boxes), key=lambda box: _apart(box.center_mm, body.center_mm))
        theirs = min(expected, key=lambda box: _apart(box[:3], body.center_mm))
        # The two resample to grids that are a part of a voxel apart: what that leaves of the centre of mass.
        assert _apart(found.center_mm, theirs[:3]) < 0.3
        assert _apart(found.center_mm, body.center_mm) < 0.3
        # In RAS the same box lies elsewhere: the comparison would see a wrong sign.
        assert min(_apart(found.center_mm, box[:3]) for box in mirrored) > 5.0
        np.testing.assert_allclose(mirrored[:, :3].sum(0), expected[:, :3].sum(0) * [-1, -1, 1], atol=1e-2)
        if degrees == 0:
            # MONAI's box is along the patient's axes, ours along the image's: alike where these are parallel.
            extent = np.abs(np.array(found.axes)).T @ np.array(found.size_mm)
            np.testing.assert_allclose(extent, theirs[3:], atol=0.5)


def _apart(first: Any, second: Any) -> float:
    return float(np.linalg.norm(np.subtract(first, second)))
