"""SEG, SR and registrations of phantoms and real series, read back by other programs and checked by a validator."""

from __future__ import annotations

import tempfile
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import highdicom as hd
import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from AIImagingLogic.dicom.coded_mask import CodedMask, mask_of_finding
from AIImagingLogic.dicom.registration_writing import write_registration
from AIImagingLogic.dicom.seg_reading import read_seg
from AIImagingLogic.dicom.seg_writing import write_seg
from AIImagingLogic.dicom.source_series import SourceSeries, read_source
from AIImagingLogic.dicom.sr_reading import read_sr
from AIImagingLogic.dicom.sr_writing import Observation, TimePoint, write_sr
from AIImagingLogic.images.dicom_writing import write_ct_series
from AIImagingLogic.images.phantoms.chest_pair import demo_recipe, make_chest_pair
from AIImagingLogic.images.read import read_image
from AIImagingLogic.records.boxes import OrientedBox
from AIImagingLogic.records.coding import concept
from AIImagingLogic.records.finding import Finding, ReviewStatus
from AIImagingLogic.records.measurement import measurement
from Testing.Benchmarks.dicom_checks import dciodvfy_errors, registration_differences, seg_differences, sr_differences
from Testing.Benchmarks.geometry import grids
from Testing.Benchmarks.reporting import Figures, run_as_command, shared_data

REAL = {
    "abdomen CT": "abdomen_ct/dcmqi_ct_3slice_dicom.zip",
    "head CT, tilted": "head_ct/ge_hispeed_headct_tilt_dicom.zip",
    "prostate MR, oblique": "body_mr/prostatex0000_t2_cor_oblique_dicom.zip",
    "prostate MR, transverse": "body_mr/prostatex0000_t2_tra_dicom.zip",
}
# Every so many of the 192 orders, flips and turns of axes: both oblique and straight, isotropic and anisotropic.
EVERY_GRID = 13
LESIONS = 4
OTHERS_SEG = ("abdomen_ct/dcmqi_liver_seg.dcm", "abdomen_ct/dcmqi_partial_overlaps_seg.dcm")
OTHERS_ZIP = ("dicom/dcmqi_sr_seg_rwv.zip", "dicom/highdicom_test_files.zip")
OTHERS_SR = ("sr.dcm", "sr_document.dcm", "sr_document_with_multiple_groups.dcm")
OTHERS_SEG_ZIPPED = ("seg.dcm", "seg_image_ct_binary.dcm", "seg_image_ct_binary_overlap.dcm")
NAMES = ("volume", "long_axis", "short_axis", "mean_diameter", "mean_density", "density_sd", "pleura_distance")


@dataclass(frozen=True)
class Series:
    """A series as it was read."""

    name: str
    image: sitk.Image
    source: SourceSeries


def sources(folder: Path) -> Iterator[tuple[Series, Series]]:
    """Yield pairs of series of one patient: phantom visits, small grids of every kind, real images."""
    pair = make_chest_pair(demo_recipe())
    yield _written(folder, "chest phantom", pair.baseline), _written(folder, "chest phantom later", pair.followup)
    for number, (name, image) in enumerate(grids()):
        if number % EVERY_GRID == 0:
            yield (_written(folder, name, image), _written(folder, f"{name} later", image))
    real = {name: _unzipped(folder, name, path) for name, path in REAL.items()}
    for name, series in real.items():
        yield series, real["prostate MR, transverse"] if "prostate" in name else series


def _written(folder: Path, name: str, image: sitk.Image) -> Series:
    target = folder / name
    write_ct_series(image, target, acquired=datetime(2025, 3, 3, 9, 30), description=name)
    return _read(name, target)


def _unzipped(folder: Path, name: str, path: str) -> Series:
    with zipfile.ZipFile(shared_data() / path) as archive:
        archive.extractall(folder / name)
    return _read(name, folder / name)


def _read(name: str, path: Path) -> Series:
    image, _ = read_image(path)
    return Series(name, image, read_source(path))


