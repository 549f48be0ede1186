"""A made-up PET series as DICOM whose SUV is known: 70 kg, 350 MBq of fluorine-18, scanned two half lives later."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, PositronEmissionTomographyImageStorage, generate_uid

WEIGHT_KG, DOSE_BQ, HALF_LIFE_S = 70.0, 350e6, 6586.2
INJECTED = datetime(2024, 3, 5, 10, 0)
SCANNED = INJECTED + timedelta(seconds=2 * HALF_LIFE_S)
SUV_A_BQML = 4 * WEIGHT_KG * 1000 / DOSE_BQ
"""A quarter of the dose is left at the scan."""

SPACING = (4.0, 3.0, 5.0)
LESION = (slice(3, 7), slice(6, 12), slice(5, 10))
"""(k, j, i)"""
LESION_SUV, HOTTEST_SUV, BACKGROUND_SUV = 5.0, 8.0, 1.0


def suv_values() -> np.ndarray:
    """Return the true SUV, (k, j, i): the lesion is even but for one voxel."""
    values = np.full((12, 20, 18), BACKGROUND_SUV)
    values[LESION] = LESION_SUV
    values[4, 8, 7] = HOTTEST_SUV
    return values


def lesion_labels() -> sitk.Image:
    """Return the lesion on the grid of the series, with its hottest voxel."""
    labels = np.zeros(suv_values().shape, np.uint8)
    labels[LESION] = 1
    return _placed(sitk.GetImageFromArray(labels))


def bqml_image() -> sitk.Image:
    """Return the activity as a volume without headers."""
    return _placed(sitk.GetImageFromArray((suv_values() / SUV_A_BQML).astype(np.float32)))


def write_pet_series(folder: Path, **changes: object) -> Path:
    """Write the series, each slice with a rescale slope of its own as scanners do; `changes` are attributes.

    An attribute that is None is left out.
    """
    folder.mkdir(parents=True)
    activity = suv_values() / SUV_A_BQML
    series = _series()
    for name, value in changes.items():
        if value is None:
            delattr(series, name)
        else:
            setattr(series, name, value)
    for k, values in enumerate(activity):
        slope = values.max() / 30000
        _write_slice(folder / f"{k:03}.dcm", series, k, np.rint(values / slope).astype("<i2"), slope)
    return folder


def _placed(image: sitk.Image) -> sitk.Image:
    image.SetSpacing(SPACING)
    return image


def _series() -> Dataset:
    tracer = Dataset()
    tracer.RadiopharmaceuticalStartDateTime = f"{INJECTED:%Y%m%d%H%M%S}.00"
    tracer.RadionuclideTotalDose, tracer.RadionuclideHalfLife = str(DOSE_BQ), str(HALF_LIFE_S)
    series = Dataset()
    series.SOPClassUID = PositronEmissionTomographyImageStorage
    series.Modality, series.PatientName, series.PatientID = "PT", "Phantom^Pet", "PET"
    series.PatientWeight, series.PatientSize, series.PatientSex = str(WEIGHT_KG), "1.75", "F"
    series.StudyInstanceUID, series.SeriesInstanceUID = generate_uid(), generate_uid()
    series.FrameOfReferenceUID = generate_uid()
    series.ImageType = ["ORIGINAL", "PRIMARY"]
    for name in ("Study", "Series", "Acquisition", "Content"):
        setattr(series, f"{name}Date", f"{SCANNED:%Y%m%d}")
        setattr(series, f"{name}Time", f"{SCANNED:%H%M%S.%f}")
    series.Units, series.DecayCorrection, series.CorrectedImage = "BQML", "START", ["DECY", "ATTN"]
    series.RadiopharmaceuticalInformationSequence = [tracer]
    series.SamplesPerPixel, series.PhotometricInterpretation = 1, "MONOCHROME2"
    series.BitsAllocated, series.BitsStored, series.HighBit, series.PixelRepresentation = 16, 16, 15, 1
    series.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    series.PixelSpacing = [SPACING[1], SPACING[0]]
    series.SliceThickness = SPACING[2]
    return series


def _write_slice(path: Path, series: Dataset, k: int, stored: np.ndarray, slope: float) -> None:
    data = Dataset()
    data.update(series)
    data.SOPInstanceUID = generate_uid()
    data.InstanceNumber = k + 1
    data.ImagePositionPatient = [0.0, 0.0, k * SPACING[2]]
    data.Rows, data.Columns = stored.shape
    data.RescaleSlope, data.RescaleIntercept = f"{slope:.10g}", "0"
    data.PixelData = stored.tobytes()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.save_as(path, enforce_file_format=True)
