"""A follow-up of six visits with every kind of step, made by the program's own linking, for tests of reports."""

from __future__ import annotations

import dataclasses
import math
from datetime import datetime, timedelta

import numpy as np
import SimpleITK as sitk
from followup_records import nodule, registration, visit

from AIImagingLogic.followup.timeline import make_timeline
from AIImagingLogic.models.catalogue import model_card
from AIImagingLogic.records.finding import Finding
from AIImagingLogic.records.measurement import measurement
from AIImagingLogic.records.provenance import ModelUse, StageCost, make_provenance
from AIImagingLogic.records.timeline import Timeline

FIRST = datetime(2023, 1, 10, 9, 0)
SHIFT = (3.0, -2.0, 4.0)
DAYS = (0, 92, 190, 370, 552, 731)
MODELS = ("ct-lungs", "ct-lung-nodules", "ct-nodule-outline", "deformable")

# Place at the first visit (LPS mm), attenuation, side, third, contact, and mean diameter (mm) at each visit.
_LESIONS = {
    "a": ((-50, 0, -20), "solid", "right", "upper", "none", (6.0, 6.6, 7.4, 9.1, 11.2, 13.0)),
    "b": ((40, 10, 0), "part-solid", "left", "lower", "pleura", (12.0, 12.1, 11.9, 12.3, 12.0, 12.2)),
    "c": ((-30, -30, 30), "ground-glass", "right", "lower", "vessel", (14.0, 12.0, 9.0, 6.5, None, None)),
    "d": ((60, -20, 40), "solid", "left", "upper", "pleura and vessel", (None, None, None, 5.0, 6.0, 7.2)),
    "e": ((-60, 20, -50), "calcified", "right", "middle", "none", (5.0, 5.0, None, 5.1, 5.0, 5.0)),
    "f": ((20, 30, -93), "solid", "left", "upper", "none", (6.0, 6.0, 6.1, 6.0, 6.0, 6.0)),
    # At the last visits this place lies above the image.
    "g": ((10, -40, 85), "solid", "right", "upper", "none", (8.0, 8.1, 8.0, None, None, None)),
    "h": ((-20, 40, 10), "solid", "right", "lower", "none", (10.0, 11.0, 12.5, 14.0, 15.0, 17.0)),
}


def many_visits() -> Timeline:
    """Return a timeline of 6 visits: growing, stable, shrinking and gone, new, missed once, outside the image."""
    labels = ["baseline", *(f"follow-up {number}" for number in range(1, len(DAYS)))]
    visits = tuple(
        visit(label, *_findings(index), acquired=FIRST + timedelta(days=DAYS[index]))
        for index, label in enumerate(labels)
    )
    visits = tuple(
        dataclasses.replace(entry, info=dataclasses.replace(entry.info, slice_thickness_mm=1.25)) for entry in visits
    )
    shift = sitk.TranslationTransform(3, SHIFT)
    made = make_provenance(
        "follow-up",
        [ModelUse(name, model_card(name).version, "5c" * 32) for name in MODELS],
        [entry.info for entry in visits],
        {"registration": "deformable"},
        [
            StageCost("Reading", 3.2, 0.61),
            StageCost("Lungs, follow-up 1", 5.7, 1.2),
            StageCost("Links and change", 0.2, 0.0),
        ],
    )
    made = dataclasses.replace(made, created=datetime(2025, 2, 1, 12, 0), device="CPU (x86_64)")
    note = (
        "The follow-up 2 has slices 2.5 mm apart: sizes and volumes of small nodules, and with them growth, are very "
    )
    registrations = (registration(shift),) * (len(visits) - 1)
    return make_timeline(visits, registrations, made, notes=(f"{note}uncertain.",))


def _findings(index: int) -> list[Finding]:
    findings = []
    for name, (place, attenuation, side, third, contact, sizes) in _LESIONS.items():
        size = sizes[index]
        if size is None:
            continue
        solid = 0.4 * size if attenuation == "part-solid" else None
        center = np.add(place, np.multiply(index, SHIFT)).tolist()
        found = nodule(f"1.2.3.{ord(name)}.{index}", center, size, attenuation, solid=solid)
        volume = math.pi / 6 * size**3
        more = (
            measurement("volume", volume, (0.85 * volume, 1.15 * volume)),
            measurement("long_axis", 1.1 * size),
            measurement("short_axis", 0.9 * size),
        )
        kept = tuple(entry for entry in found.measurements if entry.name != "volume")
        words = {"attenuation": attenuation, "side": side, "third": third, "contact": contact}
        findings.append(
            dataclasses.replace(found, name=f"Nodule {name}", measurements=(*more, *kept), descriptors=words)
        )
    return findings
