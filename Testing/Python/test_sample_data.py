"""Sample data: where it comes from, that it is pinned, what Slicer is told of it, and the phantom in the scene."""

from __future__ import annotations

import csv
import re
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from AIImagingLogic.images.phantoms.chest_pair import demo_recipe, make_chest_pair
from AIImagingLogic.images.phantoms.sample_pair import block_means, check_sample
from AIImagingLogic.records.errors import Cancelled, WrongImageError
from AIImagingLogic.records.resources import load_resource
from Testing.Host import reason_missing

ROOT = Path(__file__).resolve().parents[2]
ADDRESS = re.compile(r"https://raw\.githubusercontent\.com/([\w.-]+/[\w.-]+)/([0-9a-f]{40})/(.+)")
needs_host = pytest.mark.skipif(reason_missing() is not None, reason=str(reason_missing()))


def _files() -> list[dict[str, Any]]:
    return [file for entry in load_resource("sample_data.json")["downloads"] for file in entry["files"]]


@pytest.mark.parametrize("file", _files(), ids=lambda file: file["file"])
def test_download_is_pinned_to_a_commit_and_checked(file: dict[str, Any]) -> None:
    assert ADDRESS.fullmatch(file["url"])
    assert re.fullmatch(r"[0-9a-f]{64}", file["sha256"]) and file["bytes"] > 0


def test_every_sample_says_where_it_comes_from_and_under_which_licence() -> None:
    content = load_resource("sample_data.json")
    for entry in (content["phantom"], *content["downloads"]):
        assert all(entry[key] for key in ("name", "shows", "source", "licence"))


@pytest.mark.shared_data
@pytest.mark.parametrize("file", _files(), ids=lambda file: file["file"])
def test_download_is_an_unchanged_file_of_the_manifest(file: dict[str, Any], shared_data: Path) -> None:
    repository, commit, path = ADDRESS.fullmatch(file["url"]).groups()  # type: ignore[union-attr]
    with (shared_data / "MANIFEST.csv").open(encoding="utf-8", newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row["source_path"] == path]
    (row,) = [row for row in rows if row["source_repository"] == repository]
    assert (row["commit"], row["sha256"], int(row["bytes"])) == (commit, file["sha256"], file["bytes"])
    assert row["derived"] in ("", "verbatim copy") and row["licence"]


class _SampleDataLogic:
    """What Slicer 5.12's SampleDataLogic does with what is registered, by its source."""

    sources: dict[str, list[Any]] = {}
    titles: dict[str, str] = {}

    @classmethod
    def registerCustomSampleDataCategory(cls, category: str, title: str) -> None:  # noqa: N802 - Slicer's name
        cls.titles[category] = title

    @classmethod
    def sampleDataSourcesByCategory(cls, category: str) -> list[Any]:  # noqa: N802 - Slicer's name
        return cls.sources.get(category, [])

    @classmethod
    def registerCustomSampleDataSource(cls, category: str = "Custom", **given: Any) -> None:  # noqa: N802
        lists = ("uris", "fileNames", "nodeNames", "checksums")
        allowed = {"sampleName", "thumbnailFileName", "customDownloader", "loadFiles", "loadFileTypes", *lists}
        assert given.keys() <= allowed and len({len(given[name]) for name in lists}) == 1
        cls.sources.setdefault(category, []).append(types.SimpleNamespace(**given))


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the Sample Data module offers after Slicer's start; registered twice, as after a reload."""
    import slicer

    monkeypatch.syspath_prepend(str(ROOT / "AIImaging"))
    monkeypatch.setattr(_SampleDataLogic, "sources", {})
    monkeypatch.setitem(sys.modules, "SampleData", types.SimpleNamespace(SampleDataLogic=_SampleDataLogic))
    modules = types.SimpleNamespace(sampleDataSources=_SampleDataLogic.sources)
    monkeypatch.setattr(slicer, "modules", modules, raising=False)
    from AIImagingLib.sample_data import register_sample_data

    register_sample_data()
    register_sample_data()
    return _SampleDataLogic.sources["AIImaging"]


