"""Images to volume nodes and back, with exactly the same voxels and geometry."""

from __future__ import annotations

from typing import Any

import numpy as np
import SimpleITK as sitk

from AIImagingLogic.records.errors import GeometryError, SceneError
from AIImagingLogic.scene.coordinates import ras_directions, ras_from_lps
from AIImagingLogic.scene.host import load_slicer, load_vtk
from AIImagingLogic.scene.volume_grid import grid_of_volume_node


def volume_node_from_image(
    image: sitk.Image, scene: Any, name: str, labels: bool = False, window: tuple[float, float] | None = None
) -> Any:
    """Add an image to a scene as a volume node.

    Parameters
    ----------
    image : 3D image, LPS mm; any direction, left-handed ones included; several components make a vector volume
    scene : vtkMRMLScene
    name : name of the node
    labels : make a labelmap volume (integer voxels, one component)
    window : shown from black at the first to white at the second (the image's own unit, HU for CT); without it, Slicer
        looks through all voxels for one

    Returns
    -------
    vtkMRMLScalarVolumeNode, vtkMRMLVectorVolumeNode or vtkMRMLLabelMapVolumeNode
        With a display node.

    Raises
    ------
    GeometryError
        The image is not 3D.
    SceneError
        Slicer's classes are not installed, or the voxels are complex numbers.
    """
    components = image.GetNumberOfComponentsPerPixel()
    if labels:
        kind = "vtkMRMLLabelMapVolumeNode"
    else:
        kind = "vtkMRMLVectorVolumeNode" if components > 1 else "vtkMRMLScalarVolumeNode"
    load_slicer()
    image_data = vtk_image_from_image(image)
    node = scene.AddNewNodeByClass(kind, name)
    node.SetIJKToRASDirections(ras_directions(image).tolist())
    node.SetSpacing(image.GetSpacing())
    node.SetOrigin(ras_from_lps(image.GetOrigin()).tolist())
    if components == 3 and image.GetPixelID() == sitk.sitkVectorUInt8:
        node.SetVoxelVectorType(node.VoxelVectorTypeColorRGB)
    if window is not None:
        # Before the voxels are there: they need not be looked through.
        node.CreateDefaultDisplayNodes()
        display = node.GetDisplayNode()
        display.AutoWindowLevelOff()
        display.SetWindowLevelMinMax(*window)
    node.SetAndObserveImageData(image_data)
    node.CreateDefaultDisplayNodes()
    return node


def image_from_volume_node(node: Any) -> sitk.Image:
    """Return the voxels and geometry (LPS mm) of a volume node; a parent transform is not applied.

    Raises
    ------
    SceneError
        The node holds no voxels.
    """
    image_data = node.GetImageData()
    if image_data is None or image_data.GetPointData().GetScalars() is None:
        raise SceneError(f"The volume '{node.GetName()}' is empty.", "Load its image first.")
    image = image_from_vtk_image(image_data)
    spacing, origin, direction = grid_of_volume_node(node)
    image.SetDirection(direction)
    image.SetSpacing(spacing)
    image.SetOrigin(origin)
    return image


def vtk_image_from_image(image: sitk.Image, share: bool = False) -> Any:
    """Return the voxels of a 3D image as vtkImageData with unit spacing at 0, as a volume node holds them.

    Parameters
    ----------
    image : 3D image
    share : use the image's own memory instead of a copy; the image lives as long as the result, and a change of one
        is a change of the other

    Raises
    ------
    GeometryError, SceneError
        As `volume_node_from_image`.
    """
    if image.GetDimension() != 3:
        raise GeometryError(f"A volume node holds a 3D image, not one of {image.GetDimension()} dimensions.")
    vtk = load_vtk()
    array = sitk.GetArrayViewFromImage(image)
    if np.iscomplexobj(array):
        raise SceneError("A volume node cannot hold complex voxels.", "Take their magnitude first.")
    result = vtk.vtkImageData()
    result.SetDimensions(image.GetSize())
    components = image.GetNumberOfComponentsPerPixel()
    flat = array.reshape(-1, components) if components > 1 else array.ravel()
    scalars = _numpy_support().numpy_to_vtk(flat, deep=not share)
    if share:
        # VTK's array does not own its memory: this attribute stays with it when its Python wrapper is gone.
        scalars.memory_owner = image
    scalars.SetName("ImageScalars")
    result.GetPointData().SetScalars(scalars)
    return result


def image_from_vtk_image(image_data: Any) -> sitk.Image:
    """Return a copy of the voxels of vtkImageData as an image with unit spacing at 0."""
    scalars = image_data.GetPointData().GetScalars()
    array = _numpy_support().vtk_to_numpy(scalars)
    shape = tuple(reversed(image_data.GetDimensions()))
    components = scalars.GetNumberOfComponents()
    if components > 1:
        return sitk.GetImageFromArray(array.reshape(*shape, components), isVector=True)
    return sitk.GetImageFromArray(array.reshape(shape), isVector=False)


def _numpy_support() -> Any:
    load_vtk()
    from vtkmodules.util import numpy_support

    return numpy_support
