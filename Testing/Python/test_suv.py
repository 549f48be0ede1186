"""SUV from what PET files state: by hand-computed values, and a refusal that names what is missing."""

from __future__ import annotations

import dataclasses
import zipfile
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from pydicom.dataset import Dataset

from AIImagingLogic.images.suv import SUV_UNIT, read_suv
from AIImagingLogic.images.suv_factor import lean_body_mass_kg, suv_factor
from AIImagingLogic.images.suv_facts import PetFacts, pet_facts
from AIImagingLogic.records.errors import WrongImageError

_DAY = datetime(2024, 3, 5)
_HALF_LIFE_S = 6586.2

# 70 kg, 350 MBq of fluorine-18 injected at 10:00, scan from 11:00.
FACTS = PetFacts(
    units="BQML",
    decay_correction="START",
    corrections=("DECY", "ATTN"),
    weight_kg=70.0,
    height_m=1.75,
    sex="F",
    dose_bq=350e6,
    half_life_s=_HALF_LIFE_S,
    injected=_DAY + timedelta(hours=10),
    series_time=_DAY + timedelta(hours=11),
    first_acquisition=_DAY + timedelta(hours=11),
)


def but(**changes: object) -> PetFacts:
    return dataclasses.replace(FACTS, **changes)  # type: ignore[arg-type]


def test_the_dose_decays_until_the_scan() -> None:
    factor = suv_factor(FACTS)
    assert factor.decay_s == 3600
    # By hand: 2^(-3600 / 6586.2) = .68463; 350 MBq leave 239.62 MBq; 70000 g / 239.62e6 Bq.
    assert factor.body_weight == pytest.approx(2.92130e-4, rel=1e-4)


def test_two_half_lives_leave_a_quarter_of_the_dose() -> None:
    factor = suv_factor(but(series_time=FACTS.injected + timedelta(seconds=2 * _HALF_LIFE_S), first_acquisition=None))
    assert factor.body_weight == pytest.approx(4 * 70e3 / 350e6)


def test_values_corrected_to_the_injection_take_the_whole_dose_and_no_times() -> None:
    factor = suv_factor(but(decay_correction="ADMIN", injected=None, series_time=None, half_life_s=None))
    assert factor.body_weight == pytest.approx(70e3 / 350e6)


def test_stored_suv_and_philips_counts_take_the_factors_of_the_file() -> None:
    assert suv_factor(but(units="GML", dose_bq=None, weight_kg=None)).body_weight == 1.0
    assert suv_factor(but(units="CNTS", philips_suv_factor=0.0005, dose_bq=None)).body_weight == 0.0005
    by_activity = suv_factor(but(units="CNTS", philips_activity_factor=2.0))
    assert by_activity.body_weight == pytest.approx(2 * suv_factor(FACTS).body_weight)


def test_lean_body_mass_is_that_of_janmahasatian() -> None:
    # By hand: BMI 70 / 1.75^2 = 22.857; 9270 x 70 / (8780 + 244 x 22.857), and / (6680 + 216 x 22.857).
    assert lean_body_mass_kg(70, 1.75, "F") == pytest.approx(45.20, abs=0.01)
    assert lean_body_mass_kg(70, 1.75, "M") == pytest.approx(55.85, abs=0.01)
    factor = suv_factor(FACTS)
    assert factor.lean_body_mass == pytest.approx(factor.body_weight * 45.20 / 70, rel=1e-3)
    unknown = suv_factor(but(height_m=None, sex="O"))
    assert unknown.lean_body_mass is None
    assert "(0010,1020)" in unknown.lean_missing and "(0010,0040)" in unknown.lean_missing
    assert unknown.body_weight == factor.body_weight


@pytest.mark.parametrize(
    ("facts", "named"),
    [
        (but(weight_kg=None), "0010,1030"),
        (but(weight_kg=7100.0), "0010,1030"),
        (but(dose_bq=None), "0018,1074"),
        (but(dose_bq=350.0), "0018,1074"),  # megabecquerels
        (but(half_life_s=None), "0018,1075"),
        (but(injected=None), "0018,1072"),
        (but(decay_correction=""), "0054,1102"),
        (but(decay_correction="NONE"), "0054,1102"),
        (but(corrections=("DECY",)), "ATTN"),
        (but(corrections=("ATTN",)), "DECY"),
        (but(units=""), "0054,1001"),
        (but(units="CNTS"), "7053,1000"),
        (but(units="PROPCPS"), "PROPCPS"),
        (but(units="GML", suv_type="IBW"), "IBW"),
        (but(series_time=None, first_acquisition=None), "0008,0031"),
        (but(series_time=_DAY + timedelta(hours=20)), "0054,1300"),  # made anew later, and no frame reference
        (but(injected=_DAY + timedelta(hours=12), injected_has_date=True), "0018,1072"),  # after the scan
    ],
)
def test_what_is_missing_or_wrong_is_refused_by_its_attribute(facts: PetFacts, named: str) -> None:
    with pytest.raises(WrongImageError) as refusal:
        suv_factor(facts)
    assert named in refusal.value.what
    assert refusal.value.advice