@needs_host
def test_slicer_is_told_addresses_checksums_licence_and_source_once(registered: list[Any]) -> None:
    content = load_resource("sample_data.json")
    assert [source.sampleName for source in registered] == [
        entry["name"] for entry in (content["phantom"], *content["downloads"])
    ]
    assert registered[0].uris == [] and registered[0].customDownloader is not None
    for source, entry in zip(registered[1:], content["downloads"], strict=True):
        assert source.checksums == [f"SHA256:{file['sha256']}" for file in entry["files"]]
        assert source.uris == [file["url"] for file in entry["files"]] and source.customDownloader is None
        assert entry["licence"] in source.sampleDescription and entry["source"] in source.sampleDescription
        assert Path(source.thumbnailFileName).is_file()


def test_phantom_made_here_is_the_tested_one_and_another_is_not() -> None:
    visits = load_resource("sample_data.json")["phantom"]["visits"]
    pair = make_chest_pair(demo_recipe())
    for image, figures in zip((pair.baseline, pair.followup), visits, strict=True):
        check_sample(image, figures)
    # Another processor's rounding: 1 HU at a voxel in 10,000.
    voxels = sitk.GetArrayFromImage(pair.baseline)
    voxels.ravel()[::10_000] += 1
    rounded = sitk.GetImageFromArray(voxels)
    rounded.CopyInformation(pair.baseline)
    check_sample(rounded, visits[0])
    with pytest.raises(WrongImageError, match="not the one that was tested"):
        check_sample(pair.followup, visits[0])
    # A nodule of 10 mm more than there should be.
    k, j, i = (length // 3 for length in voxels.shape)
    voxels[k : k + 7, j : j + 11, i : i + 11] += 800
    changed = sitk.GetImageFromArray(voxels)
    changed.CopyInformation(pair.baseline)
    with pytest.raises(WrongImageError):
        check_sample(changed, visits[0])


def test_means_of_blocks_are_those_of_the_voxels() -> None:
    voxels = np.repeat(np.repeat(np.repeat(np.arange(64).reshape(4, 4, 4), 2, 0), 3, 1), 4, 2)
    assert block_means(sitk.GetImageFromArray(voxels.astype(np.int16))).tolist() == list(range(64))


@needs_host
def test_phantom_comes_into_the_scene_as_two_dated_ct_studies_by_a_job(monkeypatch: pytest.MonkeyPatch) -> None:
    from AIImagingLogic.jobs import service as jobs_service
    from AIImagingLogic.jobs.service import JobService
    from Testing.Host import running

    with JobService() as service, running() as host:
        monkeypatch.setattr(jobs_service, "shared_service", lambda: service)
        monkeypatch.syspath_prepend(str(ROOT / "AIImaging"))
        for name in [name for name in sys.modules if name.startswith("AIImagingLib")]:
            monkeypatch.delitem(sys.modules, name)
        from AIImagingLib.chest_phantom import make_chest_phantom

        from AIImagingLogic.scene.volume_info import facts_of_volume_node

        run = make_chest_phantom()
        host.process_events(until=lambda: run.finished, timeout=180)
        assert run.error is None and not host.messages
        facts = [facts_of_volume_node(volume) for volume in run.nodes]
        assert [fact["intensity_unit"] for fact in facts] == ["HU", "HU"]
        assert [f"{fact['acquired']:%Y-%m-%d}" for fact in facts] == ["2025-03-03", "2025-09-01"]
        count = host.scene.GetNumberOfNodes()
        waiting = make_chest_phantom()
        host.close_scene()
        host.process_events(until=lambda: waiting.finished, timeout=30)
        assert isinstance(waiting.error, Cancelled) and waiting.kept_at is None and not host.messages
        assert host.scene.GetNumberOfNodes() < count
