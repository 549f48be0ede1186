"""NIfTI, NRRD and MetaImage files read by content; bad input told apart with a clear error."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from AIImagingLogic.images.geometry import index_to_world, inside, same_grid
from AIImagingLogic.images.read import read_image
from AIImagingLogic.images.write import write_image
from AIImagingLogic.records.errors import UnreadableImageError, WrongImageError

SIZE = (5, 6, 7)


def image_of(values: np.ndarray) -> sitk.Image:
    image = sitk.GetImageFromArray(values)
    image.SetSpacing((0.7, 0.9, 2.5))
    image.SetOrigin((-10.0, 20.0, 30.0))
    image.SetDirection(sitk.VersorTransform((0.1, 0.2, -0.15, 0.96)).GetMatrix())
    return image


@pytest.fixture
def image() -> sitk.Image:
    values = np.random.default_rng(0).integers(-1000, 1000, SIZE[::-1])
    return image_of(values.astype(np.int16))


def nifti(
    sform: np.ndarray | None = None,
    sform_code: int = 0,
    qform_code: int = 0,
    spacing: tuple[float, float, float] = (2.0, 2.0, 2.0),
    units: int = 2,
    shape: tuple[int, ...] = SIZE,
) -> bytes:
    """Return a NIfTI-1 file with the identity as its qform and voxels 0, 1, 2, ..."""
    header = bytearray(352)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, len(shape), *shape, *([1] * (7 - len(shape))))
    struct.pack_into("<2h", header, 70, 4, 16)
    struct.pack_into("<4f", header, 76, 1.0, *spacing)
    struct.pack_into("<2f", header, 108, 352.0, 1.0)
    header[123] = units
    struct.pack_into("<2h", header, 252, qform_code, sform_code)
    if sform is not None:
        struct.pack_into("<12f", header, 280, *np.asarray(sform, dtype=float)[:3].ravel())
    header[344:348] = b"n+1\0"
    return bytes(header) + np.arange(np.prod(shape), dtype="<i2").tobytes()


def affine(columns: np.ndarray, offset: tuple[float, float, float]) -> np.ndarray:
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = columns, offset
    return matrix


@pytest.mark.parametrize("name", ["a b.nrrd", "größe.nii.gz", "x.nii", "y.mha", "z.mhd"])
def test_every_format_gives_back_voxels_and_oblique_geometry(tmp_path: Path, image: sitk.Image, name: str) -> None:
    sitk.WriteImage(image, str(tmp_path / name)) if name.endswith("mhd") else write_image(image, tmp_path / name)
    read, info = read_image(tmp_path / name)
    assert same_grid(read, image)
    np.testing.assert_array_equal(sitk.GetArrayViewFromImage(read), sitk.GetArrayViewFromImage(image))
    assert (info.modality, info.size, info.notes) == ("", SIZE, ())


@pytest.mark.parametrize(("written", "named"), [("a.nrrd", "a.nii.gz"), ("a.nii.gz", "a.mha"), ("a.mha", "a.dcm")])
def test_wrong_extension_is_read_for_what_it_is_and_noted(
    tmp_path: Path, image: sitk.Image, written: str, named: str
) -> None:
    write_image(image, tmp_path / written)
    (tmp_path / written).rename(tmp_path / named)
    read, info = read_image(tmp_path / named)
    assert same_grid(read, image)
    assert any("its name does not say so" in note for note in info.notes)


@pytest.mark.parametrize("name", ["a.nrrd", "a.nii.gz", "a.nii", "a.mha"])
def test_cut_off_file_is_refused_and_never_filled_with_zeros(tmp_path: Path, image: sitk.Image, name: str) -> None:
    write_image(image, tmp_path / name)
    content = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(content[: len(content) - 60])
    with pytest.raises(UnreadableImageError, match="cut off"):
        read_image(tmp_path / name)


def test_header_without_its_data_file_is_refused(tmp_path: Path, image: sitk.Image) -> None:
    sitk.WriteImage(image, str(tmp_path / "a.mhd"))
    (tmp_path / "a.raw").unlink()
    with pytest.raises(UnreadableImageError, match="data file is missing"):
        read_image(tmp_path / "a.mhd")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"patient;date\n1;2025-01-01\n" * 50, "unknown kind"),
        (b"\x89PNG\r\n\x1a\n" + bytes(200), "a PNG picture"),
        (b"PK\x03\x04" + bytes(200), "a Zip archive"),
        (gzip.compress(b"just text" * 100, mtime=0), "holds no NIfTI"),
    ],
)
def test_what_is_no_image_is_named(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "image.nii.gz").write_bytes(content)
    with pytest.raises(UnreadableImageError, match=words):
        read_image(tmp_path / "image.nii.gz")


def test_missing_path_and_empty_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(UnreadableImageError, match="does not exist"):
        read_image(tmp_path / "nowhere")
    with pytest.raises(UnreadableImageError, match="is empty"):
        read_image(tmp_path)
    (tmp_path / "notes.txt").write_text("nothing to see")
    with pytest.raises(UnreadableImageError, match="1 x a file of an unknown kind"):
        read_image(tmp_path)


def test_time_series_vectors_and_flat_pictures_are_refused(tmp_path: Path) -> None:
    (tmp_path / "time.nii").write_bytes(nifti(shape=(5, 6, 7, 3)))
    with pytest.raises(WrongImageError, match="3 volumes"):
        read_image(tmp_path / "time.nii")
    sitk.WriteImage(sitk.GetImageFromArray(np.zeros((4, 4, 4, 3), np.uint8), isVector=True), str(tmp_path / "rgb.nrrd"))
    with pytest.raises(WrongImageError, match="3 values in each voxel"):
        read_image(tmp_path / "rgb.nrrd")
    sitk.WriteImage(sitk.GetImageFromArray(np.zeros((4, 4), np.uint8)), str(tmp_path / "flat.nrrd"))
    with pytest.raises(WrongImageError, match="flat picture"):
        read_image(tmp_path / "flat.nrrd")


def test_a_fourth_axis_of_one_volume_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "one.nii").write_bytes(nifti(qform_code=1, shape=(5, 6, 7, 1)))
    assert read_image(tmp_path / "one.nii")[0].GetSize() == SIZE


def test_whole_numbers_become_16_bit_and_others_single_precision(tmp_path: Path, image: sitk.Image) -> None:
    write_image(sitk.Cast(image, sitk.sitkFloat64), tmp_path / "whole.nrrd")
    write_image(sitk.Cast(image, sitk.sitkFloat64) + 0.5, tmp_path / "half.nrrd")
    write_image(sitk.Cast(image, sitk.sitkInt32) * 100, tmp_path / "wide.nrrd")
    kinds = [read_image(tmp_path / f"{name}.nrrd")[0].GetPixelID() for name in ("whole", "half", "wide")]
    assert kinds == [sitk.sitkInt16, sitk.sitkFloat32, sitk.sitkFloat32]


@pytest.mark.parametrize("sform_code", [0, 1, 2, 4])
@pytest.mark.parametrize("qform_code", [0, 1, 2])
def test_contradicting_nifti_transforms_are_taken_as_itk_takes_them(
    tmp_path: Path, qform_code: int, sform_code: int
) -> None:
    turned = affine(np.array([[0, -2.0, 0], [2.0, 0, 0], [0, 0, 2.0]]), (10, 20, 30))
    (tmp_path / "a.nii").write_bytes(nifti(turned, sform_code, qform_code))
    read, info = read_image(tmp_path / "a.nii")
    peer = sitk.ReadImage(str(tmp_path / "a.nii"))
    assert same_grid(read, peer)
    assert any("sform and qform" in note for note in info.notes) == (qform_code > 0 and sform_code > 0)
    assert any("does not say how it lies" in note for note in info.notes) == (qform_code == sform_code == 0)


def test_spacing_that_contradicts_the_sform_is_noted(tmp_path: Path) -> None:
    (tmp_path / "a.nii").write_bytes(nifti(affine(2.0 * np.eye(3), (0, 0, 0)), 1, spacing=(3.0, 3.0, 3.0)))
    read, info = read_image(tmp_path / "a.nii")
    assert same_grid(read, sitk.ReadImage(str(tmp_path / "a.nii")))
    assert any("2 x 2 x 2 mm) contradicts" in note for note in info.notes)


@pytest.mark.parametrize(("units", "scale"), [(1, 1e-3), (3, 1e3)])
def test_metres_and_micrometres_are_read_as_millimetres(tmp_path: Path, units: int, scale: float) -> None:
    content = nifti(affine(2.0 * scale * np.eye(3), (10 * scale, 0, 0)), 1, spacing=(2.0 * scale,) * 3, units=units)
    (tmp_path / "a.nii").write_bytes(content)
    read, info = read_image(tmp_path / "a.nii")
    # Single precision in the header.
    np.testing.assert_allclose(read.GetSpacing(), (2.0, 2.0, 2.0), rtol=1e-6)
    np.testing.assert_allclose(read.GetOrigin(), (-10.0, 0.0, 0.0), rtol=1e-6)
    assert any("not in mm" in note for note in info.notes)


@pytest.mark.parametrize("lean", [0.5, -0.5])
def test_sheared_nifti_keeps_every_voxel_at_its_place(tmp_path: Path, lean: float) -> None:
    shear = affine(np.array([[2.0, lean, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, 2.0]]), (1, 2, 3))
    (tmp_path / "a.nii").write_bytes(nifti(shear, 1, spacing=(2.0, float(np.hypot(2.0, 0.5)), 2.0)))
    read, info = read_image(tmp_path / "a.nii")
    assert any("14.0 degrees off right angles" in note for note in info.notes)
    direction = np.array(read.GetDirection()).reshape(3, 3)
    np.testing.assert_allclose(direction.T @ direction, np.eye(3), atol=1e-9)
    # The voxel values are a linear function of the place, which linear interpolation gives back.
    inverse = np.linalg.inv(shear)
    checked = 0
    for index in np.ndindex(*read.GetSize()):
        ras = index_to_world(read, index) * (-1, -1, 1)
        i, j, k = (inverse @ [*ras, 1.0])[:3]
        if all(0.05 < x < n - 1.05 for x, n in zip((i, j, k), SIZE, strict=True)):
            # Voxels are whole: rounding.
            assert read[index] == pytest.approx(i + 5 * j + 30 * k, abs=1.0)
            checked += 1
    assert checked > 50
    ends = np.array(list(np.ndindex(2, 2, 2))) * (np.array(SIZE) - 1)
    assert inside(read, (ends @ shear[:3, :3].T + shear[:3, 3]) * (-1, -1, 1)).all()


def test_real_files_read_as_itk_reads_them(shared_data: Path) -> None:
    for name in (
        "chest_ct/3DCT_lung_baseline_small.mha",
        "brain_mr/ms_p01_study2_T1W.nii.gz",
        "head_ct/CT_pitch.nii.gz",
        "body_mr/breast1_image.nrrd",
        "pet_ct/STS_001_PET_image.nii.gz",
        "abdomen_ct/example_ct_sm.nii.gz",
    ):
        read, _ = read_image(shared_data / name)
        peer = sitk.ReadImage(str(shared_data / name))
        assert same_grid(read, peer), name
        np.testing.assert_array_equal(sitk.GetArrayViewFromImage(read), sitk.GetArrayViewFromImage(peer), err_msg=name)
