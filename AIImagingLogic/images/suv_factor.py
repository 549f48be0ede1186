"""From a PET series' facts to the factors that turn its voxels into SUV; or which fact is missing."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from AIImagingLogic.images.suv_facts import PetFacts
from AIImagingLogic.records.errors import WrongImageError

# Activities outside these are a wrong unit (MBq, mCi), not a dose for a person.
_LEAST_DOSE_BQ, _LARGEST_DOSE_BQ = 1e6, 5e9
_LONGEST_HALF_LIVES = 10.0
_WEIGHT_KG = (1.0, 400.0)
_HEIGHT_M = (0.3, 2.6)


@dataclass(frozen=True)
class SuvFactor:
    """What the voxels of a PET series are multiplied by.

    Attributes
    ----------
    body_weight : voxel value to SUVbw, g/ml; None when the files state an SUV of another kind and no weight
    lean_body_mass : voxel value to SUL by Janmahasatian's lean body mass, g/ml; None when not known
    lean_missing : what is missing for `lean_body_mass`, empty when it is there
    decay_s : from the injection to the time that the voxels are corrected to; None where the files need none
    notes : how it was found, one sentence each
    """

    body_weight: float
    lean_body_mass: float | None
    lean_missing: str
    decay_s: float | None
    notes: tuple[str, ...]


def suv_factor(facts: PetFacts) -> SuvFactor:
    """Return the factors of a series.

    Raises
    ------
    WrongImageError
        A fact is missing, or the values cannot be SUV: the message names the DICOM attribute.

    Notes
    -----
    SUVbw = activity (Bq/ml) x weight (g) / dose at the time that the activity is corrected to (Bq).

    References
    ----------
    QIBA, SUV calculation, vendor-neutral pseudo-code: which time the decay is counted to, Philips' private factors.
    DICOM PS3.3 C.8.9.1 (PET series) and PS3.16 126401 (SUVbw).
    """
    missing_lean, lean_share = _lean_share(facts)
    notes: tuple[str, ...] = ()
    if facts.units == "GML":
        if facts.suv_type not in ("", "BW"):
            raise WrongImageError(
                f"The voxels are SUV of the kind '{facts.suv_type}' (SUV Type), not by body weight.",
                "Export the series as Bq/ml or as SUV by body weight.",
            )
        return _factor(1.0, lean_share, missing_lean, None, ("The voxels are SUV by body weight as stored.",))
    _require_corrections(facts)
    if facts.units == "CNTS":
        if facts.philips_suv_factor is not None:
            notes = ("SUV from Philips' private SUV scale factor (7053,1000).",)
            return _factor(facts.philips_suv_factor, lean_share, missing_lean, None, notes)
        if facts.philips_activity_factor is None:
            raise _missing(
                "a factor for counts (Philips SUV Scale Factor 7053,1000 or Activity Concentration 7053,1009)"
            )
        to_activity, notes = facts.philips_activity_factor, ("Counts to Bq/ml by Philips' private factor (7053,1009).",)
    elif facts.units == "BQML":
        to_activity = 1.0
    elif not facts.units:
        raise _missing("Units (0054,1001)")
    else:
        raise WrongImageError(
            f"PET values in '{facts.units}' (Units) cannot be turned into SUV.", "Use a series in Bq/ml (BQML)."
        )
    weight_kg = _weight(facts)
    dose_bq, decay_s, dose_notes = _dose_at_reference(facts)
    return _factor(to_activity * weight_kg * 1000 / dose_bq, lean_share, missing_lean, decay_s, (*notes, *dose_notes))


def lean_body_mass_kg(weight_kg: float, height_m: float, sex: str) -> float:
    """Return lean body mass, kg.

    Parameters
    ----------
    sex : ``M`` or ``F``

    References
    ----------
    Janmahasatian S, et al. Quantification of lean bodyweight. Clin Pharmacokinet 2005, 44(10), 1051-1065.
    """
    if sex not in ("M", "F"):
        raise ValueError("Lean body mass is stated for the sexes M and F.")
    base, slope = (6680.0, 216.0) if sex == "M" else (8780.0, 244.0)
    return 9270.0 * weight_kg / (base + slope * weight_kg / height_m**2)


def _factor(
    body_weight: float, lean_share: float | None, lean_missing: str, decay_s: float | None, notes: tuple[str, ...]
) -> SuvFactor:
    lean = None if lean_share is None else body_weight * lean_share
    return SuvFactor(body_weight, lean, lean_missing, decay_s, notes)


def _lean_share(facts: PetFacts) -> tuple[str, float | None]:
    """Return what is missing for SUL, and lean body mass as a share of the weight."""
    lacking = []
    if facts.weight_kg is None or not _WEIGHT_KG[0] <= facts.weight_kg <= _WEIGHT_KG[1]:
        lacking.append("Patient's Weight (0010,1030)")
    if facts.height_m is None or not _HEIGHT_M[0] <= facts.height_m <= _HEIGHT_M[1]:
        lacking.append("Patient's Size (0010,1020) in metres")
    if facts.sex not in ("M", "F"):
        lacking.append("Patient's Sex (0010,0040) as M or F")
    if lacking or facts.weight_kg is None or facts.height_m is None:
        return ", ".join(lacking), None
    return "", lean_body_mass_kg(facts.weight_kg, facts.height_m, facts.sex) / facts.weight_kg


def _require_corrections(facts: PetFacts) -> None:
    if "ATTN" not in facts.corrections:
        raise WrongImageError(
            "The PET series is not corrected for attenuation (Corrected Image 0028,0051 lacks ATTN).",
            "Choose the attenuation corrected series.",
        )
    if "DECY" not in facts.corrections:
        raise WrongImageError(
            "The PET series is not corrected for decay (Corrected Image 0028,0051 lacks DECY).",
            "Choose a decay corrected series.",
        )


def _weight(facts: PetFacts) -> float:
    if facts.weight_kg is None:
        raise _missing("Patient's Weight (0010,1030)")
    if not _WEIGHT_KG[0] <= facts.weight_kg <= _WEIGHT_KG[1]:
        raise WrongImageError(
            f"Patient's Weight (0010,1030) is {facts.weight_kg:g}, which is no weight in kg.", "State the weight."
        )
    return facts.weight_kg


def _dose_at_reference(facts: PetFacts) -> tuple[float, float, tuple[str, ...]]:
    """Return the dose (Bq) left at the time the voxels are corrected to, the seconds until then, and notes."""
    if facts.dose_bq is None:
        raise _missing("Radionuclide Total Dose (0018,1074)")
    if not _LEAST_DOSE_BQ <= facts.dose_bq <= _LARGEST_DOSE_BQ:
        raise WrongImageError(
            f"Radionuclide Total Dose (0018,1074) is {facts.dose_bq:g}, which is no dose in Bq.",
            "State the dose in Bq.",
        )
    if facts.decay_correction == "ADMIN":
        return facts.dose_bq, 0.0, ("The values are corrected to the injection: the dose counts undecayed.",)
    if facts.decay_correction != "START":
        if facts.decay_correction:
            raise WrongImageError(
                f"Decay Correction (0054,1102) is '{facts.decay_correction}': the time that the values are "
                "corrected to is not known.",
                "Choose a series corrected to the start of the scan or to the injection.",
            )
        raise _missing("Decay Correction (0054,1102)")
    if facts.half_life_s is None:
        raise _missing("Radionuclide Half Life (0018,1075)")
    if facts.injected is None:
        raise _missing("Radiopharmaceutical Start Time (0018,1072) or Start Date Time (0018,1078)")
    scan, note = _scan_start(facts)
    injected, notes = facts.injected, [note]
    if not facts.injected_has_date and injected > scan:
        injected -= timedelta(days=1)
        notes.append("The injection is stated without its day and later in the day than the scan: the day before.")
    decay_s = (scan - injected).total_seconds()
    if not 0 <= decay_s <= _LONGEST_HALF_LIVES * facts.half_life_s:
        raise WrongImageError(
            f"The scan began {decay_s / 60:.0f} minutes after the injection as the file states it: one of both times "
            "is wrong (Series Time 0008,0031, Radiopharmaceutical Start Time 0018,1072).",
            "State when the tracer was injected.",
        )
    return facts.dose_bq * 2 ** (-decay_s / facts.half_life_s), decay_s, tuple(notes)


def _scan_start(facts: PetFacts) -> tuple[datetime, str]:
    """Return the time that values 'corrected to START' are corrected to, and which attribute said so.

    The series' time, unless it is later than the first acquisition: then the series was made anew afterwards.
    """
    series, first = facts.series_time, facts.first_acquisition
    if series is not None and (first is None or series <= first):
        return series, "Decay is counted from the injection to the Series Time (0008,0031)."
    if facts.private_scan_time is not None:
        return facts.private_scan_time, "Decay is counted to GE's private scan time (0009,100D)."
    if first is None:
        raise _missing("Series Time (0008,0031)")
    if facts.frame_reference_s is None or facts.frame_duration_s is None or facts.half_life_s is None:
        raise WrongImageError(
            "The Series Time (0008,0031) is later than the acquisition, and Frame Reference Time (0054,1300) or Actual "
            "Frame Duration (0018,1242) is missing: the time that the values are corrected to is not known.",
            "Use the series as the scanner made it.",
        )
    into_frame = _mean_count_time(facts.frame_duration_s, facts.half_life_s)
    start = first + timedelta(seconds=into_frame - facts.frame_reference_s)
    return start, "Decay is counted to the first frame's Acquisition Time less its Frame Reference Time (0054,1300)."


def _mean_count_time(duration_s: float, half_life_s: float) -> float:
    """Return when, within a frame, the activity has its mean over the frame, s."""
    decay = math.log(2) / half_life_s
    if duration_s <= 0:
        return 0.0
    in_frame = decay * duration_s
    return math.log(in_frame / -math.expm1(-in_frame)) / decay


def _missing(what: str) -> WrongImageError:
    return WrongImageError(f"No SUV: the PET files do not state {what}.", "State it, or use the original series.")
