"""The panel of AI Follow-up with a result, and both visits as its compare view shows them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from AIImagingLogic.scene.node_attributes import VOLUME_ROLE
from Testing.Host import running
from Testing.Pictures.demo_chest import wait_for
from Testing.Pictures.panels import ROOT
from Testing.Pictures.scene_views import PLANES, photograph_chart, photograph_slices, photograph_table

_ROWS = (("Baseline", "Baseline"), ("FollowUp", "Follow-up"))


def photograph(folder: Path, other_states: bool = False) -> None:
    """Write the panel, the compare view, the change table and the growth plot.

    With `other_states` also the panel empty and running.
    """
    with running() as host:
        panel = host.open_module(ROOT / "AIImaging" / "AIFollowUp")
        if other_states:
            panel.photograph(folder / "panel_follow_up_empty.png")
        for selector, volume in zip(("visitSelector1", "visitSelector2"), _phantom(host), strict=True):
            panel.choose(selector, volume)
        panel.click("applyButton")
        run = panel.widget._runs[0][0]
        if other_states:
            wait_for(host, run, 0.4)
            panel.photograph(folder / "panel_follow_up_running.png")
        wait_for(host, run)
        panel.click("nextButton")
        panel.photograph(folder / "panel_follow_up.png")
        nodes = run.nodes
        rows = [
            (heading, visit.points.GetNodeReference(VOLUME_ROLE), [f"{name}{plane}" for plane in PLANES])
            for (name, heading), visit in zip(_ROWS, nodes.visits, strict=True)
        ]
        photograph_slices(host.scene, rows, folder / "compare_visits.png")
        charts = [node for node in nodes.plots if node.IsA("vtkMRMLPlotChartNode")]
        photograph_chart(host.scene, charts[0], folder / "growth_plot.png")
        photograph_table(host.scene, nodes.change_table, folder / "change_table.png")


def _phantom(host: Any) -> tuple[Any, ...]:
    """Take the phantom from the sample data, as a user does."""
    from AIImagingLib.chest_phantom import make_chest_phantom

    run = make_chest_phantom()
    wait_for(host, run)
    volumes: tuple[Any, ...] = run.nodes
    return volumes
