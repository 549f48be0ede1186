"""What a scene knows of a volume beside its voxels: modality, date and UIDs, as DICOM loading left them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from AIImagingLogic.scene.host import load_slicer

if TYPE_CHECKING:
    import SimpleITK as sitk

    from AIImagingLogic.records.image_info import ImageInfo

_FORMATS = {8: "%Y%m%d", 14: "%Y%m%d%H%M%S"}


def acquisition_time(volume_node: Any) -> datetime | None:
    """Return the date and time of the study that a volume node belongs to in the subject hierarchy, None when unknown.

    A volume that was not loaded from DICOM has no study date.
    """
    hierarchy, item = _study_item(volume_node)
    if item is None:
        return None
    constants = load_slicer().vtkMRMLSubjectHierarchyConstants
    date = hierarchy.GetItemAttribute(item, constants.GetDICOMStudyDateAttributeName())
    time = hierarchy.GetItemAttribute(item, constants.GetDICOMStudyTimeAttributeName())
    digits = "".join(letter for letter in date if letter.isdigit())
    clock = time.split(".")[0].replace(":", "")
    if len(clock) == 6 and clock.isdigit():
        digits += clock
    try:
        return datetime.strptime(digits, _FORMATS.get(len(digits), "%Y%m%d"))
    except ValueError:
        return None


def info_of_volume_node(volume_node: Any, image: sitk.Image, acquired: datetime | None = None) -> ImageInfo:
    """Return the `ImageInfo` of a volume node.

    Parameters
    ----------
    volume_node : vtkMRMLScalarVolumeNode
    image : its voxels and geometry, LPS mm
    acquired : when it was acquired, where the scene does not know or is wrong
    """
    from AIImagingLogic.images.info import describe

    return describe(image, **facts_of_volume_node(volume_node, acquired))


def facts_of_volume_node(volume_node: Any, acquired: datetime | None = None) -> dict[str, Any]:
    """Return what `images.info.describe` is told of a volume node beside its image; needs no image library.

    Returns
    -------
    dict
        ``modality``, ``intensity_unit``, ``acquired``, ``study_uid``, ``series_uid``.
    """
    constants = load_slicer().vtkMRMLSubjectHierarchyConstants
    hierarchy, study = _study_item(volume_node)
    item = hierarchy.GetItemByDataNode(volume_node) if hierarchy else 0
    modality = hierarchy.GetItemAttribute(item, constants.GetDICOMSeriesModalityAttributeName()) if item else ""
    uid_name = constants.GetDICOMUIDName()
    return {
        "modality": modality,
        # Slicer loads CT with its rescale applied, so its voxels are Hounsfield units.
        "intensity_unit": "HU" if modality == "CT" else "",
        "acquired": acquired or acquisition_time(volume_node),
        "study_uid": "" if study is None else hierarchy.GetItemUID(study, uid_name),
        "series_uid": hierarchy.GetItemUID(item, uid_name) if item else "",
    }


def _study_item(volume_node: Any) -> tuple[Any, int | None]:
    slicer = load_slicer()
    scene = volume_node.GetScene()
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene) if scene else None
    if hierarchy is None:
        return None, None
    item = hierarchy.GetItemByDataNode(volume_node)
    if not item:
        return hierarchy, None
    level = slicer.vtkMRMLSubjectHierarchyConstants.GetDICOMLevelStudy()
    study = hierarchy.GetItemAncestorAtLevel(item, level)
    return hierarchy, study or None