def test_an_injection_before_midnight_is_of_the_day_before_and_that_is_told() -> None:
    factor = suv_factor(
        but(
            injected=_DAY + timedelta(hours=23, minutes=30),
            series_time=_DAY + timedelta(minutes=30),
            first_acquisition=_DAY + timedelta(minutes=30),
        )
    )
    assert factor.decay_s == 3600
    assert any("day before" in note for note in factor.notes)


def test_a_series_made_anew_counts_decay_to_the_first_frame() -> None:
    """The frame of 240 s stands for the time at which the activity has its mean: a little before its middle."""
    later = but(
        series_time=_DAY + timedelta(hours=20),
        first_acquisition=_DAY + timedelta(hours=11, minutes=10),
        frame_reference_s=600 + 119.747,
        frame_duration_s=240.0,
    )
    # By hand: l = ln 2 / 6586.2, x = 240 l = .025258; ln(x / (1 - e^-x)) / l = 119.747 s: the scan began 11:00.
    assert suv_factor(later).decay_s == pytest.approx(3600, abs=0.01)
    at_ge = suv_factor(dataclasses.replace(later, private_scan_time=_DAY + timedelta(hours=11, minutes=1)))
    assert at_ge.decay_s == 3660


def header(**changes: object) -> Dataset:
    tracer = Dataset()
    tracer.RadiopharmaceuticalStartTime = "100000.00"
    tracer.RadionuclideTotalDose = "350000000"
    tracer.RadionuclideHalfLife = "6586.2"
    result = Dataset()
    result.RadiopharmaceuticalInformationSequence = [tracer]
    result.Units, result.DecayCorrection, result.CorrectedImage = "BQML", "START", ["DECY", "ATTN"]
    result.SeriesDate, result.SeriesTime = "20240305", "110000"
    result.AcquisitionDate, result.AcquisitionTime = "20240305", "110000"
    result.PatientWeight, result.PatientSize, result.PatientSex = "70", "1.75", "F"
    result.PatientName = "Doe^Jane"
    for name, value in changes.items():
        setattr(result, name, value)
    return result


def test_facts_are_those_of_the_slice_acquired_first_and_tell_nobody_who_it_was() -> None:
    facts = pet_facts([header(AcquisitionTime="112000", FrameReferenceTime="1200000"), header(), header()])
    assert facts == FACTS
    assert "Doe" not in repr(facts)


def test_private_factors_are_found_by_their_creator() -> None:
    philips = header(Units="CNTS")
    block = philips.private_block(0x7053, "Philips PET Private Group", create=True)
    block.add_new(0x00, "DS", "0.000587")
    block.add_new(0x09, "DS", "0.82")
    ge = header()
    ge.private_block(0x0009, "GEMS_PETD_01", create=True).add_new(0x0D, "DT", "20240305105500.00")
    assert suv_factor(pet_facts([philips])).body_weight == 0.000587
    assert pet_facts([philips]).philips_activity_factor == 0.82
    assert pet_facts([ge]).private_scan_time == _DAY + timedelta(hours=10, minutes=55)


def test_empty_attributes_are_missing_ones() -> None:
    facts = pet_facts([header(PatientWeight="", PatientSize=None, SeriesTime="", AcquisitionTime="", Units="")])
    assert (facts.weight_kg, facts.height_m, facts.series_time, facts.units) == (None, None, None, "")
    assert facts.first_acquisition is None


@pytest.fixture(scope="module")
def real_pet(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = Path(__file__).resolve().parents[3] / "shared" / "data" / "pet_ct"
    archive, reference = folder / "STS_001_wholebody_fdgpet_dicom_rtstruct.zip", folder / "STS_001_PET_image.nii.gz"
    if not archive.exists() or not reference.exists():
        pytest.skip("the real PET is not there")
    target = tmp_path_factory.mktemp("pet")
    with zipfile.ZipFile(archive) as files:
        files.extractall(target)
    return target, reference


def test_a_real_whole_body_pet_agrees_with_the_published_suv_of_its_crop(real_pet: tuple[Path, Path]) -> None:
    path, reference = real_pet
    suv = read_suv(path)
    # By hand from the header: 71 kg, 388777472 Bq at 10:35:00, series from 11:20:11, half life 6588 s.
    assert suv.factor.body_weight == pytest.approx(71e3 / (388777472 * 2 ** (-2711 / 6588)), rel=1e-9)
    assert suv.info.intensity_unit == SUV_UNIT
    published = sitk.ReadImage(str(reference))
    ours = sitk.Resample(suv.image, published, sitk.Transform(), sitk.sitkNearestNeighbor, 0.0)
    # The reference was rounded before it was published; SUVmax of the crop is 25.4.
    np.testing.assert_allclose(
        sitk.GetArrayFromImage(ours), sitk.GetArrayFromImage(published).astype(np.float32), atol=0.001
    )
    # Nothing of the person's size travels: the factor's notes alone do.
    assert "71" not in "".join(suv.info.notes)


def test_what_a_user_states_goes_before_the_files_and_is_told(real_pet: tuple[Path, Path]) -> None:
    path, _ = real_pet
    own = read_suv(path)
    stated = read_suv(path, completed=lambda facts: dataclasses.replace(facts, weight_kg=142.0))
    assert stated.factor.body_weight == pytest.approx(2 * own.factor.body_weight)
    assert any("weight_kg" in note and "user" in note for note in stated.info.notes)
