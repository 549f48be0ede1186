"""How a corrected segment differs from what was proposed: on the segment, on the segmentation and as a table."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from AIImagingLogic.images.segment_tags import ALGORITHM_NAME, ALGORITHM_TYPE
from AIImagingLogic.records.json_form import Record
from AIImagingLogic.records.provenance import ModelUse, Provenance, make_provenance
from AIImagingLogic.scene.editor_rules_lattice import enclosing_box, lattice_of, segment_in, shape_of
from AIImagingLogic.scene.host import load_vtk
from AIImagingLogic.scene.node_names import unique_name
from AIImagingLogic.scene.provenance import mark, provenance_of
from AIImagingLogic.scene.segment_correction_proposal import proposal_of, segment_box
from AIImagingLogic.scene.tables import Column, fill_table, table_node

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CORRECTIONS = "AIImaging.Corrections"
CORRECTION_TAG = "AIImaging.Correction"
TABLE_ROLE = "AIImaging.CorrectionsTable"
_SEMIAUTOMATIC = "SEMIAUTOMATIC"
_MM3_PER_ML = 1000.0


@dataclass(frozen=True)
class CorrectedSegment(Record):
    """A segment against its proposal.

    Attributes
    ----------
    segment_id, name : which
    proposed_ml, final_ml : volumes, mL
    added_ml, removed_ml : what is in one of the two alone, mL
    dice : of proposal and final outline; None when nothing was proposed
    clicks : prompts shown, those taken back included
    seconds : from the first prompt of each correction to its end
    """

    segment_id: str
    name: str
    proposed_ml: float
    final_ml: float
    added_ml: float
    removed_ml: float
    dice: float | None
    clicks: int
    seconds: float


def corrected_segment(segmentation_node: Any, segment_id: str, clicks: int, seconds: float) -> CorrectedSegment:
    """Compare a segment with its proposal.

    Parameters
    ----------
    segmentation_node, segment_id : a segment whose proposal is kept
    clicks, seconds : of this correction; those of earlier ones are added

    Raises
    ------
    SceneError
        There is no such segment, or it was never corrected.
    """
    lattice = lattice_of(segmentation_node)
    proposals = proposal_of(segmentation_node, segment_id)
    extent, _mask = segment_box(segmentation_node, segment_id, lattice)
    before, _mask = segment_box(proposals, segment_id, lattice)
    if 0 in shape_of(extent) or 0 in shape_of(before):
        extent = before if 0 in shape_of(extent) else extent
    else:
        extent = enclosing_box(extent, before)
    proposed = segment_in(proposals, segment_id, lattice, extent)
    final = segment_in(segmentation_node, segment_id, lattice, extent)
    ml = abs(float(np.linalg.det(lattice.ijk_to_ras[:3, :3]))) / _MM3_PER_ML
    both, proposed_count, final_count = (int(np.count_nonzero(mask)) for mask in (proposed & final, proposed, final))
    earlier = {entry.segment_id: entry for entry in corrections_of(segmentation_node)}.get(segment_id)
    return CorrectedSegment(
        segment_id=segment_id,
        name=segmentation_node.GetSegmentation().GetSegment(segment_id).GetName(),
        proposed_ml=proposed_count * ml,
        final_ml=final_count * ml,
        added_ml=(final_count - both) * ml,
        removed_ml=(proposed_count - both) * ml,
        dice=2 * both / (proposed_count + final_count) if proposed_count else None,
        clicks=clicks + (earlier.clicks if earlier else 0),
        seconds=seconds + (earlier.seconds if earlier else 0.0),
    )


def corrections_of(segmentation_node: Any) -> tuple[CorrectedSegment, ...]:
    """Return what is recorded on a segmentation, a corrected segment each."""
    text = segmentation_node.GetAttribute(CORRECTIONS)
    return tuple(CorrectedSegment.from_json(entry) for entry in json.loads(text)) if text else ()


def record_correction(segmentation_node: Any, corrected: CorrectedSegment, models: Sequence[ModelUse]) -> Any:
    """Write a correction on the segmentation and into its table, which is made when there is none.

    Returns
    -------
    vtkMRMLTableNode
    """
    entries = {entry.segment_id: entry for entry in corrections_of(segmentation_node)}
    entries[corrected.segment_id] = corrected
    rows = list(entries.values())
    segmentation_node.SetAttribute(CORRECTIONS, json.dumps([entry.to_json() for entry in rows]))
    segment = segmentation_node.GetSegmentation().GetSegment(corrected.segment_id)
    # A vertical bar would cut the tag off in a file.
    segment.SetTag(CORRECTION_TAG, json.dumps(corrected.to_json()).replace("|", "\\u007c"))
    table = segmentation_node.GetNodeReference(TABLE_ROLE)
    if table is None:
        scene = segmentation_node.GetScene()
        name = unique_name(scene, f"{segmentation_node.GetName()} corrections")
        table = table_node(_columns(rows), scene, name)
        segmentation_node.SetNodeReferenceID(TABLE_ROLE, table.GetID())
    else:
        fill_table(table, _columns(rows))
    mark(table, "corrections", _provenance(segmentation_node, rows, models))
    return table


def mark_semiautomatic(segmentation_node: Any, segment_id: str, model_name: str) -> None:
    """Say on a segment that a person and a program made it together; the name of the program that began stays."""
    segment = segmentation_node.GetSegmentation().GetSegment(segment_id)
    if not segment.HasTag(ALGORITHM_NAME):
        segment.SetTag(ALGORITHM_NAME, model_name)
    segment.SetTag(ALGORITHM_TYPE, _SEMIAUTOMATIC)


def algorithm_of(segmentation_node: Any, segment_id: str) -> dict[str, str]:
    """Return what a segment says of the algorithm that made it, by tag."""
    segment = segmentation_node.GetSegmentation().GetSegment(segment_id)
    found = {}
    for name in (ALGORITHM_TYPE, ALGORITHM_NAME):
        text = load_vtk().reference("")
        if segment.GetTag(name, text):
            found[name] = str(text)
    return found


def put_algorithm(segmentation_node: Any, segment_id: str, tags: Mapping[str, str]) -> None:
    """Make a segment say again what `algorithm_of` returned."""
    segment = segmentation_node.GetSegmentation().GetSegment(segment_id)
    for name in (ALGORITHM_TYPE, ALGORITHM_NAME):
        if name in tags:
            segment.SetTag(name, tags[name])
        else:
            segment.RemoveTag(name)


def _columns(rows: list[CorrectedSegment]) -> list[Column]:
    return [
        Column("Segment", [row.name for row in rows]),
        Column("Proposed", [row.proposed_ml for row in rows], "mL"),
        Column("Final", [row.final_ml for row in rows], "mL"),
        Column("Added", [row.added_ml for row in rows], "mL"),
        Column("Removed", [row.removed_ml for row in rows], "mL"),
        Column("Dice", [float("nan") if row.dice is None else row.dice for row in rows]),
        Column("Clicks", [float(row.clicks) for row in rows]),
        Column("Time", [row.seconds for row in rows], "s"),
    ]


def _provenance(segmentation_node: Any, rows: list[CorrectedSegment], models: Sequence[ModelUse]) -> Provenance:
    parameters = {"segments": len(rows), "clicks": sum(row.clicks for row in rows)}
    made = make_provenance("correct", models, (), parameters)
    before = provenance_of(segmentation_node)
    return made if before is None else dataclasses.replace(made, inputs=before.inputs)
