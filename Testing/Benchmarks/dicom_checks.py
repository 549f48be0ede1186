"""What other programs read of our DICOM objects, compared with what was written: one sentence a difference."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import highdicom as hd
import numpy as np
import pydicom
import SimpleITK as sitk
from numpy.typing import NDArray

from AIImagingLogic.dicom.coded_mask import CodedMask
from AIImagingLogic.dicom.deformation_grid import TOLERANCE_MM
from AIImagingLogic.dicom.registration_reading import read_registrations
from AIImagingLogic.dicom.report_findings import findings_of_report
from AIImagingLogic.dicom.seg_reading import read_seg
from AIImagingLogic.dicom.source_series import SourceSeries
from AIImagingLogic.dicom.sr_reading import read_sr
from AIImagingLogic.dicom.sr_writing import Observation
from AIImagingLogic.images.geometry import Grid, grid_size, index_to_world, transform_points, world_to_index

# A voxel of another grid may lie this far from ours, in voxels: decimal strings have 16 characters.
_ON_GRID = 1e-3
_SAME_NUMBER = 1e-9
_SAME_MM = 1e-4
# Order and offset of the visit: highdicom and dcmqi tell these numbers of a group as if they were measurements.
_CONTEXT = ("126073", "128740")

Voxels = NDArray[np.int64]


def tool(name: str) -> str:
    """Return the path of a program; end here when it is not installed: its checks must not count as passed."""
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        raise SystemExit(f"'{name}' is not installed (dciodvfy: Debian's dicom3tools; the others: pip install dcmqi).")
    return found


def dciodvfy_errors(path: Path) -> Iterator[str]:
    """Yield what David Clunie's validator calls an error."""
    told = subprocess.run([tool("dciodvfy"), str(path)], capture_output=True, text=True, check=False)
    yield from (line for line in (told.stdout + told.stderr).splitlines() if line.startswith("Error"))


def seg_differences(path: Path, masks: Sequence[CodedMask], grid: Grid) -> Iterator[tuple[str, str]]:
    """Yield reader and difference of a SEG from the masks that went into it; an empty difference for each that agrees.

    Voxels are compared as indices of `grid`, where they lie in the patient.
    """
    expected = [_voxels(entry.mask, grid) for entry in masks]
    readers = {"ours": _ours, "highdicom": _by_highdicom, "pydicom": _by_pydicom, "dcmqi": _by_dcmqi}
    for reader, read in readers.items():
        try:
            found = read(path, grid)
        except Exception as error:  # noqa: BLE001 - whatever a reader raises is the finding
            yield reader, f"{type(error).__name__}: {error}"
            continue
        same = [np.array_equal(one, two) for one, two in zip(found, expected)]
        yield reader, "" if len(found) == len(expected) and all(same) else f"segments differ: {same}"
    described = pydicom.dcmread(path, stop_before_pixels=True).SegmentSequence
    for entry, item in zip(masks, described, strict=True):
        kind = item.SegmentedPropertyTypeCodeSequence[0]
        told = (item.SegmentLabel, kind.CodeValue, kind.CodingSchemeDesignator, str(item.get("TrackingUID") or ""))
        wanted = (entry.name, entry.concept.type.value, entry.concept.type.scheme, entry.tracking_uid)
        yield "pydicom", "" if told == wanted else f"{told} is not {wanted}"


def sr_differences(path: Path, seg: Path, observations: Sequence[Observation]) -> Iterator[tuple[str, str]]:
    """Yield reader and difference of a report from the observations that went into it."""
    readers = {"ours": _report_by_us, "highdicom": _report_by_highdicom, "pydicom": _report, "dcmqi": _report_by_dcmqi}
    for reader, read in readers.items():
        try:
            groups = read(path, seg)
        except Exception as error:  # noqa: BLE001 - whatever a reader raises is the finding
            yield reader, f"{type(error).__name__}: {error}"
            continue
        if len(groups) != len(observations):
            yield reader, f"{len(groups)} groups are not {len(observations)}"
            continue
        for (uid, values), entry in zip(groups, observations):
            wanted = [made.value for made in entry.finding.measurements]
            same = len(values) >= len(wanted) and np.allclose(values[: len(wanted)], wanted, rtol=_SAME_NUMBER, atol=0)
            good = uid == entry.tracking_uid and same
            yield reader, "" if good else f"{entry.tracking_id}: {uid} {values} is not {wanted}"


def registration_differences(
    path: Path, transform: sitk.Transform, fixed: SourceSeries, moving: SourceSeries, grid: Grid
) -> Iterator[tuple[str, str]]:
    """Yield reader and difference of a registration from the transform of points of `grid` that was written."""
    shares = np.random.default_rng(1).uniform(0, 1, (500, 3))
    points = index_to_world(grid, shares * (grid_size(grid) - 1))
    target = transform_points(transform, points)
    data = pydicom.dcmread(path)
    if transform.IsLinear():
        step = data.RegistrationSequence[1].MatrixRegistrationSequence[0].MatrixSequence[0]
        matrix = np.array(step.FrameOfReferenceTransformationMatrix, dtype=float).reshape(4, 4)
        apart = target @ matrix[:3, :3].T + matrix[:3, 3] - points
        frames = (data.FrameOfReferenceUID, data.RegistrationSequence[1].FrameOfReferenceUID)
    else:
        item = data.DeformableRegistrationSequence[0]
        nodes, vectors = _nodes(item.DeformableRegistrationGridSequence[0])
        apart = nodes + vectors - transform_points(transform, nodes)
        frames = (data.FrameOfReferenceUID, item.SourceFrameOfReferenceUID)
    worst = float(np.abs(apart).max())
    yield "pydicom", "" if worst < _SAME_MM else f"{worst:.3g} mm off"
    wanted = (fixed.frame_of_reference_uid, moving.frame_of_reference_uid)
    yield "pydicom", "" if frames == wanted else f"frames {frames} are not {wanted}"
    (read,) = read_registrations(path)
    off = float(np.linalg.norm(transform_points(read.transform, points) - target, axis=1).max())
    yield "ours", "" if off < (_SAME_MM if transform.IsLinear() else TOLERANCE_MM) else f"{off:.3g} mm off"


