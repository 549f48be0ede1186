"""A trunk on PET at two visits, in SUV, with lesions whose size and uptake are known, as a host's scene holds them."""

from __future__ import annotations

from typing import Any

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

_SIZE, _SPACING = (110, 84, 120), 3.5
# Centre and half axes (mm, LPS from the middle), SUV.
_BODY = ((0, 0, 0), (165, 115, 260), 0.5)
_ORGANS = (
    ((-75, -5, 10), (70, 75, 70), 2.3),
    ((-70, 5, 130), (55, 70, 85), 0.35),
    ((70, 5, 130), (55, 70, 85), 0.35),
    ((25, -20, 95), (42, 38, 45), 2.9),
    ((-55, 45, -60), (25, 25, 50), 3.0),
    ((55, 45, -55), (25, 25, 50), 3.0),
    ((0, -25, -190), (35, 32, 30), 11.0),
)
# Centre, radius mm and SUV at both visits; None where it is not there.
_LESIONS = (
    ((-90, -20, 25), (16, 9.5), (13, 5.6)),
    ((40, 5, 140), (11, 8.2), (10, 8.4)),
    ((-20, 25, 60), (8, 6.5), None),
    ((10, 50, -130), (13, 9.0), (17, 12.5)),
    ((75, -15, 110), None, (10, 7.4)),
)
_MOVED_MM = ((0.0, 0.0, 0.0), (7.0, -4.0, 9.0))
_BLUR_MM = 2.6


def pet_visits(scene: Any) -> tuple[list[Any], list[Any]]:
    """Add two dated PET volumes in SUV and what a reader drew on each; return both kinds of nodes."""
    import slicer

    from AIImagingLogic.scene.segmentations import segmentation_node_from_segmentation
    from AIImagingLogic.scene.volumes import volume_node_from_image

    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    units = slicer.vtkCodedEntry()
    units.SetValueSchemeMeaning("{SUVbw}g/ml", "UCUM", "Standardized Uptake Value body weight")
    volumes, drawn = [], []
    for visit, date in enumerate(("20250110", "20250411")):
        image, labels = _scan(visit)
        volume = volume_node_from_image(image, scene, f"PET {date[:4]}-{date[4:6]}", window=(0.0, 7.0))
        volume.SetVoxelValueUnits(units)
        study = hierarchy.CreateStudyItem(hierarchy.GetSceneItemID(), date)
        hierarchy.SetItemAttribute(study, "DICOM.StudyDate", date)
        hierarchy.SetItemAttribute(hierarchy.CreateItem(study, volume), "DICOM.Modality", "PT")
        node = segmentation_node_from_segmentation(labels, scene, f"Drawn {date[:4]}-{date[4:6]}", volume)
        node.RemoveAttribute("AIImaging.Kind")
        node.GetDisplayNode().SetVisibility(False)
        volumes.append(volume)
        drawn.append(node)
    return volumes, drawn


def _scan(visit: int) -> tuple[sitk.Image, Any]:
    from AIImagingLogic.records.coding import concept
    from AIImagingLogic.records.segmentation import Segment, Segmentation

    axes = [(np.arange(n) - (n - 1) / 2) * _SPACING - moved for n, moved in zip(_SIZE, _MOVED_MM[visit])]
    x, y, z = np.meshgrid(*axes, indexing="ij")

    def ellipsoid(center: tuple[float, ...], half: tuple[float, ...]) -> np.ndarray:
        return np.asarray(sum(((at - c) / h) ** 2 for at, c, h in zip((x, y, z), center, half)) < 1)

    uptake = np.where(ellipsoid(*_BODY[:2]), _BODY[2], 0.02)
    for center, half, value in _ORGANS:
        uptake[ellipsoid(center, half)] = value
    labels = np.zeros(_SIZE, np.uint8)
    for center, *at_visits in _LESIONS:
        seen = at_visits[visit]
        if seen is not None:
            ball = ellipsoid(center, (seen[0],) * 3)
            uptake[ball], labels[ball] = seen[1], 1
    uptake = ndimage.gaussian_filter(uptake, _BLUR_MM / _SPACING)
    uptake *= 1 + np.random.default_rng(visit).normal(0, 0.06, _SIZE)
    kind = concept("lesion")
    return _image(uptake.astype(np.float32)), Segmentation(_image(labels), (Segment(1, "Lesions", kind, kind.colour),))


def _image(values: np.ndarray) -> sitk.Image:
    image = sitk.GetImageFromArray(values.transpose(2, 1, 0))
    image.SetSpacing((_SPACING,) * 3)
    image.SetOrigin([-(n - 1) / 2 * _SPACING for n in _SIZE])
    return image
