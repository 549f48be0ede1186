"""Lungs of a CT: right and left lung, trachea and main bronchi."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from AIImagingLogic.models.builtin.coarse_grid import FULL, coarse_copy, paint_membership
from AIImagingLogic.models.builtin.ct_air import find_air
from AIImagingLogic.models.builtin.ct_airways import find_airways, with_wall
from AIImagingLogic.models.builtin.ct_lung_border import close_lung
from AIImagingLogic.models.builtin.ct_lung_sides import lung_sides
from AIImagingLogic.models.card import ModelCard
from AIImagingLogic.records.coding import concept
from AIImagingLogic.records.errors import WrongImageError
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.segmentation import Segment, Segmentation

RIGHT, LEFT, TRACHEA = 1, 2, 3
_LEAST_LUNGS_ML = 200.0


class CTLungs:
    """Outlines the lungs, learning-free: threshold, airways out, left from right, closing of the border."""

    def __init__(self, card: ModelCard) -> None:
        self.card = card

    def segment(self, image: sitk.Image, info: ImageInfo, progress: Progress) -> Segmentation:
        """Return right lung (1), left lung (2), trachea and main bronchi (3) on exactly the grid of `image`.

        Parameters
        ----------
        image : CT in HU, any orientation; crops that show one lung alone are fine
        info : what is known of it
        progress : told of each step

        Raises
        ------
        WrongImageError
            The image shows no lungs, or less than 200 ml of them.

        References
        ----------
        Hu S, Hoffman EA, Reinhardt JM. Automatic lung segmentation for accurate quantitation of volumetric X-ray CT
        images. IEEE Trans Med Imaging 2001;20:490-8.
        """
        progress.report(0.0, "Air")
        coarse = coarse_copy(image)
        hu = sitk.GetArrayViewFromImage(coarse)
        spacing_mm = coarse.GetSpacing()[::-1]
        air = find_air(coarse)
        progress.report(0.2, "Airways")
        lumen = find_airways(coarse, air)
        walled = with_wall(lumen, coarse)
        progress.report(0.35, "Right and left lung")
        right, left = lung_sides(coarse, air, walled)
        volume_ml = sum(float(lung.sum()) for lung in (right, left) if lung is not None) * np.prod(spacing_mm) / 1000.0
        if volume_ml < _LEAST_LUNGS_ML:
            raise WrongImageError(
                f"The image shows no lungs ({volume_ml:.0f} ml of aerated lung found).",
                "Choose a chest CT in Hounsfield units that shows at least one lung.",
            )
        result = sitk.Image(image.GetSize(), sitk.sitkUInt8)
        result.CopyInformation(image)
        segments = []
        for label, key, own, other in ((RIGHT, "lung-right", right, left), (LEFT, "lung-left", left, right)):
            progress.report(0.4 + 0.2 * label, "Lung border")
            if own is not None:
                barred = walled if other is None else walled | other
                paint_membership(close_lung(own, barred, hu, spacing_mm), coarse, result, label)
                segments.append(_segment(label, key))
        progress.report(0.9, "Airways")
        if lumen.any():
            paint_membership(lumen.astype(np.uint8) * np.uint8(FULL), coarse, result, TRACHEA)
            segments.append(_segment(TRACHEA, "trachea"))
        return Segmentation(result, tuple(segments))


def _segment(value: int, key: str) -> Segment:
    coded = concept(key)
    return Segment(value, coded.name, coded, coded.colour)
