"""What is handed to a job arrives as it was, and so does what it returns."""

from __future__ import annotations

import dataclasses
import hashlib
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from AIImagingLogic.images.info import describe
from AIImagingLogic.jobs.job import ImageInput, Job
from AIImagingLogic.jobs.service import JobService
from AIImagingLogic.records.errors import JobFailed
from AIImagingLogic.records.provenance import StageCost
from AIImagingLogic.records.timeline import Visit
from Testing.Python import job_functions

SPACING = (0.7, 0.8, 2.5)
ORIGIN = (-101.25, 33.3, -512.125)
# Oblique, left-handed.
DIRECTION = (0.96, -0.28, 0.0, 0.28, 0.96, 0.0, 0.0, 0.0, -1.0)
VOXELS = np.random.default_rng(3).integers(-1000, 1000, (9, 11, 13)).astype(np.int16)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JobService]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIIMAGING_LOG_FOLDER", str(tmp_path_factory.mktemp("logs")))
        with JobService(allowed=("Testing.Python",)) as made:
            yield made


def run(service: JobService, function: str, **arguments: Any) -> Any:
    return service.submit(Job(function, f"{job_functions.__name__}:{function}", arguments)).wait(60)


def image_input(voxels: Any, **more: Any) -> ImageInput:
    return ImageInput(voxels, SPACING, ORIGIN, DIRECTION, **more)


def image_of(voxels: np.ndarray) -> sitk.Image:
    image = sitk.GetImageFromArray(voxels)
    image.SetSpacing(SPACING)
    image.SetOrigin(ORIGIN)
    image.SetDirection(DIRECTION)
    return image


def same(image: sitk.Image, other: sitk.Image) -> bool:
    """Whether voxel type, geometry and voxels are exactly the same."""
    grids = [
        (each.GetSpacing(), each.GetOrigin(), each.GetDirection(), each.GetPixelIDValue()) for each in (image, other)
    ]
    return grids[0] == grids[1] and np.array_equal(sitk.GetArrayViewFromImage(image), sitk.GetArrayViewFromImage(other))


def test_plain_arguments_and_results_arrive_as_they_were(service: JobService) -> None:
    arguments = {"text": "é 肺", "number": 3, "fraction": 0.1, "yes": True, "none": None, "list": [1, ["a", 2.5], {}]}
    assert run(service, "echo", **arguments) == arguments


@pytest.mark.parametrize(
    "kind", ["uint8", "int8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64"]
)
def test_an_oblique_image_of_any_voxel_type_arrives_exactly_and_comes_back(service: JobService, kind: str) -> None:
    voxels = VOXELS.astype(kind)
    assert same(run(service, "same_image", image=image_input(voxels)), image_of(voxels))


@pytest.mark.parametrize("layout", ["transposed", "every other", "big-endian", "read-only", "callable", "bool"])
def test_voxels_may_lie_in_memory_in_any_way(service: JobService, layout: str) -> None:
    read_only = VOXELS.copy()
    read_only.flags.writeable = False
    voxels = {
        "transposed": VOXELS.transpose(2, 0, 1),
        "every other": VOXELS[::-2, :, 1::3],
        "big-endian": VOXELS.astype(">i2"),
        "read-only": read_only,
        "callable": lambda: VOXELS,
        "bool": VOXELS > 0,
    }[layout]
    expected = voxels() if callable(voxels) else voxels
    expected = expected.astype(np.uint8) if layout == "bool" else expected.astype(np.int16)
    assert same(run(service, "same_image", image=image_input(voxels)), image_of(np.ascontiguousarray(expected)))


def test_an_image_of_several_components_arrives(service: JobService) -> None:
    voxels = np.stack([VOXELS, VOXELS + 1, VOXELS - 1], axis=-1)
    image = run(service, "same_image", image=image_input(voxels))
    assert image.GetNumberOfComponentsPerPixel() == 3
    assert np.array_equal(sitk.GetArrayViewFromImage(image), voxels)


