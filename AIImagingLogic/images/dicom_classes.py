"""DICOM storage classes whose pixels are no volume of the patient."""

from __future__ import annotations

# PS3.4 B.5; the class's UID, and what such a series is called in a message.
NOT_VOLUMES = {
    "1.2.840.10008.5.1.4.1.1.66.4": "a segmentation",
    "1.2.840.10008.5.1.4.1.1.66.7": "a label map segmentation",
    "1.2.840.10008.5.1.4.1.1.481.2": "a radiotherapy dose",
    "1.2.840.10008.5.1.4.1.1.7": "a secondary capture",
    "1.2.840.10008.5.1.4.1.1.77.1.6": "a microscopy slide",
}
