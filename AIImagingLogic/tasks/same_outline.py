"""Whether two outlines are of one lesion."""

from __future__ import annotations

import SimpleITK as sitk


def same_outline(mask: sitk.Image, other: sitk.Image | None) -> bool:
    """Whether more than half of the smaller of two cropped masks lies in the other."""
    if other is None:
        return False
    onto = sitk.Resample(other > 0, mask, sitk.Transform(), sitk.sitkNearestNeighbor, 0, sitk.sitkUInt8)
    own = sitk.GetArrayViewFromImage(mask) > 0
    shared = int((own & (sitk.GetArrayViewFromImage(onto) > 0)).sum())
    smaller = min(int(own.sum()), int((sitk.GetArrayViewFromImage(other) > 0).sum()))
    return shared > 0.5 * smaller
