"""Acute blood in the skull: as much as there is, none where there is none, and images it is not made for refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from AIImagingLogic.images.geometry import same_grid
from AIImagingLogic.images.info import describe
from AIImagingLogic.images.phantoms.head.phantom import HeadPhantom, make_head
from AIImagingLogic.images.phantoms.head.recipe import HeadRecipe, tuning_head
from AIImagingLogic.images.read import read_image
from AIImagingLogic.measure.label_overlap import dice
from AIImagingLogic.models.builtin.ct_haemorrhage import CTHaemorrhage
from AIImagingLogic.models.catalogue import model_card
from AIImagingLogic.records.errors import AIImagingError, GeometryError, WrongImageError
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.tasks.segment import segment

LOBAR = HeadRecipe(seed=7, kind="lobar", blood_ml=25.0, in_plane_mm=1.1, slice_mm=4.0, tilt_deg=15.0, oedema=True)


@pytest.fixture(scope="module")
def lobar() -> HeadPhantom:
    return make_head(LOBAR)


def blood_of(image: sitk.Image, **known: float) -> sitk.Image:
    info = replace(describe(image, modality="CT", intensity_unit="HU"), **known)
    return CTHaemorrhage(model_card("ct-haemorrhage")).segment(image, info, Progress()).image


def ml(mask: sitk.Image) -> float:
    return float(np.count_nonzero(sitk.GetArrayViewFromImage(mask)) * np.prod(mask.GetSpacing()) / 1000.0)


def test_blood_is_outlined_on_the_input_grid_when_axes_are_oblique_permuted_and_flipped(lobar: HeadPhantom) -> None:
    turned, truth = (sitk.PermuteAxes(part, [2, 0, 1])[::-1, :, ::-1] for part in (lobar.image, lobar.truth))
    found = blood_of(turned)
    assert same_grid(found, turned)
    # Slices of 4 mm: half a voxel around a haematoma of 25 ml is about 10 % of it.
    assert ml(found) == pytest.approx(lobar.blood_ml, rel=0.12)
    assert dice(found, truth) > 0.9


def test_head_with_calcifications_and_sinuses_but_no_blood_has_none() -> None:
    head = make_head(replace(LOBAR, kind="none", sinus_hu=60.0, shading_hu=9.0))
    assert ml(blood_of(head.image)) == 0.0
    assert ml(head.truth) == head.blood_ml == 0.0


def test_crescent_under_the_inner_table_is_found_up_to_the_bone() -> None:
    head = make_head(replace(LOBAR, kind="subdural", blood_ml=60.0, tilt_deg=-8.0, slice_mm=3.0))
    assert ml(blood_of(head.image)) == pytest.approx(head.blood_ml, rel=0.2)


def test_thin_crescent_is_followed_along_the_bone_from_where_it_is_thick() -> None:
    head = make_head(tuning_head(22))
    # 23 ml of which little is thick enough to be found by itself; without following it half of it came out.
    assert ml(blood_of(head.image)) == pytest.approx(head.blood_ml, rel=0.2)


def test_contrast_medium_is_refused() -> None:
    head = make_head(replace(LOBAR, kind="none", contrast=True))
    with pytest.raises(WrongImageError, match="contrast medium"):
        blood_of(head.image)


def test_part_of_a_head_is_refused(lobar: HeadPhantom) -> None:
    for part in (lobar.image[:, :100, :], lobar.image[:, :, 26:]):
        with pytest.raises(WrongImageError, match="part of a head"):
            blood_of(part)
    with pytest.raises(WrongImageError, match="no brain inside a skull"):
        blood_of(lobar.image[:, :, : lobar.image.GetSize()[2] // 2])


def test_brain_out_of_its_skull_is_refused(lobar: HeadPhantom) -> None:
    with pytest.raises(WrongImageError, match="no skull"):
        blood_of(sitk.Clamp(lobar.image, lobar.image.GetPixelID(), -1000, 90))


def test_skull_filled_with_plastic_is_refused(lobar: HeadPhantom) -> None:
    hu = sitk.GetArrayFromImage(lobar.image)
    hu[(hu > -300) & (hu < 170)] = 120
    filled = sitk.GetImageFromArray(hu)
    filled.CopyInformation(lobar.image)
    with pytest.raises(WrongImageError, match="120 HU"):
        blood_of(filled)


def test_thick_slices_and_gaps_between_slices_are_refused(lobar: HeadPhantom) -> None:
    thick = sitk.BinShrink(lobar.image, [1, 1, 2])
    with pytest.raises(GeometryError, match=r"8\.0 mm apart"):
        blood_of(thick)
    with pytest.raises(GeometryError, match="were not scanned"):
        blood_of(lobar.image, slice_thickness_mm=2.0)


def test_real_head_with_tilted_gantry_and_no_blood_has_none(shared_data: Path, tmp_path: Path) -> None:
    import zipfile

    with zipfile.ZipFile(shared_data / "head_ct" / "ge_hispeed_headct_tilt_dicom.zip") as packed:
        packed.extractall(tmp_path)
    image, info = read_image(tmp_path)
    assert ml(segment(image, info, "ct-haemorrhage").image) <= 1.0


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("CT_pitch.nii.gz", "needs Hounsfield units, but its values run from 0 to 255 without any air"),
        ("ct_brain_atlas_1mm.nii.gz", r"brain without its skull \(1 ml of bone found\), and 0 HU around it"),
    ],
)
def test_plastic_head_and_average_brain_are_refused_with_what_is_true_of_them(
    shared_data: Path, name: str, reason: str
) -> None:
    image, info = read_image(shared_data / "head_ct" / name)
    with pytest.raises(AIImagingError, match=reason):
        segment(image, info, "ct-haemorrhage")


def test_a_brain_cut_out_of_its_head_is_refused_as_such_but_not_when_the_file_says_mr(lobar: HeadPhantom) -> None:
    hu = sitk.GetArrayFromImage(lobar.image)
    cut = sitk.GetImageFromArray(np.where((hu > 10) & (hu < 100), hu, 0).astype(np.int16))
    cut.CopyInformation(lobar.image)
    with pytest.raises(WrongImageError, match="brain without its skull"):
        segment(cut, describe(cut), "ct-haemorrhage")
    with pytest.raises(WrongImageError, match="this one is MR"):
        segment(cut, describe(cut, modality="MR"), "ct-haemorrhage")
    # Grey values that are not those of brain: that they are no Hounsfield units is the reason.
    with pytest.raises(WrongImageError, match="without any air"):
        segment(cut * 4, describe(cut * 4), "ct-haemorrhage")
