"""A MONAI bundle with a RetinaNet as a detector: read as data, refused when it is more, run as a task."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from detection_bundles import RESNET, configuration, write_bundle
from detection_phantom import BODIES, body_finder, frame, phantom
from detection_phantom import recipe as body_recipe
from small_chest import BALLS, small_chest

from AIImagingLogic.cli import main
from AIImagingLogic.images.info import describe
from AIImagingLogic.inference.detection.run import DetectionOutput
from AIImagingLogic.inference.intensity import ScaleRange
from AIImagingLogic.models.network_detector import FoundBox, NetworkDetector, open_detector, open_detector_package
from AIImagingLogic.models.retinanet.detector_package import DetectorPackage
from AIImagingLogic.models.safety.refusals import UnsafeModel
from AIImagingLogic.records.boxes import OrientedBox
from AIImagingLogic.records.coding import concept
from AIImagingLogic.records.errors import ModelError
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.tasks import package_detection
from AIImagingLogic.tasks.detect import detect

torch = pytest.importorskip("torch")


def changed(path: str, value: Any) -> dict[str, Any]:
    """Return the configuration with another value at a place such as ``anchors.indexing``."""
    config = configuration()
    *way, last = path.split(".")
    part: Any = config
    for key in way:
        part = part[int(key) if key.isdigit() else key]
    part[int(last) if last.isdigit() else last] = value
    return config


def test_a_bundle_says_how_its_network_is_fed_and_read(tmp_path: Path) -> None:
    package = open_detector_package(write_bundle(tmp_path / "above" / "bundle", name="Lung Nodule finder").parent)
    recipe = package.recipe
    assert recipe.feeding.axes == "RAS"
    assert recipe.feeding.spacing_mm == (2.0, 2.0, 2.5)
    assert recipe.feeding.intensity == ((ScaleRange(-1000, 400, 0, 1, True),),)
    assert (recipe.feeding.window, recipe.feeding.overlap) == ((192, 192, 80), 0.4)
    assert (recipe.least_score, recipe.candidates_per_map, recipe.overlap_allowed, recipe.most_boxes) == (
        0.1,
        1000,
        0.3,
        5,
    )
    assert recipe.anchors.steps == ((4, 4, 2), (8, 8, 4))
    assert recipe.divisible_by == (16, 16, 8)
    assert package.concepts == (concept("lung-nodule"),)
    assert (package.organs, package.outline) == ("ct-lungs", "ct-nodule-outline")
    assert (package.card.task, package.card.version, package.card.modality) == ("detect", "1.2.3", "CT")
    assert any("512 x 512 x 192" in note for note in package.notes)
    assert any("every image is resampled" in note for note in package.notes)


@pytest.mark.parametrize(
    ("config", "says"),
    [
        (changed("anchors._target_", "monai.apps.detection.utils.anchor_utils.AnchorGenerator"), "AnchorGenerator"),
        (changed("body", f"${RESNET}.resnet200(spatial_dims=3, n_input_channels=1)"), "resnet200"),
        (changed("body", f"${RESNET}.resnet10(spatial_dims=2, n_input_channels=1)"), "2 dimensions"),
        (changed("body", f"${RESNET}.resnet10(n_input_channels=1, widen_factor=2)"), "widen_factor"),
        (changed("step", [8, 8, 2]), "coarsest map"),
        (changed("anchors.base_anchor_shapes", [[6, 8, 4]]), "differ in anchors"),
        (changed("anchors.base_anchor_shapes", [[6, 8, -4], [1, 1, 1]]), "an anchor"),
        (changed("finder_setup.0", "$@finder.set_box_selector_parameters(score_thresh=2)"), "make no sense"),
        (changed("preprocessing.transforms.4._target_", "HistogramNormalized"), r"'HistogramNormalized' \(prep.*3"),
        (changed("preprocessing.transforms.4.a_max", -1000), "empty range"),
    ],
)
def test_what_is_not_built_here_is_refused_by_name(tmp_path: Path, config: dict[str, Any], says: str) -> None:
    with pytest.raises(ModelError, match=says):
        open_detector_package(write_bundle(tmp_path / "bundle", config))


def test_code_in_a_configuration_is_refused_and_not_run(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    for place in ("body", "features", "step", "finder_setup.0"):
        config = changed(place, f"$__import__('pathlib').Path({str(trace)!r}).touch()")
        with pytest.raises(ModelError, match="__import__"):
            open_detector_package(write_bundle(tmp_path / place, config))
    assert not trace.exists()


def test_weights_that_run_code_do_not_fit_or_are_missing_are_refused(tmp_path: Path) -> None:
    trace = tmp_path / "trace"

    class Harmful:
        def __reduce__(self) -> Any:
            return Path.touch, (trace,)

    folder = write_bundle(tmp_path / "bundle")
    weights = folder / "models" / "model.pt"
    state = torch.load(weights, weights_only=True)["model"]
    torch.save({"model": Harmful()}, weights)
    with pytest.raises(UnsafeModel):
        open_detector_package(folder)
    assert not trace.exists()
    state["feature_extractor.body.conv2.weight"] = state.pop("feature_extractor.body.conv1.weight")
    torch.save(state, weights)
    with pytest.raises(ModelError, match=r"feature_extractor\.body\.conv1\.weight"):
        open_detector_package(folder)
    weights.unlink()
    with pytest.raises(ModelError, match="has no weights"):
        open_detector_package(folder)


@pytest.mark.parametrize("file", ["configs/inference.json", "models/model.pt"])
def test_files_that_lead_out_of_the_package_are_refused(tmp_path: Path, file: str) -> None:
    folder = write_bundle(tmp_path / "bundle")
    (folder / file).rename(tmp_path / "outside")
    (folder / file).symlink_to(tmp_path / "outside")
    with pytest.raises(ModelError, match="outside itself"):
        open_detector_package(folder)


def test_a_model_that_is_no_detection_package_is_refused(tmp_path: Path) -> None:
    for model, says in (
        (str(tmp_path), "no detection package"),
        (str(tmp_path / "missing"), "There is no model package"),
        ("monai-spleen-ct", "does not detect"),
        ("no-such-model", "There is no model"),
    ):
        with pytest.raises(ModelError, match=says):
            open_detector(model)


def body_package(tmp_path: Path) -> DetectorPackage:
    card = open_detector_package(write_bundle(tmp_path / "bundle")).card
    return DetectorPackage(
        card, body_finder(), body_recipe(), (concept("lung-nodule"),), "", "", 0.5, "test", "0" * 64, ("A note.",)
    )


def test_findings_of_a_package_have_boxes_in_the_patient_and_a_full_provenance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    detector = NetworkDetector(body_package(tmp_path))
    monkeypatch.setattr(package_detection, "open_detector", lambda model: detector)
    image = phantom(frame(24) @ np.diag([-1.0, 1.0, -1.0]), (1.1, 0.9, 1.5), frame(24))
    visit = detect(image, describe(image), model="some package")
    assert visit.organs is None
    assert [finding.mask for finding in visit.findings] == [None, None]
    for body in BODIES:
        apart = [np.linalg.norm(np.subtract(finding.box.center_mm, body.center_mm)) for finding in visit.findings]
        assert min(apart) < 0.3
    assert visit.provenance is not None
    assert visit.provenance.models[0].sha256 == "0" * 64
    assert visit.provenance.parameters["window"] == "(80, 80, 64)"
    assert "A note." in visit.provenance.notes
    assert "Findings with a box only, neither outlined nor measured: 2." in visit.provenance.notes
    again = detect(image, describe(image), model="some package")
    assert [finding.uid for finding in again.findings] == [finding.uid for finding in visit.findings]


def test_lung_nodules_of_a_package_are_outlined_and_measured_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = small_chest()
    package = body_package(tmp_path)
    boxes = [OrientedBox(center, (size,) * 3) for center, size in (*BALLS, BALLS[1], ((150.0, 30.0, 100.0), 9.0))]
    found = tuple(FoundBox(box, 0.9 - 0.1 * n, package.concepts[0]) for n, box in enumerate(boxes))

    class Detector(NetworkDetector):
        def find(self, image: sitk.Image, organs: Any, progress: Progress) -> Any:
            assert {segment.concept.key for segment in organs.segments} >= {"lung-left", "lung-right"}
            return found, DetectionOutput((), (), "cpu", "torch", 0.0, 1)

    lung_package = DetectorPackage(**{**vars(package), "organs": "ct-lungs", "outline": "ct-nodule-outline"})
    monkeypatch.setattr(package_detection, "open_detector", lambda model: Detector(lung_package))
    visit = detect(image, describe(image), model="some package")
    assert visit.organs is not None
    outlined = [finding for finding in visit.findings if finding.mask is not None]
    assert len(visit.findings) == 3
    assert len(outlined) == 2
    for finding, (_, diameter) in zip(outlined, BALLS):
        # Voxels of 3 mm: the built-in outline's own tests hold it to finer ones.
        assert finding.value("mean_diameter") == pytest.approx(diameter, abs=2.5)
    assert visit.findings[2].mask is None
    assert visit.provenance is not None
    assert any("that of a more likely finding: 1" in note for note in visit.provenance.notes)


def test_the_command_line_detects_with_a_bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIIMAGING_LOG_FOLDER", str(tmp_path / "logs"))
    write_bundle(tmp_path / "bundle")
    image = phantom(frame(10), (2.5, 2.5, 2.5), frame(10), extent_mm=60.0)
    sitk.WriteImage(image, str(tmp_path / "image.nii.gz"))
    monkeypatch.chdir(tmp_path)
    out = tmp_path / "out"
    assert main(["detect", str(tmp_path / "image.nii.gz"), "--model", "bundle", "-o", str(out), "-q"]) == 0
    result = json.loads((out / "result.json").read_text())
    assert len(result["findings"]) == 5
    assert result["provenance"]["models"][0]["model_id"] == "bright-bodies"
    assert result["provenance"]["parameters"]["windows"] == "1"
    for finding in result["findings"]:
        inside = image.TransformPhysicalPointToContinuousIndex(finding["box"]["center_mm"])
        # A box may end a voxel of the network beyond the middle of the last voxel.
        assert all(-1 <= place <= size for place, size in zip(inside, image.GetSize()))
