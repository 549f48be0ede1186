"""Interactive models of the user behind the refiner's protocol: where clicks go, and what is said when one is missing.

The networks and the package are stand-ins with the real ones' calls and weights made here: see `interactive_packages`.
"""

from __future__ import annotations

import sys

import numpy as np
import pytest
import SimpleITK as sitk

from AIImagingLogic.images.geometry import index_to_world, paste
from AIImagingLogic.images.info import describe
from AIImagingLogic.models.interactive import opening
from AIImagingLogic.models.interactive.presence import Kind, find_interactive, interactive_models
from AIImagingLogic.models.interactive.ras_array import RasArray
from AIImagingLogic.models.store.model_store import ModelStore
from AIImagingLogic.records.boxes import OrientedBox
from AIImagingLogic.records.errors import GeometryError, ModelError
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.prompts import Prompts, Stroke
from AIImagingLogic.tasks.any_refinement import open_any_refinement, refiner_use
from Testing.Python.carried_visits import SHIFT_MM, TURN, visits
from Testing.Python.interactive_packages import (
    VistaStandIn,
    stand_in_card,
    write_deepedit,
    write_nninteractive,
    write_vista3d,
    write_weights,
)

pytest.importorskip("torch")
pytest.importorskip("monai")

# The second visit: axes exchanged, all flipped, voxels of three sizes. The object is lopsided.
VISIT = visits(noise=0.0)[1]
KNOB_MM = tuple((TURN @ [9.0, 7.0, 5.0] + SHIFT_MM).tolist())
FAR_MM = tuple((TURN @ [-14.0, -13.0, -12.0] + SHIFT_MM).tolist())


@pytest.fixture(autouse=True)
def empty_handed(tmp_path, monkeypatch):
    """Nothing of the user's is on this computer but what a test puts there."""
    monkeypatch.setenv("AIIMAGING_MODELS", str(tmp_path / "store"))
    monkeypatch.setenv("NNINTERACTIVE_MODEL_DIR", str(tmp_path / "weights"))
    opening._loaded.cache_clear()
    yield
    opening._loaded.cache_clear()
    for name in [name for name in sys.modules if name.partition(".")[0] == "nnInteractive"]:
        del sys.modules[name]


def _whole(session, prompts, start=None):
    before = sitk.Image(VISIT.image.GetSize(), sitk.sitkUInt8) if start is None else start
    before.CopyInformation(VISIT.image)
    return sitk.GetArrayFromImage(paste(session.refine(prompts, Progress()), before)) > 0


def _like(flags):
    image = sitk.GetImageFromArray(flags.astype(np.uint8))
    image.CopyInformation(VISIT.image)
    return image


def _dice(one, other):
    return 2 * (one & other).sum() / (one.sum() + other.sum())


def _middle(flags):
    return index_to_world(VISIT.image, np.argwhere(flags)[:, ::-1]).mean(axis=0)


def _deepedit(tmp_path):
    ModelStore().import_path(write_deepedit(tmp_path / "bundle"), stand_in_card("knobby-deepedit"), Progress())
    return "deepedit:knobby-deepedit"


@pytest.mark.parametrize(
    "direction", [(0, 1, 0, 0, 0, -1, 1, 0, 0), (0.8, -0.6, 0, 0.48, 0.64, 0.6, -0.36, -0.48, 0.8)]
)
def test_an_array_of_monai_has_its_axes_to_the_right_front_and_top_and_goes_back_voxel_by_voxel(direction):
    voxels = np.random.default_rng(0).normal(size=(5, 6, 7)).astype(np.float32)
    image = sitk.GetImageFromArray(voxels)
    image.SetSpacing((0.7, 1.3, 2.9))
    image.SetOrigin((4.0, -9.0, 30.0))
    image.SetDirection(direction)
    ras = RasArray(image)
    array = ras.voxels()
    for index in [(0, 0, 0), (6, 2, 4), (3, 5, 1)]:
        place = image.TransformIndexToPhysicalPoint(index)
        x, y, z = np.rint(ras.indices([place])[0]).astype(int)
        assert array[x, y, z] == voxels[index[::-1]]
    steps = ras.indices(np.array([[-1.0, 0, 0], [0, -1, 0], [0, 0, 1]])) - ras.indices(np.zeros((1, 3)))
    assert np.all(np.diag(steps) > 0)
    back = ras.back(array)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(back), voxels)
    assert back.GetDirection() == image.GetDirection() and back.GetOrigin() == image.GetOrigin()


