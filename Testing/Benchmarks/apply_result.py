"""A large segmentation that a worker made comes into the scene: from its arrival in shared memory to its nodes."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import SimpleITK as sitk

from AIImagingLogic.images.info import describe
from AIImagingLogic.jobs.job import Job
from AIImagingLogic.jobs.service import JobService
from AIImagingLogic.records.coding import concept
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.records.measured_segments import MeasuredSegment, MeasuredSegments
from AIImagingLogic.records.measurement import measurement
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.provenance import make_provenance
from AIImagingLogic.records.segmentation import Segment, Segmentation
from AIImagingLogic.records.segmented_and_measured import SegmentedAndMeasured
from AIImagingLogic.scene.empty_scene import make_scene
from AIImagingLogic.scene.host import load_slicer
from AIImagingLogic.scene.job_inputs import image_input
from AIImagingLogic.scene.scene_run import SceneRun
from AIImagingLogic.scene.segmentation_results import add_segmentation_result
from AIImagingLogic.scene.segmentations import oriented_image_data
from AIImagingLogic.scene.subject_hierarchy import remove_with_items
from AIImagingLogic.scene.volumes import volume_node_from_image
from Testing.Benchmarks.reporting import Figures, run_as_command

SIZE = (512, 512, 300)
SEGMENTS = 20
RUNS = 5
SECONDS = 300.0


def twenty_segments(image: sitk.Image, info: ImageInfo, progress: Progress) -> SegmentedAndMeasured:
    """Return slabs of the image as segments, with measurements; run in the worker."""
    labels = np.zeros(image.GetSize()[::-1], np.uint8)
    for value in range(1, SEGMENTS + 1):
        labels[(value - 1) * 15 : value * 15, 64:448, 64:448] = value
    label_image = sitk.GetImageFromArray(labels)
    label_image.CopyInformation(image)
    kind = concept("lung-left")
    segments = tuple(Segment(value, f"Organ {value}", kind, (10 * value, 90, 200)) for value in range(1, SEGMENTS + 1))
    provenance = make_provenance("segment", [], [info])
    rows = tuple(MeasuredSegment(segment, (measurement("organ_volume", 12.5),)) for segment in segments)
    return SegmentedAndMeasured(Segmentation(label_image, segments, provenance), MeasuredSegments(rows, provenance))


def volume_in_scene() -> tuple[Any, Any]:
    """Return a scene and its volume of int16 voxels."""
    image = sitk.GetImageFromArray(np.full(SIZE[::-1], -800, np.int16))
    image.SetSpacing((0.7, 0.7, 1.0))
    scene = make_scene()
    return scene, volume_node_from_image(image, scene, "CT", window=(-1350.0, 150.0))


def apply_seconds(service: JobService, scene: Any, volume: Any) -> tuple[float, float]:
    """Run once; return seconds of decoding and applying in the polling thread, and of making the nodes alone."""
    nodes_s = []

    def apply(result: Any) -> Any:
        began = time.perf_counter()
        nodes = add_segmentation_result(result, volume, scene)
        nodes_s.append(time.perf_counter() - began)
        return nodes

    job = Job("Twenty segments", "Testing.Benchmarks.apply_result:twenty_segments", {"image": image_input(volume)})
    run = SceneRun(service, scene, job, [volume], apply)
    longest, end = 0.0, time.monotonic() + SECONDS
    while not run.finished and time.monotonic() < end:
        began = time.perf_counter()
        service.poll()
        # The poll that ends the run decodes and applies; others take microseconds.
        longest = time.perf_counter() - began
        time.sleep(0.002)
    if run.error is not None:
        raise run.error
    remove_with_items((run.nodes.segmentation, run.nodes.table), scene)  # type: ignore[union-attr]
    return longest, nodes_s[0]


def import_seconds(volume: Any) -> float:
    """Return seconds that Slicer's own import of a labelmap volume into a segmentation node takes."""
    slicer = load_slicer()
    scene = volume.GetScene()
    result = _result_here(volume)
    labels = volume_node_from_image(result, scene, "Labels", labels=True)
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Imported")
    logic = slicer.vtkSlicerSegmentationsModuleLogic()
    logic.SetMRMLScene(scene)
    began = time.perf_counter()
    logic.ImportLabelmapToSegmentationNode(labels, node)
    seconds = time.perf_counter() - began
    remove_with_items((node, labels), scene)
    return seconds


def copy_seconds(volume: Any) -> float:
    """Return seconds of copying the label image into the node's memory, which sharing it saves."""
    result = _result_here(volume)
    began = time.perf_counter()
    oriented_image_data(result)
    return time.perf_counter() - began


def _result_here(volume: Any) -> sitk.Image:
    image = sitk.Image(SIZE, sitk.sitkUInt8)
    image.SetSpacing(volume.GetSpacing())
    return twenty_segments(image, describe(image), Progress()).segmentation.image


def run(tell: Callable[[str], None]) -> tuple[Figures, Mapping[str, Any]]:
    """Return medians of the apply, its parts, and of Slicer's own import."""
    scene, volume = volume_in_scene()
    with JobService(allowed=("AIImagingLogic", "Testing.Benchmarks")) as service:
        first, _ = apply_seconds(service, scene, volume)
        tell(f"first: {first:.3f} s")
        whole, nodes = zip(*(apply_seconds(service, scene, volume) for _ in range(RUNS)))
    tell(f"apply: {[round(value, 3) for value in whole]}")
    figures: Figures = {
        "apply_result_s": statistics.median(whole),
        "apply_first_result_s": first,
        "nodes_s": statistics.median(nodes),
        "saved_by_sharing_s": statistics.median(copy_seconds(volume) for _ in range(RUNS)),
        "slicer_import_labelmap_s": import_seconds(volume),
    }
    return figures, {"size": SIZE, "segments": SEGMENTS, "label_voxels": "uint8", "measured": True, "runs": RUNS}


if __name__ == "__main__":
    run_as_command("apply_result", run)
