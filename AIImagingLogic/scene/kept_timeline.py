"""A whole timeline kept with its change table, so that it can be corrected in a saved scene as after the run.

Findings, links and corrections stand in an attribute, outlines (small) among them; transforms and organs are nodes of
the scene, which the table refers to.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from AIImagingLogic.records.errors import SceneError

if TYPE_CHECKING:
    import SimpleITK as sitk

    from AIImagingLogic.records.registration import Registration
    from AIImagingLogic.records.timeline import Timeline, Visit

_TIMELINE = "AIImaging.Timeline"
_REGISTRATION = "AIImaging.Registration"
_ORGANS = "AIImaging.Organs"
_MASK = "mask"


def keep_timeline(table: Any, timeline: Timeline) -> None:
    """Write a timeline onto its change table.

    Parameters
    ----------
    table : vtkMRMLTableNode
    timeline : the voxels of its organs and its transforms are not written; see `refer_to_sources`
    """
    data = timeline.to_json(_text_of)
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    table.SetAttribute(_TIMELINE, _packed(text.encode()))


def refer_to_sources(table: Any, timeline: Timeline, transforms: Sequence[Any], organs: Sequence[Any | None]) -> None:
    """Let a change table refer to the nodes that hold what its attribute does not.

    Parameters
    ----------
    table : vtkMRMLTableNode
    timeline : that they were made of
    transforms : node of each registration that there is
    organs : segmentation of each visit, None where there is none
    """
    for index, node in enumerate(organs):
        if node is not None:
            table.SetNodeReferenceID(f"{_ORGANS}{index}", node.GetID())
    remaining = iter(transforms)
    for index, registration in enumerate(timeline.registrations):
        if registration is not None:
            table.SetNodeReferenceID(_role(index), next(remaining).GetID())


def registration_nodes(table: Any, count: int) -> tuple[Any | None, ...]:
    """Return the transform node of each of `count` registrations, None where there is none or it was removed."""
    return tuple(table.GetNodeReference(_role(index)) for index in range(count))


def kept_timeline(table: Any) -> Timeline:
    """Return the timeline that a change table carries.

    Raises
    ------
    SceneError
        It carries none, or a transform or the organs of it were removed from the scene.
    """
    text = table.GetAttribute(_TIMELINE)
    if not text:
        raise SceneError(f"'{table.GetName()}' holds no follow-up that can be corrected.", "Run the follow-up again.")
    from AIImagingLogic.records.timeline import Timeline
    from AIImagingLogic.scene.transforms import transform_of_node

    timeline = Timeline.from_json(json.loads(_unpacked(text)), _image_of)
    registrations: list[Registration | None] = []
    nodes = registration_nodes(table, len(timeline.registrations))
    for index, (registration, node) in enumerate(zip(timeline.registrations, nodes, strict=True)):
        if registration is None:
            registrations.append(None)
            continue
        if node is None:
            labels = f"{timeline.visits[index].label} and {timeline.visits[index + 1].label}"
            raise SceneError(f"The registration of {labels} was removed from the scene.", "Run the follow-up again.")
        registrations.append(dataclasses.replace(registration, transform=transform_of_node(node)))
    visits = tuple(_with_organs(visit, table, index) for index, visit in enumerate(timeline.visits))
    return dataclasses.replace(timeline, visits=visits, registrations=tuple(registrations))


def _with_organs(visit: Visit, table: Any, index: int) -> Visit:
    if visit.organs is None:
        return visit
    from AIImagingLogic.scene.organ_labels import with_labels_of

    node = table.GetNodeReference(f"{_ORGANS}{index}")
    if node is None:
        raise SceneError(f"The organs of the {visit.label} were removed from the scene.", "Run the follow-up again.")
    return dataclasses.replace(visit, organs=with_labels_of(visit.organs, node, visit.info))


def _role(index: int) -> str:
    return f"{_REGISTRATION}{index}"


def _packed(data: bytes) -> str:
    return base64.b64encode(zlib.compress(data)).decode("ascii")


def _unpacked(text: str) -> bytes:
    return zlib.decompress(base64.b64decode(text))


def _text_of(value: Any, name: str) -> str | None:
    """Return an outline as text; transforms and the labels of organs are left out."""
    if name != _MASK:
        return None
    import SimpleITK as sitk

    form = {
        "size": value.GetSize(),
        "spacing": value.GetSpacing(),
        "origin": value.GetOrigin(),
        "direction": value.GetDirection(),
        "voxels": _packed(sitk.GetArrayFromImage(sitk.Cast(value, sitk.sitkUInt8)).tobytes()),
    }
    return json.dumps(form)


def _image_of(text: str) -> sitk.Image:
    import numpy as np
    import SimpleITK as sitk

    form = json.loads(text)
    voxels = np.frombuffer(_unpacked(form["voxels"]), np.uint8).reshape(form["size"][::-1])
    image = sitk.GetImageFromArray(voxels)
    image.SetSpacing(form["spacing"])
    image.SetOrigin(form["origin"])
    image.SetDirection(form["direction"])
    return image
