"""The tags that a segment carries in Slicer: what it is, that a program made it, and how."""

from __future__ import annotations

import json

from AIImagingLogic.images.terminology_entry import terminology_entry
from AIImagingLogic.records.provenance import Provenance
from AIImagingLogic.records.segmentation import Segment

TERMINOLOGY = "TerminologyEntry"
ALGORITHM_TYPE = "DICOM.SegmentAlgorithmType"
ALGORITHM_NAME = "DICOM.SegmentAlgorithmName"
CONCEPT = "AIImaging.Concept"
PROVENANCE = "AIImaging.Provenance"

_LONGEST_NAME = 64  # DICOM's value representation LO


def segment_tags(segment: Segment, provenance: Provenance | None) -> dict[str, str]:
    """Return the tags of a segment that a program made. None holds a ``|``, at which Slicer would cut it off."""
    tags = {
        TERMINOLOGY: terminology_entry(segment.concept),
        ALGORITHM_TYPE: "AUTOMATIC",
        ALGORITHM_NAME: algorithm_name(provenance),
        CONCEPT: segment.concept.key,
    }
    if provenance is not None:
        tags[PROVENANCE] = provenance_text(provenance)
    return {name: text.replace("|", "/") for name, text in tags.items()}


def algorithm_name(provenance: Provenance | None) -> str:
    """Return the models behind a result as a name that fits DICOM's Segment Algorithm Name."""
    if provenance is None or not provenance.models:
        return "AI Imaging"
    models = [f"{model.model_id} {model.version}" for model in provenance.models]
    name = ", ".join(models)
    return name if len(name) <= _LONGEST_NAME else f"AI Imaging: {models[-1]}"[:_LONGEST_NAME]


def provenance_text(provenance: Provenance) -> str:
    """Return a provenance as one line of JSON without a ``|``."""
    text = json.dumps(provenance.to_json(), ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return text.replace("|", "\\u007c")


def provenance_from_text(text: str) -> Provenance:
    """Return the provenance that `provenance_text` wrote."""
    return Provenance.from_json(json.loads(text))
