"""The panel of AI Follow-up with lesions that were drawn on two PET scans, and its compare view."""

from __future__ import annotations

from pathlib import Path

from AIImagingLogic.scene.node_attributes import VOLUME_ROLE
from Testing.Host import running
from Testing.Pictures.demo_chest import wait_for
from Testing.Pictures.panels import ROOT
from Testing.Pictures.pet_phantom import pet_visits
from Testing.Pictures.scene_views import PLANES, photograph_slices

_ROWS = (("Baseline", "Baseline"), ("FollowUp", "Follow-up"))


def photograph(folder: Path, other_states: bool = False) -> None:
    """Write the panel with a lesion chosen, and both visits at that lesion."""
    with running() as host:
        panel = host.open_module(ROOT / "AIImaging" / "AIFollowUp")
        volumes, _drawn = pet_visits(host.scene)
        for selector, volume in zip(("visitSelector1", "visitSelector2"), volumes, strict=True):
            panel.choose(selector, volume)
        panel.choose("lesionsComboBox", "given for each visit; any modality")
        panel.click("applyButton")
        run = panel.widget._runs[0][0]
        wait_for(host, run)
        # The lesion in the liver: its surroundings show.
        panel.click("nextButton")
        panel.click("nextButton")
        panel.photograph(folder / "panel_follow_up_given.png")
        rows = [
            (heading, visit.points.GetNodeReference(VOLUME_ROLE), [f"{name}{plane}" for plane in PLANES])
            for (name, heading), visit in zip(_ROWS, run.nodes.visits, strict=True)
        ]
        photograph_slices(host.scene, rows, folder / "compare_visits_pet.png")