def _nodes(grid: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return where the vectors of a deformation stand, and the vectors, by the formula of PS3.3 C.20.3.1.1."""
    columns, rows, planes = grid.GridDimensions
    vectors = np.frombuffer(grid.VectorGridData, "<f4").reshape(-1, 3).astype(float)
    row, column = np.array(grid.ImageOrientationPatient, dtype=float).reshape(2, 3)
    steps = np.array([row, column, np.cross(row, column)]) * np.array(grid.GridResolution, dtype=float)[:, None]
    k, j, i = np.indices((planes, rows, columns)).reshape(3, -1)
    return np.stack([i, j, k], axis=1) @ steps + np.array(grid.ImagePositionPatient, dtype=float), vectors


def _voxels(mask: sitk.Image, grid: Grid) -> Voxels:
    inside = np.argwhere(sitk.GetArrayViewFromImage(mask) > 0)[:, ::-1]
    return _indices(index_to_world(mask, inside), grid)


def _indices(points: NDArray[np.float64], grid: Grid) -> Voxels:
    """Return points as sorted whole indices of `grid`. Raises ValueError for a point between voxels."""
    exact = world_to_index(grid, points)
    whole = np.rint(exact).astype(np.int64)
    if len(points) and np.abs(exact - whole).max() > _ON_GRID:
        raise ValueError(f"voxels lie {np.abs(exact - whole).max():.3g} voxels off the grid")
    return whole[np.lexsort(whole.T)]


def _ours(path: Path, grid: Grid) -> list[Voxels]:
    return [_voxels(entry.mask, grid) for entry in read_seg(path).masks]


def _by_highdicom(path: Path, grid: Grid) -> list[Voxels]:
    seg = hd.seg.segread(path)
    found = []
    for number in seg.segment_numbers:
        volume = seg.get_volume(segment_numbers=[number], combine_segments=False)
        indices = np.argwhere(volume.array[..., 0] > 0)
        found.append(_indices(volume.map_indices_to_reference(indices), grid))
    return found


def _by_pydicom(path: Path, grid: Grid) -> list[Voxels]:
    data = pydicom.dcmread(path)
    shared = data.SharedFunctionalGroupsSequence[0]
    row, column = np.array(shared.PlaneOrientationSequence[0].ImageOrientationPatient, dtype=float).reshape(2, 3)
    between_rows, between_columns = (float(value) for value in shared.PixelMeasuresSequence[0].PixelSpacing)
    frames = data.pixel_array.reshape(-1, data.Rows, data.Columns)
    points: list[list[NDArray[np.float64]]] = [[] for _ in data.SegmentSequence]
    for frame, group in zip(frames, data.PerFrameFunctionalGroupsSequence, strict=True):
        origin = np.array(group.PlanePositionSequence[0].ImagePositionPatient, dtype=float)
        j, i = (values[:, None] for values in np.nonzero(frame))
        number = group.SegmentIdentificationSequence[0].ReferencedSegmentNumber
        points[number - 1].append(origin + i * between_columns * row + j * between_rows * column)
    return [_indices(np.concatenate(found), grid) for found in points]


def _by_dcmqi(path: Path, grid: Grid) -> list[Voxels]:
    with tempfile.TemporaryDirectory() as folder:
        command = [tool("segimage2itkimage"), "--inputDICOM", str(path), "--outputDirectory", folder, "-t", "nrrd"]
        subprocess.run(command, check=True, capture_output=True)
        files = sorted(Path(folder).glob("*.nrrd"), key=lambda file: int(file.stem))
        return [_voxels(sitk.ReadImage(str(file)), grid) for file in files]


Groups = list[tuple[str, list[float]]]


def _report_by_us(path: Path, seg: Path) -> Groups:
    findings, _ = findings_of_report(read_sr(path), [read_seg(seg)])
    return [(entry.uid, [made.value for made in entry.measurements]) for entry in findings]


def _report_by_highdicom(path: Path, seg: Path) -> Groups:
    groups = hd.sr.srread(path).content.get_volumetric_roi_measurement_groups()
    return [
        (str(group.tracking_uid), [made.value for made in group.get_measurements() if made.name.value not in _CONTEXT])
        for group in groups
    ]


def _report(path: Path, seg: Path) -> Groups:
    """Read a report with nothing but the data elements."""
    groups: Groups = []
    for container in pydicom.dcmread(path).ContentSequence[-1].ContentSequence:
        values = [
            float(item.MeasuredValueSequence[0].NumericValue)
            for item in container.ContentSequence
            if item.ValueType == "NUM" and item.RelationshipType == "CONTAINS"
        ]
        uids = [item.UID for item in container.ContentSequence if item.ValueType == "UIDREF"]
        groups.append((str(uids[0]), values))
    return groups


def _report_by_dcmqi(path: Path, seg: Path) -> Groups:
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "report.json"
        command = [tool("tid1500reader"), "--inputDICOM", str(path), "--outputMetadata", str(told)]
        subprocess.run(command, check=True, capture_output=True)
        groups = json.loads(told.read_text(encoding="utf-8"))["Measurements"]
    return [
        (
            group["TrackingUniqueIdentifier"],
            [
                float(item["value"])
                for item in group["measurementItems"]
                if item["quantity"]["CodeValue"] not in _CONTEXT
            ],
        )
        for group in groups
    ]
