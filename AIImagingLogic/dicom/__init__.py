"""Results as DICOM objects that other software reads, and such objects back as results."""
