"""DICOM series read as volumes: order, shear, gaps, copies, compression, choice of series; no identifiers."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from pydicom.uid import RLELossless, generate_uid

from AIImagingLogic.images.dicom_file import read_dicom_file
from AIImagingLogic.images.dicom_pixels import read_voxels
from AIImagingLogic.images.dicom_writing import write_ct_series
from AIImagingLogic.images.geometry import index_to_world, same_grid
from AIImagingLogic.images.read import read_image
from AIImagingLogic.records.errors import GeometryError, UnreadableImageError, WrongImageError

ACQUIRED = datetime(2025, 3, 4, 10, 30, 15)
# HU per mm along L, P, S of the field that linear interpolation must give back exactly.
GRADIENT = np.array([2.0, 3.0, 5.0])
# Half a unit by rounding on writing, half by rounding on reading.
ROUNDING_HU = 1.0


def linear_field(image: sitk.Image) -> np.ndarray:
    i, j, k = np.meshgrid(*(np.arange(n) for n in image.GetSize()), indexing="ij")
    return (index_to_world(image, np.stack([i, j, k], axis=-1)) @ GRADIENT).T


def field_image(size: tuple[int, int, int] = (12, 10, 8)) -> sitk.Image:
    image = sitk.GetImageFromArray(np.zeros(size[::-1], dtype=np.int16))
    image.SetSpacing((0.8, 0.9, 2.0))
    image.SetOrigin((-20.0, 10.0, 5.0))
    values = sitk.GetImageFromArray(np.rint(linear_field(image)).astype(np.int16))
    values.CopyInformation(image)
    return values


@pytest.fixture
def series(tmp_path: Path) -> Path:
    """A folder with a CT series of 8 slices that hold the linear field."""
    write_ct_series(field_image(), tmp_path / "series", acquired=ACQUIRED, description="Phantom")
    return tmp_path / "series"


def edit(folder: Path, change: Callable[[int, pydicom.Dataset], None]) -> None:
    for number, path in enumerate(sorted(folder.glob("*.dcm"))):
        data = pydicom.dcmread(path)
        change(number, data)
        data.save_as(path)


def move_slices(folder: Path, positions: Callable[[int], tuple[float, float, float]]) -> None:
    """Put each slice at a position and fill it with the linear field there."""

    def change(number: int, data: pydicom.Dataset) -> None:
        position = np.array(positions(number))
        data.ImagePositionPatient = [f"{value:.6f}" for value in position]
        row, column = np.array(data.ImageOrientationPatient, dtype=float).reshape(2, 3)
        j, i = np.mgrid[: data.Rows, : data.Columns]
        places = position + i[..., None] * data.PixelSpacing[1] * row + j[..., None] * data.PixelSpacing[0] * column
        data.PixelData = (np.rint(places @ GRADIENT) + 1024).astype("<u2").tobytes()

    edit(folder, change)


def unzipped(archive: Path, folder: Path) -> Path:
    with zipfile.ZipFile(archive) as content:
        content.extractall(folder)
    return folder


def test_slices_are_ordered_by_position_whatever_their_names_and_numbers_say(series: Path) -> None:
    edit(series, lambda number, data: setattr(data, "InstanceNumber", (number * 5) % 8))
    for number, path in enumerate(sorted(series.glob("*.dcm"))):
        path.rename(series / f"{(number * 3) % 8}-Ä b.dcm")
    image, info = read_image(series)
    assert same_grid(image, field_image())
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image), sitk.GetArrayFromImage(field_image()))
    assert (info.modality, info.intensity_unit, info.acquired) == ("CT", "HU", ACQUIRED)
    assert image.GetPixelID() == sitk.sitkInt16


@pytest.mark.parametrize("signs", [(1, 1, -1), (-1, 1, 1), (-1, -1, -1)])
def test_left_handed_grid_comes_back_as_the_same_image_in_the_patient(tmp_path: Path, signs: tuple[int, ...]) -> None:
    original = field_image()
    original.SetDirection((np.diag(signs) @ np.eye(3)[[2, 0, 1]]).ravel().tolist())
    rng = np.random.default_rng(1)
    values = rng.integers(-1000, 1000, original.GetSize()[::-1]).astype(np.int16)
    geometry, original = original, sitk.GetImageFromArray(values)
    original.CopyInformation(geometry)
    write_ct_series(original, tmp_path / "s", acquired=ACQUIRED, description="")
    image, _ = read_image(tmp_path / "s")
    assert np.linalg.det(np.array(image.GetDirection()).reshape(3, 3)) == pytest.approx(1)
    back = sitk.Resample(image, original, sitk.Transform(), sitk.sitkNearestNeighbor, -2000.0)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(back), values)


@pytest.mark.parametrize("lean", [0.5, -0.5])
def test_sheared_slices_are_resampled_to_right_angles_with_the_angle_in_the_notes(series: Path, lean: float) -> None:
    # 2 mm up and 0.5 mm back or forth at each slice: atan(0.25) = 14.0 degrees.
    move_slices(series, lambda number: (-20.0, 10.0 + lean * number, 5.0 + 2.0 * number))
    image, info = read_image(series)
    assert any("14.0 degrees" in note for note in info.notes)
    values, truth = sitk.GetArrayFromImage(image), linear_field(image)
    reached = values > -1000
    assert reached.mean() > 0.6
    assert np.abs(values - truth)[reached & eroded(reached)].max() <= ROUNDING_HU


def test_uneven_and_sheared_slices_lie_on_an_even_grid_at_their_true_place(series: Path) -> None:
    heights = [0, 2, 4, 6, 6.6, 10, 13.4, 16.8]
    edit(series, lambda number, data: setattr(data, "SliceThickness", "2.0" if number < 4 else "3.4"))
    move_slices(series, lambda number: (-20.0, 10.0 + 0.3 * heights[number], 5.0 + heights[number]))
    image, info = read_image(series)
    assert any("increment varies" in note for note in info.notes)
    assert any("16.7 degrees" in note for note in info.notes)
    values, truth = sitk.GetArrayFromImage(image), linear_field(image)
    reached = values > -1000
    assert np.abs(values - truth)[reached & eroded(reached)].max() <= ROUNDING_HU
    assert index_to_world(image, np.array(image.GetSize()) - 1)[2] == pytest.approx(21.8, abs=2.0)


def eroded(mask: np.ndarray) -> np.ndarray:
    """Leave out voxels that were interpolated with what lies outside the slices."""
    image = sitk.GetImageFromArray(mask.astype(np.uint8))
    return sitk.GetArrayFromImage(sitk.BinaryErode(image, (1, 1, 0), sitk.sitkBox)).astype(bool)


def test_missing_slices_are_refused_with_their_positions(series: Path) -> None:
    for number in (3, 4):
        (series / f"slice_{number:04d}.dcm").unlink()
    with pytest.raises(GeometryError, match=r"2 slices are missing.*9\.0, 11\.0 mm"):
        read_image(series)


def test_a_gap_that_no_slice_reaches_across_is_refused(series: Path) -> None:
    move_slices(series, lambda number: (-20.0, 10.0, 5.0 + 2.0 * number + (5.1 if number > 4 else 0)))
    with pytest.raises(GeometryError, match=r"gap of 7\.1 mm .* too wide"):
        read_image(series)


def test_positions_rounded_to_a_tenth_of_a_millimetre_count_as_even(series: Path) -> None:
    move_slices(series, lambda number: (-20.0, 10.0, round(5.0 + 0.63 * number, 1)))
    _, info = read_image(series)
    assert info.notes == ()
    assert info.spacing_mm[2] == pytest.approx(0.63, abs=0.02)


def test_identical_copies_of_slices_are_left_out_with_a_note(series: Path) -> None:
    shutil.copy(series / "slice_0002.dcm", series / "again.dcm")
    image, info = read_image(series)
    assert image.GetSize()[2] == 8
    assert any("1 identical" in note for note in info.notes)


def test_two_different_images_at_one_position_are_refused(series: Path) -> None:
    data = pydicom.dcmread(series / "slice_0002.dcm")
    data.PixelData = bytes(len(data.PixelData))
    data.save_as(series / "other.dcm")
    with pytest.raises(GeometryError, match="2 images at one position"):
        read_image(series)


def test_one_slice_is_no_volume(series: Path) -> None:
    for path in sorted(series.glob("*.dcm"))[1:]:
        path.unlink()
    with pytest.raises(GeometryError, match="one slice"):
        read_image(series)


def test_padding_outside_the_field_of_view_becomes_air(series: Path) -> None:
    def pad(number: int, data: pydicom.Dataset) -> None:
        values = np.frombuffer(data.PixelData, "<u2").astype(np.int16)
        values[:20] = -2000
        data.PixelRepresentation = 1
        data.add_new("PixelPaddingValue", "SS", -2000)
        data.PixelData = values.tobytes()

    edit(series, pad)
    image, info = read_image(series)
    assert sitk.GetArrayViewFromImage(image).min() == -1024
    assert any("padding (-3024 HU)" in note for note in info.notes)


def test_run_length_compressed_slices_read_like_the_plain_ones(series: Path) -> None:
    plain, _ = read_image(series)
    edit(series, lambda number, data: data.compress(RLELossless))
    packed, _ = read_image(series)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(packed), sitk.GetArrayFromImage(plain))


def test_each_slice_is_rescaled_by_its_own_slope(series: Path) -> None:
    def rescale(number: int, data: pydicom.Dataset) -> None:
        data.Modality, data.Units = "PT", "BQML"
        data.RescaleSlope, data.RescaleIntercept = str(0.5 + number), "0"
        data.PixelData = np.full((data.Rows, data.Columns), 101, "<u2").tobytes()

    edit(series, rescale)
    image, info = read_image(series)
    np.testing.assert_allclose(sitk.GetArrayFromImage(image)[:, 0, 0], 101 * (0.5 + np.arange(8)))
    assert (info.intensity_unit, image.GetPixelID()) == ("BQML", sitk.sitkFloat32)


def test_cut_off_slice_is_named(series: Path) -> None:
    path = series / "slice_0005.dcm"
    path.write_bytes(path.read_bytes()[:-60])
    with pytest.raises(UnreadableImageError, match="slice_0005"):
        read_image(series)


def test_default_is_the_largest_original_ct_and_the_choice_is_noted(series: Path, tmp_path: Path) -> None:
    uid = pydicom.dcmread(next(series.glob("*.dcm"))).SeriesInstanceUID

    def others(name: str, change: Callable[[pydicom.Dataset], None], size: tuple[int, int, int]) -> None:
        folder = series / "below" / name
        write_ct_series(field_image(size), folder, acquired=ACQUIRED, description=name)
        edit(folder, lambda number, data: change(data))

    others("scout", lambda data: setattr(data, "ImageType", ["ORIGINAL", "PRIMARY", "LOCALIZER"]), (9, 9, 20))
    others("reformat", lambda data: setattr(data, "ImageType", ["DERIVED", "SECONDARY", "MPR"]), (9, 9, 30))
    others("magnetic", lambda data: setattr(data, "Modality", "MR"), (9, 9, 40))
    others("short", lambda data: None, (9, 9, 4))
    (series / "readme.txt").write_text("not an image")
    image, info = read_image(series)
    assert (info.series_uid, image.GetSize()[2]) == (uid, 8)
    assert any("5 series" in note and uid in note for note in info.notes)


def test_a_series_is_read_by_its_uid_and_an_unknown_uid_is_an_error(series: Path) -> None:
    write_ct_series(field_image((9, 9, 4)), series, acquired=ACQUIRED, description="b", series_uid="1.2.3.4")
    edit(series, lambda number, data: None)
    image, info = read_image(series, "1.2.3.4")
    assert (image.GetSize(), info.series_uid) == ((9, 9, 4), "1.2.3.4")
    with pytest.raises(UnreadableImageError, match=r"no series 9\.9"):
        read_image(series, "9.9")


def test_a_file_that_is_one_slice_stands_for_its_series(series: Path) -> None:
    image, _ = read_image(series / "slice_0003.dcm")
    assert same_grid(image, field_image())


def test_colour_images_are_refused(series: Path) -> None:
    def colour(number: int, data: pydicom.Dataset) -> None:
        data.SamplesPerPixel, data.PhotometricInterpretation, data.PlanarConfiguration = 3, "RGB", 0
        data.BitsAllocated = data.BitsStored = 8
        data.PixelData = bytes(data.Rows * data.Columns * 3)

    edit(series, colour)
    with pytest.raises(WrongImageError, match="colour"):
        read_image(series)


def test_nothing_that_names_the_patient_leaves_the_reader(tmp_path: Path) -> None:
    folder = tmp_path / "Rumpelstilz"
    write_ct_series(
        field_image(),
        folder,
        acquired=ACQUIRED,
        description="Thorax RUMPELSTILZ 4711-0815",
        patient_name="Rumpelstilz^Anna",
        patient_id="4711-0815",
        series_uid=generate_uid(),
    )
    edit(folder, lambda number, data: setattr(data, "AccessionNumber", "ACC-99"))
    image, info = read_image(folder)
    told = json.dumps(info.to_json()) + str(image)
    assert not any(word in told.casefold() for word in ("rumpelstilz", "anna", "4711", "acc-99"))
    assert "Thorax" in read_dicom_file(next(folder.glob("*.dcm"))).description
    assert "umpelstilz" not in read_dicom_file(next(folder.glob("*.dcm"))).description.casefold()


def test_enhanced_multi_frame_agrees_with_an_independent_conversion(shared_data: Path, tmp_path: Path) -> None:
    image, info = read_image(unzipped(shared_data / "dicom/d2n_enhanced_mr_philips_dicom.zip", tmp_path))
    truth = sitk.ReadImage(str(shared_data / "dicom/d2n_philips_enhanced_ground_truth.nii.gz"))
    onto = sitk.Resample(image, truth, sitk.Transform(), sitk.sitkNearestNeighbor, -1.0, sitk.sitkFloat32)
    # The conversion kept single precision.
    np.testing.assert_allclose(sitk.GetArrayFromImage(onto), sitk.GetArrayFromImage(truth), rtol=1e-5)
    assert info.modality == "MR"


def test_real_head_ct_with_tilt_and_two_increments_is_made_even(shared_data: Path, tmp_path: Path) -> None:
    image, info = read_image(unzipped(shared_data / "head_ct/ge_hispeed_headct_tilt_dicom.zip", tmp_path))
    assert any("18.5 degrees" in note for note in info.notes)
    assert any("13 x 4.0, 13 x 7.0" in note for note in info.notes)
    direction = np.array(image.GetDirection()).reshape(3, 3)
    np.testing.assert_allclose(direction.T @ direction, np.eye(3), atol=1e-6)
    # The first slice of the file stays where it says it is.
    assert index_to_world(image, (0, 0, 0)) @ direction[:, 2] == pytest.approx(-33.665, abs=0.01)
    # The skull is as thick at the vertex as at the base: bone in the upper and lower third alike.
    bone = (sitk.GetArrayViewFromImage(image) > 300).sum(axis=(1, 2))
    assert bone[: len(bone) // 3].sum() > 0
    assert bone[-len(bone) // 3 :].sum() > 0


@pytest.mark.parametrize(
    ("archive", "error", "words"),
    [
        ("dicom/d2n_ct_sliceincrement_dicom.zip", GeometryError, r"1 slice is missing.*33\.1"),
        ("dicom/d2n_mr_inconsistent_orientation_dicom.zip", GeometryError, "2 orientations .*sagittal.*axial"),
        (
            "body_mr/prostatex0000_dwi_dicom.zip",
            GeometryError,
            "3 images at each of 19 positions .b-value 50, 400, 800",
        ),
        ("dicom/dcmqi_sr_seg_rwv.zip", WrongImageError, "a segmentation"),
        ("dicom/dicompyler_rtss_rtplan_ct0.zip", GeometryError, "one slice"),
    ],
)
def test_real_series_that_make_no_volume_say_why(
    shared_data: Path, tmp_path: Path, archive: str, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        read_image(unzipped(shared_data / archive, tmp_path))


@pytest.mark.parametrize(
    ("archive", "size", "modality", "unit"),
    [
        ("dicom/d2n_mr_jpeg2000_dicom.zip", (256, 256, 4), "MR", ""),
        ("body_mr/prostatex0000_t2_cor_oblique_dicom.zip", (320, 320, 15), "MR", ""),
        ("abdomen_ct/dcmqi_ct_3slice_dicom.zip", (512, 512, 3), "CT", "HU"),
        ("pet_ct/STS_001_wholebody_fdgpet_dicom_rtstruct.zip", (128, 128, 267), "PT", "BQML"),
    ],
)
def test_real_series_lie_where_gdcm_puts_them(
    shared_data: Path, tmp_path: Path, archive: str, size: tuple[int, int, int], modality: str, unit: str
) -> None:
    image, info = read_image(unzipped(shared_data / archive, tmp_path))
    assert (image.GetSize(), info.modality, info.intensity_unit) == (size, modality, unit)
    folder = str(next(tmp_path.rglob("*.dcm")).parent)
    names = sitk.ImageSeriesReader.GetGDCMSeriesFileNames(folder, info.series_uid)
    peer = sitk.ReadImage(names)
    corners = np.array([(0, 0, 0), np.array(size) - 1])
    # GDCM takes the increment from two slices, we from all: the last slice of 267 may differ by the rounding of one.
    np.testing.assert_allclose(index_to_world(image, corners), index_to_world(peer, corners), atol=0.2)


@pytest.mark.parametrize(
    "name", ["MR_small_RLE", "MR_small_jp2klossless", "MR_small_jpeg_ls_lossless", "MR_small_bigendian"]
)
def test_real_transfer_syntaxes_give_the_same_pixels(shared_data: Path, tmp_path: Path, name: str) -> None:
    folder = unzipped(shared_data / "dicom/pydicom_selected.zip", tmp_path)
    plain, packed = (read_dicom_file(next(folder.rglob(f"{stem}.dcm"))) for stem in ("MR_small", name))
    np.testing.assert_array_equal(read_voxels(packed.frames, packed), read_voxels(plain.frames, plain))
