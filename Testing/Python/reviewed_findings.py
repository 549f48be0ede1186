"""Findings of a visit made by hand: as many as a test wants, each with measurements of its own."""

from __future__ import annotations

from typing import Any

import numpy as np
import SimpleITK as sitk

from AIImagingLogic.images.info import describe
from AIImagingLogic.records.boxes import OrientedBox
from AIImagingLogic.records.coding import concept
from AIImagingLogic.records.finding import Finding
from AIImagingLogic.records.measurement import measurement
from AIImagingLogic.records.provenance import make_provenance
from AIImagingLogic.records.timeline import Visit

_KINDS = ("solid", "part-solid", "ground-glass")
_THIRDS = ("upper", "middle", "lower")
NOTE = "Slices are 5 mm thick: volumes are less certain."


def hand_made_visit(count: int, image: sitk.Image) -> Visit:
    """Return a visit with `count` findings; finding n (1, 2, ...) is 3 + n mm wide, and outlined by one voxel."""
    info = describe(image, modality="CT", intensity_unit="HU")
    size = np.array(image.GetSize())
    findings = []
    for number in range(1, count + 1):
        index = [int(value) for value in np.unravel_index(number * 7 % int(size.prod()), size[::-1])[::-1]]
        diameter = 3.0 + number
        mask = sitk.Image([1, 1, 1], sitk.sitkUInt8) + 1
        mask.SetSpacing(image.GetSpacing())
        mask.SetDirection(image.GetDirection())
        mask.SetOrigin(image.TransformIndexToPhysicalPoint(index))
        findings.append(
            Finding(
                uid=f"1.2.826.0.1.{number}",
                name=f"Nodule {number}",
                box=OrientedBox(image.TransformIndexToPhysicalPoint(index), (diameter,) * 3),
                score=round(1.0 - number / (count + 1), 2),
                concept=concept("lung-nodule"),
                mask=mask,
                measurements=(
                    measurement("volume", np.pi / 6.0 * diameter**3),
                    measurement("mean_diameter", diameter),
                ),
                descriptors={
                    "attenuation": _KINDS[number % 3],
                    "side": "left" if number % 2 else "right",
                    "third": _THIRDS[number % 3],
                },
            )
        )
    return Visit("baseline", info, None, tuple(findings), make_provenance("detect", [], [info], notes=[NOTE]))


def add_findings(scene: Any, volume: Any, count: int) -> Any:
    """Add `count` findings on a volume node to its scene, as a run does; return the DetectionNodes."""
    from AIImagingLogic.scene.detection_results import add_detection_results
    from AIImagingLogic.scene.volumes import image_from_volume_node

    return add_detection_results(hand_made_visit(count, image_from_volume_node(volume)), volume, scene)
