"""A timeline kept in a scene is corrected there as after the run: outlines, organs and transforms are back."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from followup_records import SIZE, breathing_transform, info, lungs, nodule, provenance, registration, visit

from AIImagingLogic.followup.compared_visits import between_visits
from AIImagingLogic.followup.corrected_timeline import undo, with_correction
from AIImagingLogic.followup.corrections import break_link, not_a_lesion
from AIImagingLogic.followup.timeline import make_timeline
from AIImagingLogic.records.finding import Finding
from AIImagingLogic.records.timeline import LinkStatus, Timeline

pytest.importorskip("slicer", reason="needs slicer-core")


def _outlined(finding: Finding, radii_mm: tuple[float, float, float]) -> Finding:
    """Return the finding with an outline (an ellipsoid) on a part of the visits' grid."""
    grid = info()
    origin = np.array(grid.origin_mm)
    spacing = np.array(grid.spacing_mm)
    center = np.array(finding.box.center_mm)
    first = np.floor((center - origin) / spacing - np.array(radii_mm) / spacing - 1).astype(int)
    size = np.ceil(2 * np.array(radii_mm) / spacing + 3).astype(int)
    i, j, k = np.meshgrid(*(np.arange(count) for count in size), indexing="ij")
    places = (np.stack((i, j, k), -1) + first) * spacing + origin
    inside = (((places - center) / radii_mm) ** 2).sum(-1) <= 1
    mask = sitk.GetImageFromArray(inside.transpose(2, 1, 0).astype(np.uint8))
    mask.SetSpacing(grid.spacing_mm)
    mask.SetOrigin((first * spacing + origin).tolist())
    return dataclasses.replace(finding, mask=mask)


def _patient() -> Timeline:
    """Three visits under breathing, with a lesion that splits by its outline, and lungs that do not hold all places."""
    breathing = breathing_transform()
    inside = np.ones(SIZE[::-1], bool)
    inside[:, :, 70:] = False
    visits = []
    for index, label in enumerate(("baseline", "follow-up 1", "follow-up 2")):
        found = []
        places = {"1": (-40.0, -30.0, -40.0), "2": (20.0, 25.0, 30.0)}
        for name, place in places.items():
            point = place
            for _ in range(index):
                point = breathing.TransformPoint(point)
            found.append(_outlined(nodule(f"1.2.{index}.{name}", point, 8.0 + 3 * index), (6.0, 9.0, 5.0)))
        visits.append(visit(label, *found, organs=lungs(inside)))
    return make_timeline(tuple(visits), (registration(breathing), registration(breathing)), provenance())


def _saved_and_loaded(timeline: Timeline, folder: Path) -> Any:
    from AIImagingLogic.scene.empty_scene import make_scene
    from AIImagingLogic.scene.follow_up_results import add_follow_up_results
    from AIImagingLogic.scene.kept_timeline import keep_timeline, refer_to_sources
    from AIImagingLogic.scene.save import load_scene, save_scene

    scene = make_scene()
    nodes = add_follow_up_results(timeline, (None,) * len(timeline.visits), scene)
    refer_to_sources(nodes.change_table, timeline, nodes.transforms, [entry.organs for entry in nodes.visits])
    keep_timeline(nodes.change_table, timeline)
    name = nodes.change_table.GetName()
    save_scene(scene, folder / "kept.mrb")
    loaded = load_scene(folder / "kept.mrb")
    return loaded, loaded.GetFirstNodeByName(name)


def test_corrections_of_a_loaded_scene_are_those_of_the_run(tmp_path: Path) -> None:
    from AIImagingLogic.scene.kept_timeline import kept_timeline

    timeline = with_correction(_patient(), break_link(_patient(), 1, 2))
    # The scene is kept with it: nodes use the memory of its organs.
    truth = with_correction(timeline, not_a_lesion(timeline, 2))
    _scene, table = _saved_and_loaded(timeline, tmp_path)
    kept = kept_timeline(table)
    assert kept.lesions == timeline.lesions and kept.corrections == timeline.corrections
    for before, after in zip(timeline.visits, kept.visits, strict=True):
        for one, other in zip(before.findings, after.findings, strict=True):
            assert np.array_equal(*(sitk.GetArrayFromImage(entry.mask) for entry in (one, other)))
            assert one.mask.GetOrigin() == other.mask.GetOrigin()
        assert np.array_equal(*(sitk.GetArrayFromImage(entry.organs.image) for entry in (before, after)))
        assert after.organs.image.GetOrigin() == before.organs.image.GetOrigin()
    corrected = with_correction(kept, not_a_lesion(kept, 2))
    assert corrected.lesions == truth.lesions
    assert undo(undo(corrected)).lesions == _patient().lesions


def test_removed_transform_is_named(tmp_path: Path) -> None:
    from AIImagingLogic.records.errors import SceneError
    from AIImagingLogic.scene.kept_timeline import kept_timeline, registration_nodes

    scene, table = _saved_and_loaded(_patient(), tmp_path)
    scene.RemoveNode(registration_nodes(table, 2)[1])
    with pytest.raises(SceneError, match="The registration of follow-up 1 and follow-up 2 was removed"):
        kept_timeline(table)


def test_two_visits_compared_say_what_changed_between_them_alone() -> None:
    timeline = _patient()
    compared = between_visits(timeline, 0, 1).lesions[0]
    change = compared.change("mean_diameter")
    assert change is not None and (change.before, change.after) == (8.0, 11.0)
    assert compared.status is LinkStatus.MATCHED
    assert between_visits(timeline, 0, 2) is timeline
    with pytest.raises(ValueError, match="in order of time"):
        between_visits(timeline, 1, 1)
