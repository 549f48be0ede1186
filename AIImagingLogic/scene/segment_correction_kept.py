"""The prompts of accepted corrections, kept with the segmentation: they can be carried to another visit later."""

from __future__ import annotations

import json
from typing import Any

from AIImagingLogic.records.prompts import Prompts
from AIImagingLogic.scene.segment_correction_prompts import joined

PROMPTS = "AIImaging.Prompts"
_VOLUME_ROLE = "AIImaging.PromptsVolume."


def keep_prompts(segmentation_node: Any, segment_id: str, volume_node: Any, prompts: Prompts) -> None:
    """Keep what was shown of a segment on a volume, LPS mm of it, after what was kept before on the same volume."""
    if prompts.empty:
        return
    volume, before = kept_prompts(segmentation_node, segment_id)
    entries = _entries(segmentation_node)
    together = joined([before, prompts]) if volume is volume_node else prompts
    entries[segment_id] = together.to_json()
    segmentation_node.SetAttribute(PROMPTS, json.dumps(entries))
    segmentation_node.SetNodeReferenceID(_VOLUME_ROLE + segment_id, volume_node.GetID())


def kept_prompts(segmentation_node: Any, segment_id: str) -> tuple[Any | None, Prompts]:
    """Return the volume on which a segment was corrected and what was shown there, LPS mm; None and nothing else."""
    entry = _entries(segmentation_node).get(segment_id)
    volume = segmentation_node.GetNodeReference(_VOLUME_ROLE + segment_id)
    if entry is None or volume is None:
        return None, Prompts()
    return volume, Prompts.from_json(entry)


def _entries(segmentation_node: Any) -> dict[str, Any]:
    text = segmentation_node.GetAttribute(PROMPTS)
    return json.loads(text) if text else {}