def test_an_image_comes_with_what_is_known_of_it(service: JobService) -> None:
    acquired = datetime(2025, 3, 1, 9, 30)
    ready = dataclasses.replace(describe(image_of(VOXELS), "MR"), content_hash="as given")
    answer = run(
        service,
        "with_infos",
        image=image_input(VOXELS, facts={"modality": "CT", "acquired": acquired, "notes": ["a note"]}),
        moving=image_input(VOXELS + 1, info=ready.to_json()),
    )
    expected = describe(image_of(VOXELS), "CT", acquired=acquired, notes=["a note"])
    assert answer["info"] == expected.to_json()
    assert answer["moving_info"] == ready.to_json()


def test_each_image_of_a_list_brings_its_info(service: JobService) -> None:
    ready = dataclasses.replace(describe(image_of(VOXELS), "PT"), content_hash="as given")
    more = [
        image_input(VOXELS[1:] + 1, facts={"modality": "MR", "notes": ["a note"]}),
        image_input(VOXELS, info=ready.to_json()),
    ]
    answer = run(service, "with_info_of_each", image=image_input(VOXELS), more=more)
    assert answer["sizes"] == [[13, 11, 8], [13, 11, 9]]
    described = describe(image_of(VOXELS[1:] + 1), "MR", notes=["a note"])
    assert answer["infos"] == [described.to_json(), ready.to_json()]
    none = run(service, "with_info_of_each", image=image_input(VOXELS), more=[], more_infos=[])
    assert none == {"sizes": [], "infos": []}


def test_records_travel_both_ways_with_their_images(service: JobService) -> None:
    segmentation = run(service, "threshold", image=image_input(VOXELS), above=10)
    assert same(segmentation.image, image_of((VOXELS > 10).astype(np.uint8)))
    assert segmentation.segments[0].concept.key == "lung-left"
    mask = np.zeros((2, 3, 4), np.uint8)
    mask[1, 1:, 2] = 1
    finding = {
        "record": "Finding", "uid": "1.2.3", "name": "Nodule 1", "score": 0.5,
        "concept": segmentation.segments[0].concept.to_json(),
        "box": {"center_mm": [1, 2, 3], "size_mm": [4, 5, 6], "axes": [[1, 0, 0], [0, 1, 0], [0, 0, 1]]},
        "mask": image_input(mask),
    }  # fmt: skip
    before = {
        "record": "Visit", "label": "baseline", "organs": None, "info": describe(image_of(VOXELS)).to_json(),
        "findings": [finding, {**finding, "uid": "1.2.4", "mask": None}],
    }  # fmt: skip
    visit = run(service, "visit", image=image_input(VOXELS), masked=before)
    assert isinstance(visit, Visit)
    assert visit.organs is not None
    assert same(visit.organs.image, image_of((VOXELS > 0).astype(np.uint8)))
    assert visit.findings[0].mask is not None
    assert same(visit.findings[0].mask, image_of(mask))
    assert visit.findings[1].mask is None
    assert same(run(service, "heat_map", image=image_input(VOXELS)).heat_map, image_of(VOXELS.astype(np.float32)))


@pytest.mark.parametrize("kind", ["field", "composite"])
def test_a_transform_maps_points_exactly_as_in_the_worker(service: JobService, kind: str) -> None:
    mine = job_functions.registration(kind).transform.Downcast()
    theirs = run(service, "registration", kind=kind).transform.Downcast()
    assert type(mine) is type(theirs)
    points = np.random.default_rng(2).uniform(-5, 20, (200, 3))
    moved = [[transform.TransformPoint(point) for point in points.tolist()] for transform in (mine, theirs)]
    assert moved[0] == moved[1]
    assert moved[0] != points.tolist()


def test_stray_prints_do_not_disturb(service: JobService) -> None:
    assert run(service, "chatter") == {"read": ""}


def test_the_costs_of_the_stages_reach_the_caller(service: JobService) -> None:
    handle = service.submit(Job("Steps", f"{job_functions.__name__}:steps", {"count": 4, "seconds": 0.01}))
    handle.wait(60)
    costs = handle.stage_costs()
    assert [type(cost) for cost in costs] == [StageCost, StageCost]
    assert [cost.name for cost in costs] == ["First half", "Second half"]
    assert all(cost.seconds >= 0.02 for cost in costs)


