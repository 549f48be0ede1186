"""Brock's and Mayo's models: other published forms of the same equations, what is not known, who they are not for."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
import SimpleITK as sitk
from hypothesis import given
from hypothesis import strategies as st
from reviewed_findings import hand_made_visit

from AIImagingLogic.cli import main
from AIImagingLogic.followup.nodule_malignancy import MODELS, malignancy_risk
from AIImagingLogic.records.errors import WrongImageError
from AIImagingLogic.records.finding import Finding, ReviewStatus
from AIImagingLogic.records.json_form import load_record, save_record
from AIImagingLogic.records.measurement import measurement
from AIImagingLogic.records.timeline import Visit

_BROCK = {
    "age": 67.0,
    "female": True,
    "family_lung_cancer": False,
    "emphysema": True,
    "diameter_mm": 12.0,
    "attenuation": "part-solid",
    "upper_lobe": True,
    "count": 2.0,
    "spiculated": False,
}
_MAYO = {
    "age": 67.0,
    "ever_smoked": True,
    "earlier_cancer": False,
    "diameter_mm": 12.0,
    "spiculated": True,
    "upper_lobe": True,
}


def logistic(value: float) -> float:
    return math.exp(value) / (1 + math.exp(value))


def test_brock_equals_its_published_form_without_centring() -> None:
    # PMC6717521, table 2: the intercept 0.2761 goes with age, size and count as they are.
    value = 0.2761 + 0.0287 * 67 + 0.6011 + 0.2953 - 5.3854 * (12 / 10) ** -0.5 + 0.377 + 0.6581 - 0.0824 * 2
    risk = malignancy_risk("brock", _BROCK)
    assert risk.probability == pytest.approx(logistic(value), abs=1e-4)
    assert [entry.value for entry in risk.inputs][:2] == ["67 years", "yes"]


def test_mayo_equals_its_equation() -> None:
    value = -6.8272 + 0.0391 * 67 + 0.7917 + 0.1274 * 12 + 1.0407 + 0.7838
    assert malignancy_risk("mayo", _MAYO).probability == pytest.approx(logistic(value))


@given(st.sets(st.sampled_from(["female", "family_lung_cancer", "emphysema", "upper_lobe", "spiculated"])))
def test_the_range_holds_every_answer_to_what_was_not_known(unknown: set[str]) -> None:
    partly = malignancy_risk("brock", {**_BROCK, **dict.fromkeys(unknown)})
    for answer in (True, False):
        whole = malignancy_risk("brock", {**_BROCK, **dict.fromkeys(unknown, answer)})
        assert partly.low - 1e-12 <= whole.low == whole.high <= partly.high + 1e-12
    assert len(partly.missing) == len(unknown)
    assert (partly.probability is None) == bool(unknown)


@pytest.mark.parametrize("model", MODELS)
def test_a_larger_nodule_is_more_likely_malignant(model: str) -> None:
    facts = {**_BROCK, **_MAYO}
    risks = [malignancy_risk(model, {**facts, "diameter_mm": size}).low for size in (4.0, 8.0, 15.0, 30.0)]
    assert risks == sorted(risks)
    assert risks[0] < risks[-1]


def test_what_the_model_was_not_made_for_is_said_and_nonsense_refused() -> None:
    assert any("lies outside of 50 to 75" in note for note in malignancy_risk("brock", {**_BROCK, "age": 30.0}).notes)
    assert any(
        "lies outside of 4 to 30" in note for note in malignancy_risk("mayo", {**_MAYO, "diameter_mm": 40}).notes
    )
    for facts in ({**_BROCK, "age": None}, {**_BROCK, "diameter_mm": 0.0}, {**_BROCK, "attenuation": "calcified"}):
        with pytest.raises(WrongImageError):
            malignancy_risk("brock", facts)


def nodule(like: Finding, name: str, diameter_mm: float, kind: str) -> Finding:
    sizes = (measurement("long_axis", diameter_mm),)
    return replace(like, name=name, mask=None, measurements=sizes, descriptors={"attenuation": kind})


def test_the_command_takes_sizes_and_types_of_a_saved_detection(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    visit = hand_made_visit(1, sitk.Image([8, 8, 8], sitk.sitkInt16))
    like = visit.findings[0]
    findings = (
        nodule(like, "One", 12.0, "part-solid"),
        nodule(like, "Two", 6.0, "calcified"),
        replace(nodule(like, "Three", 9.0, "solid"), review=ReviewStatus.REJECTED),
    )
    save_record(replace(visit, findings=findings, organs=None), tmp_path / "result.json")
    assert load_record(Visit, tmp_path / "result.json").findings[0].name == "One"
    patient = ["--age", "67", "--sex", "female", "--family-lung-cancer", "no", "--emphysema", "yes"]
    about = ["--spiculated", "", "--upper-lobe", "1"]
    assert main(["nodule-risk", str(tmp_path / "result.json"), *patient, *about, "--json"]) == 0
    shown = capsys.readouterr()
    (answer,) = json.loads(shown.out)["nodules"]
    assert answer["brock"]["low"] == pytest.approx(malignancy_risk("brock", _BROCK).low)
    assert answer["mayo"]["missing"] == ["Ever smoked", "Cancer outside the chest, over five years ago"]
    assert "'Two' is calcified" in " ".join(shown.err.split())
    assert main(["nodule-risk", str(tmp_path / "result.json"), "--age", "67", "--spiculated", "5"]) != 0
    assert "no nodule 5" in " ".join(capsys.readouterr().err.split())
