"""Provenance on nodes: attributes ``AIImaging.*``, which a saved scene keeps."""

from __future__ import annotations

from typing import Any

from AIImagingLogic.images.segment_tags import PROVENANCE, algorithm_name, provenance_from_text, provenance_text
from AIImagingLogic.records.provenance import Provenance
from AIImagingLogic.scene.node_attributes import CREATED, KIND, MODELS


def mark(node: Any, kind: str, provenance: Provenance | None) -> None:
    """Say on a node what it is (such as ``lesions``) and how it was made."""
    node.SetAttribute(KIND, kind)
    if provenance is not None:
        node.SetAttribute(PROVENANCE, provenance_text(provenance))
        node.SetAttribute(MODELS, algorithm_name(provenance))
        node.SetAttribute(CREATED, provenance.created.isoformat())


def provenance_of(node: Any) -> Provenance | None:
    """Return the provenance that `mark` put on a node, None when it carries none."""
    text = node.GetAttribute(PROVENANCE)
    return provenance_from_text(text) if text else None