def test_guidance_is_what_monai_makes_of_the_same_clicks():
    from monai.apps.deepedit.transforms import AddGuidanceSignalDeepEditd

    from AIImagingLogic.models.interactive.deepedit import guidance

    clicks = [[3, 20, 8], [15, 4, 11]]
    made = AddGuidanceSignalDeepEditd(keys="image", guidance="guidance")(
        {"image": np.zeros((1, 18, 24, 14), np.float32), "guidance": {"knobby": clicks, "background": []}}
    )["image"]
    np.testing.assert_allclose(guidance(np.array(clicks), (18, 24, 14)), made[1], atol=1e-6)
    np.testing.assert_array_equal(guidance(np.zeros((0, 3), int), (18, 24, 14)), made[2])


def test_clicks_reach_a_deepedit_bundle_where_they_were_made(tmp_path):
    model = _deepedit(tmp_path)
    session = open_any_refinement(VISIT.image, describe(VISIT.image), None, model)
    found = _whole(session, Prompts(inside_mm=(KNOB_MM,)))
    assert _dice(found, VISIT.truth) > 0.93
    added = _whole(session, Prompts(inside_mm=(KNOB_MM, FAR_MM))) & ~found
    removed = found & ~_whole(session, Prompts(inside_mm=(FAR_MM,), outside_mm=(KNOB_MM,)))
    assert min(added.sum(), removed.sum()) > 30
    np.testing.assert_allclose(_middle(added), FAR_MM, atol=1.7)
    # Only what was bright there goes: its middle lies toward the object.
    np.testing.assert_allclose(_middle(removed), KNOB_MM, atol=3.0)
    again = _whole(session, Prompts(inside_mm=(KNOB_MM,)))
    np.testing.assert_array_equal(again, found)


