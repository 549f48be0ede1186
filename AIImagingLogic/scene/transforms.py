"""Registrations to transform nodes that show the later visit on the earlier one."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import SimpleITK as sitk

from AIImagingLogic.records.errors import SceneError
from AIImagingLogic.records.registration import Registration
from AIImagingLogic.scene.provenance import mark


def transform_node_from_registration(registration: Registration, scene: Any, name: str) -> Any:
    """Add a registration as a transform node.

    A registration maps points of the fixed image to the moving one (LPS). Slicer's nodes hold where a node under them
    goes: put the moving volume under this node and it shows on the fixed one; the inverse is Slicer's own.

    Returns
    -------
    vtkMRMLTransformNode
        A vtkMRMLLinearTransformNode for a linear registration.

    Raises
    ------
    SceneError
        Slicer cannot hold a transform of this kind.

    Notes
    -----
    A B-spline is the same function in both programs. A displacement field is the same at the nodes of its grid; between
    them Slicer interpolates by cubics where SimpleITK does so linearly.
    """
    with tempfile.TemporaryDirectory(prefix="aiimaging-") as folder:
        path = Path(folder) / "registration.h5"
        sitk.WriteTransform(_flat(registration.transform), str(path))
        node = read_transform_file(path, scene, name, registration.transform.IsLinear())
    mark(node, "registration", registration.provenance)
    quality = registration.quality
    node.SetAttribute("AIImaging.Similarity", f"{quality.similarity_name} {quality.similarity_after:.4g}")
    node.SetAttribute("AIImaging.FoldingPercent", f"{quality.folding_percent:.4g}")
    return node


def read_transform_file(path: Path, scene: Any, name: str, linear: bool = False) -> Any:
    """Add the transform of an ITK file (.h5, .tfm, displacement field .nrrd) as Slicer reads it.

    Raises
    ------
    SceneError
        Slicer does not understand the file.
    """
    node = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode" if linear else "vtkMRMLTransformNode", name)
    storage = scene.AddNewNodeByClass("vtkMRMLTransformStorageNode")
    storage.SetFileName(str(path))
    understood = storage.ReadData(node)
    scene.RemoveNode(storage)
    if not understood:
        scene.RemoveNode(node)
        raise SceneError(f"Slicer cannot read the transform '{path.name}'.", "Save it as a displacement field.")
    return node


def _flat(transform: sitk.Transform) -> sitk.Transform:
    """Return the transform without composites inside composites, which ITK's files cannot hold."""
    if transform.GetName() != "CompositeTransform":
        return transform
    composite = sitk.CompositeTransform(transform)
    composite.FlattenTransform()
    return composite


def transform_of_node(node: Any) -> sitk.Transform:
    """Return the transform of a node that `transform_node_from_registration` made: fixed points to moving ones, LPS mm.

    Raises
    ------
    SceneError
        Slicer cannot write it as an ITK transform.
    """
    from AIImagingLogic.scene.host import load_slicer

    with tempfile.TemporaryDirectory(prefix="aiimaging-") as folder:
        path = Path(folder) / "transform.h5"
        storage = load_slicer().vtkMRMLTransformStorageNode()
        storage.SetFileName(str(path))
        if not storage.WriteData(node):
            raise SceneError(f"The transform '{node.GetName()}' cannot be read.", "Run the follow-up again.")
        return sitk.ReadTransform(str(path))
