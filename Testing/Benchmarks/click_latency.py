"""How long a click takes in a CT of 512x512x300: from the prompt to the changed labelmap in the scene, warm.

The model that the effect uses runs in the worker; what is drawn afterwards is not counted. Three objects (a nodule, a
kidney's size, a liver's size) with wrong proposals are corrected by clicks at random places of the error, without masks
and with an intensity mask inside an editable area that leaves out 17 other segments.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

from AIImagingLogic.jobs.service import JobService
from AIImagingLogic.scene.coordinates import ras_from_lps
from AIImagingLogic.scene.editor_rules_editor import open_editor
from AIImagingLogic.scene.editor_rules_lattice import lattice_of, segment_in
from AIImagingLogic.scene.empty_scene import make_scene
from AIImagingLogic.scene.host import load_slicer
from AIImagingLogic.scene.segment_correction_prompts import click
from AIImagingLogic.scene.segment_correction_tool import CorrectionTool
from AIImagingLogic.scene.segmentations import oriented_image_data
from AIImagingLogic.scene.volumes import volume_node_from_image
from Testing.Benchmarks.reporting import Figures, run_as_command

SIZE = (512, 512, 300)
SPACING = (0.75, 0.75, 1.0)
OTHERS = 17
CLICKS = 12
WARM_UP = 2
SECONDS = 60.0
_POLL_S = 0.002
# Middle (k, j, i), half axes (k, j, i) in voxels, shift of the proposal.
OBJECTS = {
    "nodule": ((150, 100, 420), (8, 10, 10), (3, 3, -3)),
    "kidney": ((120, 330, 400), (45, 35, 30), (6, -6, 5)),
    "liver": ((180, 230, 170), (75, 95, 115), (8, 10, -12)),
}


def case() -> tuple[sitk.Image, npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Return the image, the true labels and the proposal's labels; other segments are slabs at the border."""
    rng = np.random.default_rng(0)
    truth, proposal = np.zeros(SIZE[::-1], np.uint8), np.zeros(SIZE[::-1], np.uint8)
    voxels = np.full(SIZE[::-1], -60, np.int16)
    for value, (middle, axes, shift) in enumerate(OBJECTS.values(), start=1):
        _ellipsoid(truth, middle, axes, value)
        _ellipsoid(proposal, [m + s for m, s in zip(middle, shift, strict=True)], [0.9 * a for a in axes], value)
        voxels[truth == value] = 40 + 30 * value
    voxels += rng.integers(-20, 21, SIZE[::-1], dtype=np.int16)
    for number in range(OTHERS):
        proposal[number * 17 : number * 17 + 16, 480:510, 10:500] = len(OBJECTS) + 1 + number
    image = sitk.GetImageFromArray(voxels)
    image.SetSpacing(SPACING)
    return image, truth, proposal


def _ellipsoid(labels: npt.NDArray[np.uint8], middle: Any, axes: Any, value: int) -> None:
    low = [max(0, int(m - a) - 1) for m, a in zip(middle, axes, strict=True)]
    high = [int(m + a) + 2 for m, a in zip(middle, axes, strict=True)]
    box = tuple(slice(first, last) for first, last in zip(low, high, strict=True))
    grids = np.ogrid[box]
    distance = sum(((grid - m) / a) ** 2 for grid, m, a in zip(grids, middle, axes, strict=True))
    labels[box][distance <= 1] = value


def scene_of(image: sitk.Image, labels: npt.NDArray[np.uint8]) -> tuple[Any, Any, Any]:
    """Return the scene, the volume node and the segmentation node, whose segments share one layer."""
    slicer = load_slicer()
    scene = make_scene()
    volume = volume_node_from_image(image, scene, "CT", window=(-160.0, 240.0))
    label_image = sitk.GetImageFromArray(labels)
    label_image.CopyInformation(image)
    data = oriented_image_data(label_image)
    content = slicer.vtkSegmentation()
    content.SetSourceRepresentationName("Binary labelmap")
    for value in range(1, len(OBJECTS) + OTHERS + 1):
        segment = slicer.vtkSegment()
        segment.SetName(f"Segment {value}")
        segment.SetLabelValue(value)
        segment.AddRepresentation("Binary labelmap", data)
        content.AddSegment(segment, f"segment-{value}")
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Segmentation")
    node.SetAndObserveSegmentation(content)
    node.CreateDefaultDisplayNodes()
    node.SetReferenceImageGeometryParameterFromVolumeNode(volume)
    return scene, volume, node