@pytest.mark.parametrize("window", [24, 48])
def test_clicks_reach_vista3d_where_they_were_made(tmp_path, window):
    from AIImagingLogic.models.interactive.vista3d import Vista3DRefiner

    network = VistaStandIn()
    refiner = Vista3DRefiner(stand_in_card("vista"), write_vista3d(tmp_path / "bundle", window), network)
    begun = VISIT.truth.copy()
    begun[:, :, : begun.shape[2] // 2] = False
    session = refiner.open(VISIT.image, describe(VISIT.image), _like(begun))
    found = _whole(session, Prompts(inside_mm=(KNOB_MM, tuple(SHIFT_MM.tolist()))), _like(begun))
    if window == 48:
        assert _dice(found, VISIT.truth) > 0.9
    assert all(previous is not None and (previous > 0).any() for previous in network.previous)
    added = _whole(session, Prompts(inside_mm=(KNOB_MM, FAR_MM)), _like(begun)) & ~VISIT.truth & ~found
    assert added.sum() > 30
    np.testing.assert_allclose(_middle(added), FAR_MM, atol=1.7)


def test_prompts_reach_nninteractive_where_they_were_made_and_only_new_ones(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(write_nninteractive(tmp_path / "site")))
    write_weights(tmp_path / "weights")
    (model,) = (found for found in interactive_models() if found.kind is Kind.NNINTERACTIVE)
    session = open_any_refinement(VISIT.image, describe(VISIT.image), _like(VISIT.truth), model.id)
    found = _whole(session, Prompts(inside_mm=(FAR_MM,)), _like(VISIT.truth))
    np.testing.assert_allclose(_middle(found & ~VISIT.truth), FAR_MM, atol=0.9)
    line = (FAR_MM, KNOB_MM)
    more = Prompts((FAR_MM,), (KNOB_MM,), (Stroke(line, True),))
    _whole(session, more, _like(VISIT.truth))
    running = sys.modules["nnInteractive.inference.inference_session"].made[-1]
    assert running.calls == ["reset", "initial", "point", "scribble", "point"]
    again = _whole(session, Prompts(inside_mm=(FAR_MM,)), _like(VISIT.truth))
    np.testing.assert_array_equal(again, found)
    box = Prompts(box=OrientedBox(tuple(SHIFT_MM.tolist()), (30.0, 30.0, 30.0)))
    flat = _whole(open_any_refinement(VISIT.image, describe(VISIT.image), None, model.id), box)
    assert flat.any() and not (flat & ~VISIT.truth).any() and 1 in np.ptp(np.argwhere(flat), axis=0) + 1


def test_only_what_is_here_is_listed_with_its_licence_and_where_that_is_said(tmp_path, monkeypatch):
    assert interactive_models() == ()
    deepedit = _deepedit(tmp_path)
    write_weights(tmp_path / "weights", licence=None)
    assert [model.id for model in interactive_models()] == [deepedit]
    monkeypatch.syspath_prepend(str(write_nninteractive(tmp_path / "site")))
    first, second = interactive_models()
    assert first.licence.startswith("CC BY-NC-SA 4.0") and "github.com/MIC-DKFZ/nnInteractive" in first.licence_source
    assert (second.id, second.licence) == (deepedit, "Apache-2.0")
    assert refiner_use(first.id).model_id == "nninteractive:nnInteractive_v1.0"
    write_weights(tmp_path / "other", "My own licence\n")
    monkeypatch.setenv("NNINTERACTIVE_MODEL_DIR", str(tmp_path / "other"))
    assert interactive_models()[0].licence == "My own licence"


def test_what_is_missing_is_said_with_what_to_do(tmp_path, monkeypatch):
    with pytest.raises(ModelError, match="nnInteractive, which is not installed"):
        find_interactive("nninteractive:nnInteractive_v1.0")
    monkeypatch.syspath_prepend(str(write_nninteractive(tmp_path / "site")))
    with pytest.raises(ModelError, match="weights of 'nninteractive:nnInteractive_v1.0'") as raised:
        find_interactive("nninteractive:nnInteractive_v1.0")
    assert "CC BY-NC-SA 4.0" in str(raised.value)
    with pytest.raises(ModelError, match="Import its bundle"):
        open_any_refinement(VISIT.image, describe(VISIT.image), None, "vista3d:none")
    broken = tmp_path / "broken" / "models" / "nnInteractive_broken"
    (broken / "fold_0").mkdir(parents=True)
    monkeypatch.setenv("NNINTERACTIVE_MODEL_DIR", str(tmp_path / "broken"))
    with pytest.raises(ModelError, match="cannot read the weights in 'nnInteractive_broken': bad magic number"):
        open_any_refinement(VISIT.image, describe(VISIT.image), None, "nninteractive:nnInteractive_broken")


def test_without_its_weights_a_vista3d_bundle_says_so(tmp_path):
    ModelStore().import_path(write_vista3d(tmp_path / "bundle"), stand_in_card("vista"), Progress())
    with pytest.raises(ModelError, match="lacks its weights"):
        open_any_refinement(VISIT.image, describe(VISIT.image), None, "vista3d:vista")


def test_with_nothing_shown_inside_and_no_outline_a_model_of_points_asks_for_a_click(tmp_path):
    session = open_any_refinement(VISIT.image, describe(VISIT.image), None, _deepedit(tmp_path))
    with pytest.raises(GeometryError, match="Nothing was shown"):
        session.refine(Prompts(outside_mm=(KNOB_MM,)), Progress())
