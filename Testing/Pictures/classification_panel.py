"""The panel of AI Classification with a result: a network made by hand that sees a bright spot in a phantom."""

from __future__ import annotations

import dataclasses
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from Testing.Host import running
from Testing.Pictures.demo_chest import wait_for
from Testing.Pictures.panels import ROOT
from Testing.Pictures.scene_views import photograph_chart, photograph_slices, stand_at

_VIEWS = ("Red", "Green", "Yellow")
_SIZE, _SPACING_MM = (48, 96, 96), (1.6, 1.6, 2.4)
_SPOT, _SPOT_MM = (15, 62, 30), 10.3


def photograph(folder: Path, other_states: bool = False) -> None:
    """Write the panel, the slice views with the heat map, and the chart.

    With `other_states` also the panel without a model, and empty.
    """
    with tempfile.TemporaryDirectory() as place, running() as host:
        os.environ["AIIMAGING_MODELS"] = str(Path(place) / "none")
        if other_states:
            host.open_module(ROOT / "AIImaging" / "AIClassification").photograph(folder / "classification_none.png")
        os.environ["AIIMAGING_MODELS"] = str(_store(Path(place)))
        panel = host.open_module(ROOT / "AIImaging" / "AIClassification")
        if other_states:
            panel.photograph(folder / "panel_classification_empty.png")
        volume = _phantom_volume(host.scene)
        panel.choose("inputSelector", volume)
        panel.click("applyButton")
        wait_for(host, panel.widget._runs[0][0])
        panel.click("heatMapButton")
        panel.photograph(folder / "panel_classification.png")
        spot = volume.GetImageData().GetDimensions()
        middle = _world(volume, _SPOT[::-1])
        stand_at(host.scene, _VIEWS, middle, 1.3 * spot[0] * _SPACING_MM[0])
        photograph_slices(host.scene, [("", volume, _VIEWS)], folder / "classification_slices.png")
        chart = host.scene.GetFirstNodeByClass("vtkMRMLPlotChartNode")
        photograph_chart(host.scene, chart, folder / "classification_chart.png")


def _store(folder: Path) -> Path:
    """Return a store with the network of the tests, under a name that claims nothing."""
    sys.path.insert(0, str(ROOT / "Testing" / "Python"))
    from classification_packages import changed, grey_package

    from AIImagingLogic.models.classification_package import open_classification_package
    from AIImagingLogic.models.store.model_store import ModelStore
    from AIImagingLogic.records.progress import Progress

    plain = grey_package(folder / "plain", dimensions=3)
    package = changed(plain, folder / "spot", classes=["No spot", "Bright spot"], recipe={"axes": "LPS"})
    card = dataclasses.replace(
        open_classification_package(package).card,
        id="demonstration-bright-spot",
        name="Demonstration: bright spot",
        intended_use="For trying the panel on a phantom: a network made by hand, for no medical use.",
    )
    ModelStore(folder / "store").import_path(package, card, Progress())
    return folder / "store"


def _phantom_volume(scene: Any) -> Any:
    """Add a body of soft noise with one bright spot, its axes turned against the patient's."""
    from AIImagingLogic.scene.volumes import volume_node_from_image

    k, j, i = np.meshgrid(*[np.arange(size) for size in _SIZE], indexing="ij")
    body = ((k - 24) / 20) ** 2 + ((j - 48) / 40) ** 2 + ((i - 48) / 34) ** 2 < 1
    voxels = np.random.default_rng(1).normal(0, 0.03, _SIZE) + 0.15 * body
    steps = zip((k, j, i), _SPOT, _SPACING_MM[::-1], strict=True)
    square = sum(((axis - at) * step) ** 2 for axis, at, step in steps)
    voxels += np.exp(-square / (2 * _SPOT_MM**2))
    image = sitk.GetImageFromArray(voxels.astype(np.float32))
    image.SetSpacing(_SPACING_MM)
    image.SetDirection(sitk.Euler3DTransform((0, 0, 0), 0.1, -0.15, 0.2).GetMatrix())
    return volume_node_from_image(image, scene, "Phantom", window=(-0.1, 1.0))


def _world(volume: Any, index: tuple[int, ...]) -> list[float]:
    import vtk

    matrix = vtk.vtkMatrix4x4()
    volume.GetIJKToRASMatrix(matrix)
    return list(matrix.MultiplyPoint((*index, 1.0))[:3])