class _Person:
    """Clicks at random places of the error, and waits for the segment."""

    def __init__(self, service: JobService, image: sitk.Image, truth: npt.NDArray[np.uint8], nodes: Any) -> None:
        self._image, self._truth = image, truth
        # Nodes do not keep their scene.
        self._scene, self._volume, self._segmentation = nodes
        self.editor, logic = open_editor(self._segmentation, "segment-1", self._volume)
        self._rng = np.random.default_rng(1)
        self._errors: list[Exception] = []
        applied: list[Any] = []
        self.tool = CorrectionTool(self.editor, service, logic.SaveStateForUndo, applied.append, self._errors.append)

    def choose(self, value: int) -> float:
        """Select a segment; return seconds until the worker is ready for it."""
        self.tool.accept()
        self.editor.SetSelectedSegmentID(f"segment-{value}")
        began = time.perf_counter()
        self.tool.prepare()
        return time.perf_counter() - began

    def click(self, value: int) -> float:
        """Click once and return seconds until the labelmap has changed."""
        lattice = lattice_of(self._segmentation)
        now = segment_in(self._segmentation, f"segment-{value}", lattice, (0, 511, 0, 511, 0, 299))
        true = self._truth == value
        # When nothing is wrong any more, any place of the object will do.
        places = np.argwhere(now != true if (now != true).any() else true)
        k, j, i = (int(n) for n in places[self._rng.integers(len(places))])
        point = ras_from_lps(self._image.TransformIndexToPhysicalPoint((i, j, k)))
        del now
        began = time.perf_counter()
        self.tool.show(click(self._volume, point.tolist(), bool(true[k, j, i])))
        while self.tool.waiting:
            self.tool.poll()
            if time.perf_counter() - began > SECONDS:
                raise TimeoutError("A click was not answered.")
            time.sleep(_POLL_S)
        took = time.perf_counter() - began
        if self._errors:
            raise self._errors[0]
        return took


def run(report: Callable[[str], None]) -> tuple[Figures, Mapping[str, Any]]:
    """Correct every object by clicks, without masks and with."""
    image, truth, proposal = case()
    took: dict[bool, list[float]] = {False: [], True: []}
    by_object: dict[str, list[float]] = {name: [] for name in OBJECTS}
    selecting = []
    with JobService() as service:
        for masked in (False, True):
            person = _Person(service, image, truth, scene_of(image, proposal))
            if masked:
                person.editor.SetMaskMode(person.editor.GetSegmentationNode().EditAllowedOutsideAllSegments)
                person.editor.SetSourceVolumeIntensityMaskRange(-50.0, 400.0)
                person.editor.SetSourceVolumeIntensityMask(True)
            for value, name in enumerate(OBJECTS, start=1):
                selecting.append(person.choose(value))
                times = [person.click(value) for _ in range(WARM_UP + CLICKS)]
                report(f"{name}{' masked' if masked else ''}: {[round(1e3 * t) for t in times]} ms")
                took[masked] += times[WARM_UP:]
                if not masked:
                    by_object[name] += times[WARM_UP:]
    figures: Figures = {
        "median_ms": 1e3 * statistics.median(took[False]),
        "p95_ms": 1e3 * float(np.percentile(took[False], 95)),
        "median_masked_ms": 1e3 * statistics.median(took[True]),
        "p95_masked_ms": 1e3 * float(np.percentile(took[True], 95)),
        **{f"median_{name}_ms": 1e3 * statistics.median(times) for name, times in by_object.items()},
        "selecting_a_segment_ms": 1e3 * statistics.median(selecting),
    }
    return figures, {"size": SIZE, "segments": len(OBJECTS) + OTHERS, "clicks": len(took[False]) + len(took[True])}


if __name__ == "__main__":
    run_as_command("click_latency", run)
