"""Published networks on a real head MR: three planes with the segments' outlines, one row a model.

python -m Testing.Pictures.real_models [--models NAME ...] [--image FILE] [OUT.png]
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from AIImagingLogic.images.info import describe
from AIImagingLogic.images.read import read_image
from AIImagingLogic.records.segmentation import Segmentation
from AIImagingLogic.scene.empty_scene import make_scene
from AIImagingLogic.scene.picture_canvas import PictureCanvas
from AIImagingLogic.scene.segmentations import segmentation_node_from_segmentation
from AIImagingLogic.scene.slice_view import SliceView
from AIImagingLogic.scene.volumes import volume_node_from_image
from AIImagingLogic.tasks.segment import segment
from Testing.Benchmarks.reporting import shared_data

MODELS = ("model5_gw_ae", "model11_gw_ae", "model18cls", "mindgrab")
_PLANES = ("Axial", "Coronal", "Sagittal")
_PIXELS, _FIELD_OF_VIEW_MM = 340, 230.0
_FILL = 0.3
_DOCS = Path(__file__).resolve().parents[2] / "Docs" / "Pictures" / "real_models.png"


def draw_planes(rows: Sequence[tuple[str, sitk.Image, Segmentation]], path: Path) -> None:
    """Draw each segmentation over its image, cut through the segments' middle along the patient's axes.

    Parameters
    ----------
    rows : heading, image and segmentation of each row
    """
    canvas = PictureCanvas(len(_PLANES) * _PIXELS, len(rows) * _PIXELS)
    for row, (heading, image, segmentation) in enumerate(rows):
        scene = make_scene()
        values = sitk.GetArrayViewFromImage(image)
        low, high = (float(value) for value in np.percentile(values[values > values.min()], (1, 99.5)))
        volume = volume_node_from_image(image, scene, "T1", window=(low, high))
        node = segmentation_node_from_segmentation(segmentation, scene, "segments")
        node.GetDisplayNode().SetAllSegmentsOpacity2DFill(_FILL)
        view = SliceView(scene, _PIXELS, _PIXELS)
        for column, plane in enumerate(_PLANES):
            pixels, letters = view.picture(volume, plane, _middle_mm(segmentation.image), _FIELD_OF_VIEW_MM)
            x, y = column * _PIXELS, row * _PIXELS
            canvas.place(pixels, x, y)
            canvas.write(f"{heading}, {plane.lower()}" if column == 0 else plane, x + 8, y + 14, bold=True)
            canvas.write(letters[0], x + 8, y + _PIXELS / 2)
            canvas.write(letters[1], x + _PIXELS - 8, y + _PIXELS / 2, align="right")
            canvas.write(letters[2], x + _PIXELS / 2, y + 32, align="center")
    canvas.save(path)


def _middle_mm(labels: sitk.Image) -> tuple[float, ...]:
    """Return the middle of the labelled voxels, LPS mm."""
    index = np.argwhere(sitk.GetArrayViewFromImage(labels) > 0).mean(0)[::-1]
    middle: tuple[float, ...] = labels.TransformContinuousIndexToPhysicalPoint([float(value) for value in index])
    return middle


def main() -> None:
    """Run the models and draw what they gave."""
    data = shared_data()
    parser = argparse.ArgumentParser(prog="python -m Testing.Pictures.real_models", description=__doc__)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=MODELS)
    parser.add_argument("--image", type=Path, default=data / "brain_mr" / "brainchop_t1_crop.nii.gz")
    parser.add_argument("output", type=Path, nargs="?", default=_DOCS)
    arguments = parser.parse_args()
    image, _ = read_image(arguments.image)
    rows = []
    for name in arguments.models:
        result = segment(image, describe(image), str(data / "weights" / "brainchop_meshnet" / name))
        rows.append((name, image, result))
    draw_planes(rows, arguments.output)


if __name__ == "__main__":
    main()
