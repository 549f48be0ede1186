"""False-positive reduction as a user asks for it: behind the built-in detector, behind a package, from the terminal."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from small_chest import BALLS, small_chest

from AIImagingLogic.cli.arguments import make_parser
from AIImagingLogic.images.info import describe
from AIImagingLogic.models.builtin.multi_view_score import MultiViewScore
from AIImagingLogic.models.catalogue import model_card
from AIImagingLogic.models.network_detector import FoundBox
from AIImagingLogic.models.protocols import Candidate
from AIImagingLogic.records.boxes import OrientedBox
from AIImagingLogic.records.coding import concept
from AIImagingLogic.records.errors import ModelError
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.tasks import package_detection
from AIImagingLogic.tasks.detect import detect, find_nodules
from AIImagingLogic.tasks.false_positive_reduction import reduced


def score_by_place(
    self: MultiViewScore, image: sitk.Image, candidates: Sequence[Candidate], detector: str, progress: Progress
) -> np.ndarray:
    """Say 0.95 to what lies on the first ball, 0.3 to all else."""
    apart = [np.linalg.norm(np.subtract(candidate.position_mm, BALLS[0][0])) for candidate in candidates]
    return np.where(np.array(apart) < 7.0, 0.95, 0.3)


def test_built_in_candidates_go_through_the_stage_only_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    image = small_chest()
    info = describe(image, modality="CT", intensity_unit="HU")
    plain, _ = find_nodules(image, info, "baseline", Progress())
    assert len(plain.findings) == 2
    assert plain.provenance is not None
    assert plain.provenance.parameters == {}
    monkeypatch.setattr(MultiViewScore, "scores", score_by_place)
    visit, doubtful = find_nodules(image, info, "baseline", Progress(), false_positive_reduction=True)
    assert [finding.score for finding in visit.findings] == [0.95]
    assert np.linalg.norm(np.subtract(visit.findings[0].box.center_mm, BALLS[0][0])) < 3.0
    # The other ball is kept for a second look at a follow-up.
    apart = [np.linalg.norm(np.subtract(candidate.position_mm, BALLS[1][0])) for candidate in doubtful]
    assert min(apart) < 3.0
    assert visit.provenance is not None
    assert "lung-nodule-views" in [model.model_id for model in visit.provenance.models]
    assert visit.provenance.parameters == {"false_positive_reduction": "True"}


def detector_of(key: str, modality: str = "CT") -> Any:
    card = dataclasses.replace(model_card("ct-lung-nodules"), id="a-package", modality=modality)
    return SimpleNamespace(card=card, package=SimpleNamespace(concepts=(concept(key),)), least_score=0.5)


def test_boxes_of_a_package_are_ordered_and_left_out_by_their_new_score(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MultiViewScore, "scores", score_by_place)
    boxes = [OrientedBox(center, (size,) * 3) for center, size in (BALLS[1], BALLS[0])]
    found = [FoundBox(box, 0.9 - 0.1 * n, concept("lung-nodule")) for n, box in enumerate(boxes)]
    kept, notes = reduced(small_chest(), found, detector_of("lung-nodule"), Progress())
    assert kept == (dataclasses.replace(found[1], score=0.95),)
    assert "left out 1 of 2" in notes[0]
    assert "not fitted to this detector" in notes[1]


@pytest.mark.parametrize(("key", "modality"), [("lesion", "CT"), ("lung-nodule", "MR")])
def test_detector_of_something_else_is_refused_before_it_runs(
    monkeypatch: pytest.MonkeyPatch, key: str, modality: str
) -> None:
    detector = detector_of(key, modality)
    detector.package.organs = detector.package.outline = ""
    monkeypatch.setattr(package_detection, "open_detector", lambda model: detector)
    image = small_chest()
    with pytest.raises(ModelError, match="lung nodules of a CT only"):
        detect(image, describe(image), model="a package", false_positive_reduction=True)


def test_terminal_asks_for_it_with_one_word() -> None:
    parser = make_parser()
    assert not parser.parse_args(["detect", "ct.nii.gz", "-o", "out"]).false_positive_reduction
    assert parser.parse_args(
        ["detect", "ct.nii.gz", "-o", "out", "--false-positive-reduction"]
    ).false_positive_reduction
