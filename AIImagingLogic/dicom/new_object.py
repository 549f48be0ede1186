"""What every DICOM object that is filed with a patient begins with."""

from __future__ import annotations

from datetime import datetime

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, generate_uid

from AIImagingLogic import __version__
from AIImagingLogic.dicom.seg_writing import MANUFACTURER, PRODUCT, SERIAL_NUMBER
from AIImagingLogic.dicom.source_series import SourceSeries

# The modules of PS3.3 C.7.1.1 (Patient), C.7.2.1 (General Study) and C.7.2.2 (Patient Study), as far as they are used.
_COPIED = (
    *("PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex"),
    *("PatientIdentityRemoved", "DeidentificationMethod", "DeidentificationMethodCodeSequence"),
    *("StudyInstanceUID", "StudyDate", "StudyTime", "StudyID", "StudyDescription", "AccessionNumber"),
    *("ReferringPhysicianName", "PatientAge", "PatientSize", "PatientWeight"),
    *("PositionReferenceIndicator", "FrameOfReferenceUID"),
)


def new_object(source: SourceSeries, sop_class: str, modality: str, series_number: int, description: str) -> Dataset:
    """Return an object in a new series of the source's study, with its patient and frame of reference."""
    header, now = source.headers[0], datetime.now()
    data = Dataset()
    data.SpecificCharacterSet = header.get("SpecificCharacterSet") or "ISO_IR 192"
    for keyword in _COPIED:
        if keyword in header:
            setattr(data, keyword, header[keyword].value)
    data.SOPClassUID, data.SOPInstanceUID = UID(sop_class), generate_uid()
    data.Modality, data.SeriesInstanceUID, data.SeriesNumber = modality, generate_uid(), series_number
    data.SeriesDescription, data.InstanceNumber = description[:64], 1
    # Of a pair of organs, not known here (type 2C).
    data.Laterality = ""
    data.Manufacturer, data.ManufacturerModelName = MANUFACTURER, PRODUCT
    data.DeviceSerialNumber, data.SoftwareVersions = SERIAL_NUMBER, __version__
    for event in ("Content", "InstanceCreation", "Series"):
        setattr(data, f"{event}Date", now.strftime("%Y%m%d"))
        setattr(data, f"{event}Time", now.strftime("%H%M%S"))
    data.file_meta = FileMetaDataset()
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return data
