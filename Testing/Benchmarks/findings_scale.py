"""A thousand findings: shown as one point list, one table and one box, gone through, and against a thousand boxes."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from AIImagingLogic.images.info import describe
from AIImagingLogic.records.boxes import OrientedBox, Vector
from AIImagingLogic.records.coding import concept
from AIImagingLogic.records.finding import Finding
from AIImagingLogic.records.measurement import measurement
from AIImagingLogic.records.provenance import make_provenance
from AIImagingLogic.records.resources import load_resource
from AIImagingLogic.records.timeline import Visit
from AIImagingLogic.scene.coordinates import ras_from_lps, vtk_matrix
from AIImagingLogic.scene.empty_scene import make_scene
from AIImagingLogic.scene.finding_view import FindingView
from AIImagingLogic.scene.findings import current_finding_box, findings_point_list, join_findings
from AIImagingLogic.scene.host import load_slicer
from AIImagingLogic.scene.slice_view import SliceView
from AIImagingLogic.scene.tables import findings_table_node
from AIImagingLogic.scene.volumes import volume_node_from_image
from Testing.Benchmarks.reporting import Figures, run_as_command

FINDINGS = 1000
SELECTED = 60
SHOWN = 5
PIXELS = (400, 400)
SEED = 7
HALF_WIDTH_MM = 100.0


def chest() -> sitk.Image:
    """Return an image of 256 x 256 x 100 voxels, 1 x 1 x 2.5 mm, about the origin."""
    image = sitk.GetImageFromArray(np.full((100, 256, 256), -800, np.int16))
    image.SetSpacing((1.0, 1.0, 2.5))
    image.SetOrigin((-128.0, -128.0, -125.0))
    return image


def visit_of(image: sitk.Image, count: int) -> Visit:
    """Return a visit of `count` findings at random places, each with an oriented box and measurements."""
    random = np.random.default_rng(SEED)
    info = describe(image, modality="CT", intensity_unit="HU")
    kind = concept("lung-nodule")
    findings = []
    for number in range(count):
        axes = np.linalg.qr(random.normal(size=(3, 3)))[0]
        axes[2] *= np.linalg.det(axes)
        center = random.uniform(-HALF_WIDTH_MM, HALF_WIDTH_MM, 3)
        size = random.uniform(4, 20, 3)
        box = OrientedBox(_vector(center), _vector(size), (_vector(axes[0]), _vector(axes[1]), _vector(axes[2])))
        measured = (measurement("volume", float(size.prod() / 2)), measurement("long_axis", float(size.max())))
        name = f"Nodule {number + 1}"
        findings.append(Finding(f"2.25.{number + 1}", name, box, 0.5, kind, None, measured, {"side": "left"}))
    return Visit("baseline", info, None, tuple(findings), make_provenance("detect", [], [info]))


def _vector(values: NDArray[np.float64]) -> Vector:
    x, y, z = values.tolist()
    return x, y, z


class Stage:
    """A scene with a volume in a slice view that draws volumes and markups."""

    def __init__(self, image: sitk.Image) -> None:
        self.scene = make_scene()
        self.volume = volume_node_from_image(image, self.scene, "CT", window=(-1350.0, 150.0))
        self.view = SliceView(self.scene, *PIXELS, markups=True)
        self.view.picture(self.volume, "Axial", (0.0, 0.0, 0.0), 2.5 * HALF_WIDTH_MM)

    def show(self, visit: Visit) -> Any:
        """Show findings as the application does, and draw. Returns the point list."""
        colours = load_resource("rules/lesion_colours.json")["colours"]
        names = {finding.uid: f"Lesion {number}" for number, finding in enumerate(visit.findings, start=1)}
        by_uid = {uid: tuple(colours[index % len(colours)]) for index, uid in enumerate(names)}
        points = findings_point_list(visit, names, self.scene, "Findings", self.volume)
        box = current_finding_box(self.scene, "Current finding", self.volume)
        table = findings_table_node(visit, names, self.scene, "Findings table")
        join_findings(points, visit, by_uid, box=box, table=table, lesions=None, volume=self.volume)
        self.view.render()
        return points

    def show_as_boxes(self, visit: Visit) -> None:
        """Show findings the plain way, a box node each with what the table holds as attributes, and draw."""
        for finding in visit.findings:
            node = self.scene.AddNewNodeByClass("vtkMRMLMarkupsROINode", finding.name)
            node.CreateDefaultDisplayNodes()
            matrix = np.eye(4)
            matrix[:3, :3] = ras_from_lps(finding.box.axes).T
            matrix[:3, 3] = ras_from_lps(finding.box.center_mm)
            node.SetAndObserveObjectToNodeMatrix(vtk_matrix(matrix))
            node.SetSize(finding.box.size_mm)
            node.SetLocked(True)
            for entry in finding.measurements:
                node.SetAttribute(entry.name, str(entry.value))
            node.SetAttribute("score", str(finding.score))
        self.view.render()


def select_ms(image: sitk.Image, visit: Visit) -> tuple[float, float]:
    """Return milliseconds to select a finding, and to make the same jump without findings; drawn, turn by turn."""
    with_findings, without = Stage(image), Stage(image)
    view = FindingView.from_nodes(with_findings.show(visit))
    slices = load_slicer().vtkMRMLSliceNode
    selects, jumps = [], []
    for finding in visit.findings[: SELECTED + 1]:
        began = time.perf_counter()
        view.select(finding.uid)
        with_findings.view.render()
        middle = time.perf_counter()
        place = ras_from_lps(finding.box.center_mm)
        slices.JumpAllSlices(without.scene, *place, slices.CenteredJumpSlice)
        without.view.render()
        selects.append(middle - began)
        jumps.append(time.perf_counter() - middle)
    # The first makes the box's widget.
    return 1000 * statistics.median(selects[1:]), 1000 * statistics.median(jumps[1:])


def run(tell: Callable[[str], None]) -> tuple[Figures, Mapping[str, Any]]:
    """Return seconds to show, milliseconds to select, and how much faster than a box node a finding."""
    image = chest()
    visit = visit_of(image, FINDINGS)
    shown = []
    for _ in range(SHOWN):
        stage = Stage(image)
        began = time.perf_counter()
        stage.show(visit)
        shown.append(time.perf_counter() - began)
        del stage
    show_s = statistics.median(shown)
    tell(f"shown in {show_s:.3f} s")
    selected, jumped = select_ms(image, visit)
    tell(f"selected in {selected:.1f} ms, jumped without findings in {jumped:.1f} ms")
    stage = Stage(image)
    began = time.perf_counter()
    stage.show_as_boxes(visit)
    boxes_s = time.perf_counter() - began
    tell(f"as box nodes: {boxes_s:.1f} s")
    figures: Figures = {
        "show_s": show_s,
        "select_ms": selected - jumped,
        "select_with_jump_ms": selected,
        "jump_without_findings_ms": jumped,
        "roi_nodes_s": boxes_s,
        "times_faster_than_roi_nodes": boxes_s / show_s,
    }
    inputs = {
        "findings": FINDINGS,
        "roi_nodes": FINDINGS,
        "view_pixels": PIXELS,
        "views_drawn": 1,
        "selected": SELECTED,
    }
    return figures, inputs


if __name__ == "__main__":
    run_as_command("findings_scale", run)
