"""The panel of AI Follow-up with a result, and both visits as its compare view shows them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from Testing.Host import running
from Testing.Pictures.demo_chest import wait_for
from Testing.Pictures.panels import ROOT

_VIEW_PIXELS = 360
_ROWS = (("Baseline", "Baseline"), ("FollowUp", "Follow-up"))
_PLANES = ("Axial", "Coronal", "Sagittal")


def photograph(folder: Path, other_states: bool = False) -> None:
    """Write panel_follow_up.png and compare_visits.png; with `other_states` also the panel empty and running."""
    with running() as host:
        panel = host.open_module(ROOT / "AIImaging" / "AIFollowUp")
        if other_states:
            panel.photograph(folder / "panel_follow_up_empty.png")
        for selector, volume in zip(("baselineSelector", "followUpSelector"), _phantom(host), strict=True):
            panel.choose(selector, volume)
        panel.click("applyButton")
        run = panel.widget._runs[0][0]
        if other_states:
            wait_for(host, run, 0.4)
            panel.photograph(folder / "panel_follow_up_running.png")
        wait_for(host, run)
        panel.click("nextButton")
        panel.photograph(folder / "panel_follow_up.png")
        _photograph_views(host.scene, run.nodes.visits, folder / "compare_visits.png")


def _phantom(host: Any) -> tuple[Any, ...]:
    """Take the phantom from the sample data, as a user does."""
    from AIImagingLib.chest_phantom import make_chest_phantom

    run = make_chest_phantom()
    wait_for(host, run)
    volumes: tuple[Any, ...] = run.nodes
    return volumes


def _photograph_views(scene: Any, visits: Any, path: Path) -> None:
    """Draw each view of the compare layout where it stands now, with what is shown in it alone."""
    from AIImagingLogic.scene import slice_view
    from AIImagingLogic.scene.node_attributes import VOLUME_ROLE
    from AIImagingLogic.scene.picture_canvas import PictureCanvas

    canvas = PictureCanvas(len(_PLANES) * _VIEW_PIXELS, len(_ROWS) * _VIEW_PIXELS)
    for row, ((name, title), visit) in enumerate(zip(_ROWS, visits, strict=True)):
        volume = visit.points.GetNodeReference(VOLUME_ROLE)
        for column, plane in enumerate(_PLANES):
            node = scene.GetSingletonNode(f"{name}{plane}", "vtkMRMLSliceNode")
            to_ras, field_of_view_mm = node.GetSliceToRAS(), node.GetFieldOfView()[0]
            right, anterior, superior = (to_ras.GetElement(axis, 3) for axis in range(3))
            # The view's own node: what is shown in this view alone is drawn.
            slice_view._NAME = f"{name}{plane}"
            view = slice_view.SliceView(scene, _VIEW_PIXELS, _VIEW_PIXELS, markups=True)
            pixels, letters = view.picture(volume, plane, (-right, -anterior, superior), field_of_view_mm)
            x, y = column * _VIEW_PIXELS, row * _VIEW_PIXELS
            canvas.place(pixels, x, y)
            canvas.write(f"{title}, {plane.lower()}", x + 8, y + 14, bold=True)
            canvas.write(letters[0], x + 8, y + _VIEW_PIXELS / 2)
            canvas.write(letters[1], x + _VIEW_PIXELS - 8, y + _VIEW_PIXELS / 2, align="right")
    canvas.save(path)
