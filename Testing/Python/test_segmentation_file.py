"""`.seg.nrrd` files: what is written here is what Slicer reads, and what is read back."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from AIImagingLogic.images.segmentation_file import read_segmentation, write_segmentation
from AIImagingLogic.images.terminology_entry import concept_from_entry, terminology_entry
from AIImagingLogic.records.coding import Code, CodedConcept, concept
from AIImagingLogic.records.errors import OutputError, UnreadableImageError
from AIImagingLogic.records.provenance import ModelUse, Provenance
from AIImagingLogic.records.resources import load_resource
from AIImagingLogic.records.segmentation import Segment, Segmentation

OBLIQUE = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))[0]


def _provenance() -> Provenance:
    return Provenance(
        task="segment",
        models=(ModelUse("ct-lungs", "1.0", "0" * 64),),
        inputs=(),
        parameters={"quote": 'a "quoted" | piped \\ value: ünïcode'},
        versions={"python": "3"},
        device="CPU",
        created=datetime(2024, 1, 2, tzinfo=UTC),
    )


@pytest.fixture
def lungs() -> Segmentation:
    """Two lungs and a nodule on a left-handed oblique anisotropic grid."""
    voxels = np.zeros((7, 9, 11), np.uint8)
    voxels[1:5, 2:6, 1:4], voxels[1:5, 2:6, 6:10], voxels[2, 3, 7] = 1, 2, 9
    image = sitk.GetImageFromArray(voxels)
    direction = OBLIQUE if np.linalg.det(OBLIQUE) < 0 else OBLIQUE[:, ::-1]
    image.SetDirection(direction.ravel())
    image.SetSpacing((0.71, 0.83, 2.5))
    image.SetOrigin((-101.25, 33.3, -700.125))
    image.SetMetaData("0010|0010", "Doe^Jane")
    segments = (
        Segment(1, "Left lung", concept("lung-left"), (172, 138, 115)),
        Segment(2, "Right lung", concept("lung-right"), (202, 164, 140)),
        Segment(9, "Lesion 9, größer", concept("lung-nodule"), (255, 1, 0)),
    )
    return Segmentation(image, segments, _provenance())


def _same_geometry(left: sitk.Image, right: sitk.Image) -> bool:
    # NRRD writes 17 significant digits of direction * spacing: what is left is rounding of the division.
    return left.GetSize() == right.GetSize() and all(
        np.allclose(getattr(left, name)(), getattr(right, name)(), rtol=0, atol=1e-9)
        for name in ("GetDirection", "GetSpacing", "GetOrigin")
    )


def test_segmentation_read_back_is_the_one_written(lungs: Segmentation, tmp_path: Path) -> None:
    path = tmp_path / "Lungen größe 1.seg.nrrd"
    write_segmentation(lungs, path)
    back = read_segmentation(path)
    assert back.segments == lungs.segments
    assert back.provenance == lungs.provenance
    assert _same_geometry(back.image, lungs.image)
    assert np.array_equal(sitk.GetArrayViewFromImage(back.image), sitk.GetArrayViewFromImage(lungs.image))


def test_slicer_reads_names_colours_terminology_labels_and_geometry(lungs: Segmentation, tmp_path: Path) -> None:
    slicer = pytest.importorskip("slicer")
    vtk = pytest.importorskip("vtk")
    path = tmp_path / "lungs.seg.nrrd"
    write_segmentation(lungs, path)
    scene = slicer.vtkMRMLScene()
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    storage = scene.AddNewNodeByClass("vtkMRMLSegmentationStorageNode")
    storage.SetFileName(str(path))
    assert storage.ReadData(node)
    entry = slicer.vtkSlicerTerminologyEntry()
    layers = set()
    for index, segment in enumerate(lungs.segments):
        shown = node.GetSegmentation().GetNthSegment(index)
        assert shown.GetName() == segment.name
        assert np.allclose(np.array(shown.GetColor()) * 255, segment.colour, atol=0.5)
        assert shown.GetLabelValue() == segment.value
        assert slicer.vtkSlicerTerminologiesModuleLogic.DeserializeTerminologyEntry(shown.GetTerminology(), entry)
        assert entry.GetTypeObject().GetCodeValue() == segment.concept.type.value
        assert entry.GetCategoryObject().GetCodeMeaning() == segment.concept.category.meaning
        modifier = segment.concept.modifier
        assert (entry.GetTypeModifierObject().GetCodeValue() or "") == (modifier.value if modifier else "")
        assert _tag(vtk, shown, "DICOM.SegmentAlgorithmType") == "AUTOMATIC"
        assert _tag(vtk, shown, "DICOM.SegmentAlgorithmName") == "ct-lungs 1.0"
        provenance = json.loads(_tag(vtk, shown, "AIImaging.Provenance"))
        assert provenance["parameters"] == dict(_provenance().parameters)
        layers.add(shown.GetRepresentation("Binary labelmap"))
    (layer,) = layers
    assert layer.GetDimensions() == lungs.image.GetSize()
    matrix = vtk.vtkMatrix4x4()
    layer.GetImageToWorldMatrix(matrix)
    for corner in ((0, 0, 0), (10, 8, 6)):
        world = matrix.MultiplyPoint((*map(float, corner), 1.0))[:3]
        expected = lungs.image.TransformIndexToPhysicalPoint(corner)
        # Float rounding of a matrix inverted twice, at 700 mm from the origin.
        assert np.allclose(np.array(world) * (-1, -1, 1), expected, atol=1e-6)


def _tag(vtk: object, segment: object, name: str) -> str:
    value = vtk.reference("")  # type: ignore[attr-defined]
    assert segment.GetTag(name, value)  # type: ignore[attr-defined]
    return str(value)


def test_no_metadata_of_the_image_reaches_the_file(lungs: Segmentation, tmp_path: Path) -> None:
    path = tmp_path / "lungs.seg.nrrd"
    write_segmentation(lungs, path)
    assert b"Doe" not in path.read_bytes()
    assert lungs.image.GetMetaData("0010|0010") == "Doe^Jane", "the caller's image is left as it was"


def test_segmentation_without_segments_is_still_a_file(lungs: Segmentation, tmp_path: Path) -> None:
    path = tmp_path / "none.seg.nrrd"
    write_segmentation(Segmentation(lungs.image * 0, ()), path)
    assert read_segmentation(path).segments == ()


def test_unwritable_folder_and_missing_or_foreign_file_say_so(lungs: Segmentation, tmp_path: Path) -> None:
    with pytest.raises(OutputError):
        write_segmentation(lungs, tmp_path / "missing folder" / "lungs.seg.nrrd")
    with pytest.raises(UnreadableImageError, match="does not exist"):
        read_segmentation(tmp_path / "missing.seg.nrrd")
    foreign = tmp_path / "text.seg.nrrd"
    foreign.write_text("not an image")
    with pytest.raises(UnreadableImageError, match="could not be read"):
        read_segmentation(foreign)


@pytest.mark.parametrize("key", load_resource("terminology/concepts.json")["concepts"])
def test_terminology_entry_leads_back_to_its_concept(key: str) -> None:
    assert concept_from_entry(terminology_entry(concept(key)), "any", (0, 0, 0)) == concept(key)


def test_terminology_entry_has_the_form_that_slicer_writes() -> None:
    slicer = pytest.importorskip("slicer")
    left = concept("lung-left")
    contexts = load_resource("terminology/concepts.json")["slicer_contexts"]
    expected = slicer.vtkSlicerTerminologiesModuleLogic.SerializeTerminologyEntry(
        *(contexts["category_and_type"], left.category.value, left.category.scheme, left.category.meaning),
        *(left.type.value, left.type.scheme, left.type.meaning),
        *(left.modifier.value, left.modifier.scheme, left.modifier.meaning),  # type: ignore[union-attr]
        *(contexts["anatomic_region"], "", "", "", "", "", ""),
    )
    assert terminology_entry(left) == expected


def test_foreign_terminology_is_kept_as_it_is() -> None:
    tissue = Code("85756007", "SCT", "Tissue")
    foreign = CodedConcept("SCT-85756007", "Mine", tissue, tissue, None, (1, 2, 3))
    assert concept_from_entry(terminology_entry(foreign), "Mine", (1, 2, 3)) == foreign
    with pytest.raises(ValueError, match="not a terminology entry"):
        concept_from_entry("something else", "Mine", (1, 2, 3))