@pytest.mark.parametrize(
    ("function", "arguments", "words"),
    [
        ("os:system", {"command": "true"}, "allowed"),
        ("Testing.Python.job_functions:_hidden", {}, "allowed"),
        ("Testing.Python.job_functions:echo", {"what": object()}, "what"),
        ("Testing.Python.job_functions:echo", {"image": image_input(VOXELS.astype(complex))}, "complex"),
        ("Testing.Python.job_functions:echo", {"image": image_input(VOXELS[0])}, "3D"),
    ],
)
def test_what_cannot_be_run_is_refused_at_once(service: JobService, function: str, arguments: Any, words: str) -> None:
    with pytest.raises(JobFailed, match=words):
        service.submit(Job("Wrong", function, arguments))
    assert service.handles == ()


@pytest.mark.parametrize(("function", "words"), [("nowhere", "no function"), ("unsendable", "cannot be sent")])
def test_what_fails_in_the_worker_is_told_in_one_line(service: JobService, function: str, words: str) -> None:
    with pytest.raises(JobFailed, match=words) as caught:
        run(service, function)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("unattended", [0.0, 1.0])
def test_an_image_that_changes_while_it_is_copied_is_copied_again(unattended: float) -> None:
    """The number that stands for the state moves on as the caller polls, so that the first copies are stale.

    The worker, which has to start first, must not get such a copy when nobody polls for a while either.
    """
    states = iter([1, 2, 3, 4, 4, 4])
    current = VOXELS.copy()

    def changed() -> int:
        state = next(states)
        current[0, 0, 0] = state
        return state

    arguments = {"image": image_input(lambda: current.copy(), changed=changed)}
    with JobService(allowed=("Testing.Python",)) as service:
        handle = service.submit(Job("Changing", f"{job_functions.__name__}:same_image", arguments))
        time.sleep(unattended)
        image = handle.wait(60)
    assert sitk.GetArrayViewFromImage(image)[0, 0, 0] == 4


def test_the_application_imports_nothing_heavy_before_the_result_is_asked_for() -> None:
    code = """
import sys
import numpy as np
from AIImagingLogic.jobs.job import ImageInput, Job
from AIImagingLogic.jobs.service import JobService
heavy = ("SimpleITK", "scipy", "torch", "monai", "pydicom", "highdicom")
with JobService(allowed=("Testing.Python",)) as service:
    voxels = np.ones((4, 5, 6), np.int16)
    image = ImageInput(voxels, (1, 1, 1), (0, 0, 0), (1, 0, 0, 0, 1, 0, 0, 0, 1), {"modality": "CT"})
    handle = service.submit(Job("Threshold", "Testing.Python.job_functions:threshold", {"image": image}))
    service.wait_for(handle, 60)
    assert handle.state == "done", handle.error
    print([name for name in heavy if name in sys.modules])
    handle.result()
    print("SimpleITK" in sys.modules)
"""
    root = Path(__file__).resolve().parents[2]
    run = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert run.stdout.split("\n")[:2] == ["[]", "True"]


def test_large_images_arrive_whole(service: JobService) -> None:
    """Larger than a slab of the copy, twice, so that the second goes through memory that was used before."""
    for seed in (1, 2):
        voxels = np.random.default_rng(seed).integers(0, 255, (40, 1024, 512), dtype=np.uint8)
        image = run(service, "same_image", image=image_input(voxels))
        assert hashlib.sha256(sitk.GetArrayViewFromImage(image)).digest() == hashlib.sha256(voxels).digest()


def test_a_time_with_a_zone_is_kept(service: JobService) -> None:
    acquired = datetime(2025, 3, 1, 9, 30, tzinfo=UTC)
    facts = {"acquired": acquired}
    answer = run(service, "with_infos", image=image_input(VOXELS, facts=facts), moving=image_input(VOXELS))
    assert answer["info"]["acquired"] == acquired.isoformat()
