"""The window (grey levels) in which an image of a modality is shown, from Resources/display/windows.json."""

from __future__ import annotations

from dataclasses import dataclass

from AIImagingLogic.records.resources import load_resource


@dataclass(frozen=True)
class DisplayWindow:
    """Black at `lower`, white at `upper`, in the modality's own unit (HU for CT)."""

    name: str
    lower: float
    upper: float


def display_window(modality: str) -> DisplayWindow | None:
    """Return the window of a DICOM modality, None where it must be fitted to the image."""
    entry = load_resource("display/windows.json")["windows"].get(modality)
    return DisplayWindow(entry["name"], float(entry["lower"]), float(entry["upper"])) if entry else None
