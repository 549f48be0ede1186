"""What changed between two visits of one brain."""

from __future__ import annotations

from dataclasses import dataclass

import SimpleITK as sitk

from AIImagingLogic.records.finding import Finding
from AIImagingLogic.records.json_form import Record
from AIImagingLogic.records.measured_segments import MeasuredSegments
from AIImagingLogic.records.registration import Registration
from AIImagingLogic.records.segmentation import Segmentation


@dataclass(frozen=True)
class LesionChange(Record):
    """New, enlarging and shrinking lesions, on the grid of the later visit.

    Attributes
    ----------
    segmentation : a segment a kind of change, with the provenance of the whole
    findings : one a change, largest first; its descriptor ``change`` is new, enlarging or shrinking
    measured : number and ml of each kind
    registration : points of the later visit to points of the earlier one, rigid
    significance : later minus earlier in standard deviations of the noise, 0 outside the brain (float32)
    """

    segmentation: Segmentation
    findings: tuple[Finding, ...]
    measured: MeasuredSegments
    registration: Registration
    significance: sitk.Image
