"""Registrations from visit to visit: across modalities, lesions of the earlier visit get a fine stage."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
from followup_records import QUALITY, nodule
from registration_phantom import AXES, Points, scanned

from AIImagingLogic.images.info import describe
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.provenance import make_provenance
from AIImagingLogic.records.registration import Registration
from AIImagingLogic.records.timeline import Visit
from AIImagingLogic.tasks import visit_registrations
from AIImagingLogic.tasks.visit_registrations import register_visits

_LESION = (12.0, -14.0, 10.0)
_SPACING = (2.0, 2.0, 2.0)


def _shifted(points: Points) -> Points:
    """Return where tissue lies at rest: at the lesion 5 mm away, less around it."""
    squared = ((points - _LESION) ** 2).sum(axis=1)
    return points + np.exp(-squared / (2 * 12.0**2))[:, None] * [0, -4.0, 3.0]


def _coarse(*images: object, **options: object) -> Registration:
    """Return what leaves all as it lies: it misses the lesion."""
    provenance = make_provenance("register", [], [])
    return Registration(sitk.AffineTransform(3), "deformable", QUALITY, provenance)


def _registered(kind: str, progress: Progress) -> Registration:
    images = [
        scanned(_shifted, AXES["straight"], _SPACING),
        scanned(lambda points: points, AXES["straight"], _SPACING, seed=1),
    ]
    infos = [describe(image, modality="MR") for image in images]
    visits = [
        Visit("baseline", infos[0], None, (nodule("1", _LESION),)),
        Visit("follow-up", infos[1], None, ()),
    ]
    (registration,), notes = register_visits(images, visits, [None, None], progress, kind)
    assert notes == ()
    assert registration is not None
    return registration


def _error(found: Registration) -> float:
    return float(np.linalg.norm(np.array(found.transform.TransformPoint(_LESION)) - _shifted(np.array([_LESION]))[0]))


def test_across_modalities_a_fine_stage_follows_around_each_lesion(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    monkeypatch.setattr(visit_registrations, "register_images", _coarse)
    fractions: list[float] = []
    found = _registered("deformable-mind", Progress(lambda fraction, message: fractions.append(fraction)))
    # A voxel of the images; it was five millimetres.
    assert _error(found) < 2
    assert fractions == sorted(fractions)
    assert found.provenance is not None
    assert found.provenance.parameters["fine registration"] == "around 1 of 1 lesions"
    assert "Fine registration around lesions" in [stage.name for stage in found.provenance.stages]


def test_of_one_modality_the_registration_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visit_registrations, "register_images", _coarse)
    found = _registered("deformable", Progress())
    assert _error(found) == pytest.approx(5, abs=0.01)
    assert found.provenance is not None
    assert "fine registration" not in found.provenance.parameters
