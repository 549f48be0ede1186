"""The panel of AI Segmentation with a result."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from Testing.Host import running
from Testing.Pictures.demo_chest import demo_chest, wait_for
from Testing.Pictures.panels import ROOT
from Testing.Pictures.scene_views import photograph_3d, photograph_slices, stand_at

_VIEWS = ("Red", "Green", "Yellow")


def photograph(folder: Path, other_states: bool = False) -> None:
    """Write the panel, the slice views, the 3D view, and the panel with a model of two inputs.

    With `other_states` also the panel empty, running and with an error.
    """
    with running() as host:
        panel = host.open_module(ROOT / "AIImaging" / "AISegmentation")
        if other_states:
            panel.photograph(folder / "panel_segmentation_empty.png")
        volume = demo_chest(host.scene)
        panel.choose("inputSelector", volume)
        panel.click("applyButton")
        run = panel.widget._runs[0][0]
        if other_states:
            wait_for(host, run, 0.3)
            panel.photograph(folder / "panel_segmentation_running.png")
        wait_for(host, run)
        panel.photograph(folder / "panel_segmentation.png")
        bounds = [0.0] * 6
        volume.GetRASBounds(bounds)
        middle = [(low + high) / 2 for low, high in zip(bounds[::2], bounds[1::2], strict=True)]
        stand_at(host.scene, _VIEWS, middle, 1.05 * (bounds[1] - bounds[0]))
        photograph_slices(host.scene, [("", volume, _VIEWS)], folder / "segmentation_slices.png")
        panel.click("surfacesButton")
        photograph_3d(host.scene, run.nodes.segmentation, folder / "segmentation_3d.png")
        if other_states:
            empty = host.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "Not loaded")
            panel.choose("inputSelector", empty)
            panel.click("applyButton")
            panel.photograph(folder / "panel_segmentation_error.png")
    with tempfile.TemporaryDirectory() as place, running() as host:
        os.environ["AIIMAGING_MODELS"] = str(_store_of_two_inputs(Path(place)))
        panel = host.open_module(ROOT / "AIImaging" / "AISegmentation")
        first, second = _two_volumes(host.scene)
        panel.choose("modelComboBox", "Two inputs (installed)")
        panel.choose("inputSelector", first)
        if other_states:
            panel.photograph(folder / "panel_segmentation_input_missing.png")
        panel.choose("furtherInput1Selector", second)
        panel.click("applyButton")
        wait_for(host, panel.widget._runs[0][0])
        panel.photograph(folder / "panel_segmentation_inputs.png")


def _store_of_two_inputs(folder: Path) -> Path:
    """Return a store with the network of the tests that takes two images, under a name that claims nothing."""
    sys.path.insert(0, str(ROOT / "Testing" / "Python"))
    from two_input_packages import write_two_input_package

    from AIImagingLogic.models.card import ModelCard
    from AIImagingLogic.models.formats.open_package import open_package
    from AIImagingLogic.models.store.model_store import ModelStore
    from AIImagingLogic.records.progress import Progress

    package = write_two_input_package(folder / "two")
    card = open_package(package).card.to_json()
    words = {"id": "two-inputs", "inputs": ["T1", "T1 after contrast"], "intended_use": "An example of two inputs."}
    ModelStore(folder / "store").import_path(package, ModelCard.from_json({**card, **words}), Progress())
    return folder / "store"


def _two_volumes(scene: Any) -> list[Any]:
    from two_input_packages import two_images

    from AIImagingLogic.scene.volumes import volume_node_from_image

    names = ("Head T1", "Head T1 contrast")
    return [volume_node_from_image(image, scene, name) for image, name in zip(two_images(), names, strict=True)]
