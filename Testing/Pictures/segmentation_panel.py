"""The panel of AI Segmentation with a result."""

from __future__ import annotations

from pathlib import Path

from Testing.Host import running
from Testing.Pictures.demo_chest import demo_chest, wait_for
from Testing.Pictures.panels import ROOT
from Testing.Pictures.scene_views import photograph_3d, photograph_slices, stand_at

_VIEWS = ("Red", "Green", "Yellow")


def photograph(folder: Path, other_states: bool = False) -> None:
    """Write the panel, the slice views and the 3D view.

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
