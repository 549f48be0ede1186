"""A small scene with four segments to edit: two share a layer with the edited one, one overlaps it on another layer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import SimpleITK as sitk

from AIImagingLogic.scene.editor_rules_editor import open_editor
from AIImagingLogic.scene.editor_rules_lattice import lattice_of, segment_in
from AIImagingLogic.scene.empty_scene import make_scene
from AIImagingLogic.scene.segmentations import oriented_image_data
from AIImagingLogic.scene.volumes import volume_node_from_image

SHAPE = (14, 17, 20)
IDS = ("edited", "beside", "hidden", "over")
OBLIQUE = (0.8, -0.6, 0.0, 0.48, 0.64, 0.6, -0.36, -0.48, 0.8)


@dataclass
class EditorScene:
    """The nodes, and the editor of the segment `edited`."""

    scene: Any
    volume: Any
    segmentation: Any
    editor: Any
    logic: Any
    image: sitk.Image
    ids: tuple[str, ...] = field(default=IDS)

    def segments(self) -> dict[str, np.ndarray]:
        """Return every segment as a mask of the whole lattice."""
        lattice = lattice_of(self.segmentation)
        return {name: segment_in(self.segmentation, name, lattice, lattice.extent) for name in self.ids}


def editor_scene(direction=OBLIQUE, spacing=(0.7, 0.9, 2.5), seed=0) -> EditorScene:
    """Return a scene whose segments have no symmetry, on an oblique grid."""
    image = grid(np.random.default_rng(seed).integers(-100, 100, SHAPE).astype(np.int16), direction, spacing)
    first, second = np.zeros(SHAPE, np.uint8), np.zeros(SHAPE, np.uint8)
    first[3:10, 3:11, 4:12] = 1
    first[3:10, 3:11, 12:17] = 2
    first[3:10, 11:15, 4:14] = 3
    second[5:13, 2:9, 9:14] = 1
    scene = make_scene()
    volume = volume_node_from_image(image, scene, "CT")
    segmentation = segmentation_of(scene, volume, [(image, first, IDS[:3]), (image, second, IDS[3:])])
    segmentation.GetDisplayNode().SetSegmentVisibility("hidden", False)
    editor, logic = open_editor(segmentation, "edited", volume)
    return EditorScene(scene, volume, segmentation, editor, logic, image)


def grid(voxels: np.ndarray, direction=OBLIQUE, spacing=(0.7, 0.9, 2.5), origin=(12.5, -30.25, 7.0)) -> sitk.Image:
    """Return voxels as an image that lies somewhere, LPS mm."""
    image = sitk.GetImageFromArray(voxels)
    image.SetDirection(direction)
    image.SetSpacing(spacing)
    image.SetOrigin(origin)
    return image


def segmentation_of(scene, volume, layers) -> Any:
    """Return a segmentation node; a layer is an image for its grid, its labels and the ids of values 1, 2, ..."""
    import slicer

    content = slicer.vtkSegmentation()
    content.SetSourceRepresentationName("Binary labelmap")
    for image, labels, names in layers:
        label_image = sitk.GetImageFromArray(labels)
        label_image.CopyInformation(image)
        data = oriented_image_data(label_image)
        for value, name in enumerate(names, start=1):
            segment = slicer.vtkSegment()
            segment.SetName(name)
            segment.SetLabelValue(value)
            segment.AddRepresentation("Binary labelmap", data)
            content.AddSegment(segment, name)
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Segmentation")
    node.SetAndObserveSegmentation(content)
    node.CreateDefaultDisplayNodes()
    node.SetReferenceImageGeometryParameterFromVolumeNode(volume)
    return node