def observations(image: sitk.Image, random: np.random.Generator) -> tuple[Observation, ...]:
    """Return lesions of irregular outline, of which the first two share voxels, with measurements."""
    size = np.array(image.GetSize())
    outlines = [_outline(image, size, random, number) for number in range(LESIONS)]
    found = []
    for number, mask in enumerate(outlines, start=1):
        made = tuple(
            measurement(name, value, (value - 0.5, value + 0.75))
            for name, value in zip(NAMES, random.uniform(1, 500, len(NAMES)).tolist(), strict=True)
        )
        finding = Finding(
            uid=str(hd.UID()),
            name=f"Lesion {number}",
            box=OrientedBox((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
            score=0.9,
            concept=concept("lung-nodule"),
            mask=mask,
            measurements=made,
            descriptors={"side": "left", "attenuation": "part-solid"},
            review=ReviewStatus.ACCEPTED,
        )
        found.append(Observation(finding, finding.name, finding.uid, number))
    return tuple(found)


def _outline(image: sitk.Image, size: NDArray[np.int64], random: np.random.Generator, number: int) -> sitk.Image:
    """Return a box of a third of the image, part of its voxels; the first two have the same place."""
    length = np.maximum(size // 3, 2)
    low = size // 4 if number < 2 else random.integers(0, size - length + 1)
    crop = sitk.RegionOfInterest(image, [int(n) for n in length], [int(n) for n in low])
    inside = random.uniform(size=tuple(length[::-1].tolist())) < 0.3
    inside[0, 0, 0] = inside[-1, -1, 0] = True
    mask = sitk.GetImageFromArray(inside.astype(np.uint8))
    mask.CopyInformation(crop)
    return mask


def transforms(image: sitk.Image) -> tuple[sitk.Transform, sitk.Transform]:
    """Return a rigid transform, and a bend before it: of 5 mm, in thin images of less, so that nothing folds."""
    most_mm = min(5.0, 0.1 * float(np.min(np.array(image.GetSize()) * image.GetSpacing())))
    rigid = sitk.VersorRigid3DTransform((0.1, 0.05, -0.2, 0.97), (11.0, -7.0, 3.0), image.GetOrigin())
    bend = sitk.BSplineTransformInitializer(image, (4, 4, 4), 3)
    bend.SetParameters(np.random.default_rng(3).uniform(-most_mm, most_mm, len(bend.GetParameters())).tolist())
    return rigid, sitk.CompositeTransform([rigid, bend])


def check_pair(
    first: Series, second: Series, folder: Path, random: np.random.Generator
) -> Iterator[tuple[str, str, str]]:
    """Yield kind of object, reader and difference (empty when there is none) for everything written of a pair."""
    seen = observations(first.image, random)
    masks: list[CodedMask] = [mask for one in seen if (mask := mask_of_finding(one.finding, None)) is not None]
    seg, sr, reg = folder / "seg.dcm", folder / "sr.dcm", folder / "reg.dcm"
    written = write_seg(masks, first.image, first.source, seg, description="Lesions")
    write_sr(seen, first.source, sr, seg=written, time_point=TimePoint("baseline", 0, 0.0))
    for kind, path in (("SEG", seg), ("SR", sr)):
        yield kind, "dciodvfy", "; ".join(dciodvfy_errors(path))
    yield from (("SEG", *told) for told in seg_differences(seg, masks, first.image))
    yield from (("SR", *told) for told in sr_differences(sr, seg, seen))
    for transform in transforms(first.image):
        kind = "rigid" if transform.IsLinear() else "deformable"
        write_registration(transform, first.source, second.source, first.image, reg)
        yield kind, "dciodvfy", "; ".join(dciodvfy_errors(reg))
        differences = registration_differences(reg, transform, first.source, second.source, first.image)
        yield from ((kind, *told) for told in differences)


def check_others(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield file and difference of the objects of other programs: voxels as highdicom counts them, groups there."""
    for archive_path in OTHERS_ZIP:
        with zipfile.ZipFile(shared_data() / archive_path) as archive:
            archive.extractall(folder / Path(archive_path).stem)
    zipped = {path.name: path for path in folder.rglob("*.dcm")}
    segs = [*(shared_data() / path for path in OTHERS_SEG), *(zipped[name] for name in OTHERS_SEG_ZIPPED)]
    for path in segs:
        seg = hd.seg.segread(path)
        counted = {
            int(number): int(np.count_nonzero(seg.get_volume(segment_numbers=[number], combine_segments=False).array))
            for number in seg.segment_numbers
        }
        read = read_seg(path)
        voxels = {
            number: int(np.count_nonzero(sitk.GetArrayViewFromImage(mask.mask)))
            for number, mask in zip(read.numbers, read.masks, strict=True)
        }
        wanted = {number: count for number, count in counted.items() if count}
        yield path.name, "" if voxels == wanted else f"{voxels} is not {wanted}"
    for name in OTHERS_SR:
        groups = read_sr(zipped[name]).groups
        tracked = all(group.tracking_uid and group.measurements for group in groups)
        yield name, "" if groups and tracked else "groups without UID or measurements"


def run(tell: Callable[[str], None]) -> tuple[Figures, Mapping[str, Any]]:
    """Return the number of failures, of objects, and of comparisons by program."""
    warnings.simplefilter("ignore")
    random = np.random.default_rng(2026)
    objects: Counter[str] = Counter()
    comparisons: Counter[str] = Counter()
    failures, names = 0, []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for first, second in sources(folder):
            names.append(first.name)
            for kind, reader, difference in check_pair(first, second, folder, random):
                objects[kind] += reader == "dciodvfy"
                comparisons[reader] += 1
                if difference:
                    failures += 1
                    tell(f"{first.name}, {kind}, {reader}: {difference}")
        others = 0
        for name, difference in check_others(folder):
            others += 1
            if difference:
                failures += 1
                tell(f"{name}: {difference}")
    figures: Figures = {
        "failures": failures,
        "objects": dict(objects),
        "comparisons": dict(comparisons),
        "objects_of_other_programs": others,
    }
    inputs = {
        "series": len(names),
        "real": [name for name in names if name in REAL],
        "lesions_a_series": LESIONS,
        "readers": {package: metadata.version(package) for package in ("highdicom", "pydicom", "dcmqi")},
    }
    return figures, inputs


if __name__ == "__main__":
    run_as_command("dicom_roundtrip", run)
