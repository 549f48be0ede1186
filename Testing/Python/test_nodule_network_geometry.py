"""Nodule network: a mark lies at the nodule in LPS mm whatever the image's grid; parts answer as the whole does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from numpy.typing import NDArray

from AIImagingLogic.models.builtin.ct_lung_nodules_net import CTLungNodulesNet
from AIImagingLogic.models.builtin.nodule_network.architecture import OUTPUTS, REACH, STRIDE, build_network
from AIImagingLogic.models.builtin.nodule_network.marks import find_peaks, heat_at
from AIImagingLogic.models.builtin.nodule_network.runner import NoduleRunner, parts
from AIImagingLogic.models.catalogue import model_card
from AIImagingLogic.records.coding import concept
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.segmentation import Segment, Segmentation

INFO = ImageInfo("CT", "HU", (1, 1, 1), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0), "")
# Asymmetric: no mirror or turn of the block puts a nodule where another is; the larger the farther.
NODULES = (((18.0, -25.0, 40.0), 7.0), ((52.0, 10.0, 66.0), 13.0))
CENTER_MM = np.array((30.0, 0.0, 50.0))
HALF_MM = np.array((40.0, 44.0, 30.0))


class BrightestCells:
    """Stands in for the network: sure of the cells whose block of voxels is bright, offset by the brightness in it."""

    def outputs(self, hu: NDArray[np.float32], progress: Progress) -> NDArray[np.float32]:
        bright = np.clip((hu + 600.0) / 600.0, 0.0, 1.0)
        k, j, i = (side // STRIDE for side in hu.shape)
        result = np.zeros((OUTPUTS, k, j, i), np.float32)
        padded = np.pad(bright, 8)
        for cell in np.argwhere(bright.reshape(k, STRIDE, j, STRIDE, i, STRIDE).mean((1, 3, 5)) > 0.1):
            window = padded[tuple(slice(STRIDE * c, STRIDE * c + STRIDE + 16) for c in cell)]
            place = np.argwhere(window > 0)
            weights = window[window > 0]
            middle = (place * weights[:, None]).sum(0) / weights.sum() - 8 - (STRIDE - 1) / 2
            apart = np.abs(middle / STRIDE).max()
            result[:, *cell] = (6.0 - 3.0 * apart, *(middle / STRIDE), 0.0)
        result[0][result[0] == 0] = -9.0
        return result


def scanned(spacing: tuple[float, ...], direction: NDArray[np.float64]) -> tuple[sitk.Image, Segmentation]:
    """Return a block of lung with the two nodules, seen on a grid with these axes (columns of `direction`)."""
    corners = np.stack(np.meshgrid(*[(-1, 1)] * 3), -1).reshape(-1, 3) * HALF_MM
    reach = np.abs(corners @ direction).max(0) + 3.0
    size = np.ceil(2 * reach / spacing).astype(int)
    origin = CENTER_MM - direction @ ((size - 1) / 2 * spacing)
    i, j, k = np.meshgrid(*(np.arange(n) for n in size), indexing="ij")
    points = origin + (np.stack([i, j, k], -1) * spacing) @ direction.T
    hu = np.full(points.shape[:-1], -860.0)
    for center, diameter in NODULES:
        apart = np.linalg.norm(points - np.array(center), axis=-1)
        hu += 880.0 / (1.0 + np.exp((apart - diameter / 2) / 0.5))
    inside = np.all(np.abs(points - CENTER_MM) <= HALF_MM, axis=-1)
    images = []
    for values in (hu.astype(np.int16), inside.astype(np.uint8)):
        image = sitk.GetImageFromArray(np.ascontiguousarray(values.transpose(2, 1, 0)))
        image.SetSpacing(list(spacing))
        image.SetOrigin(origin.tolist())
        image.SetDirection(direction.ravel().tolist())
        images.append(image)
    coded = concept("lung-left")
    return images[0], Segmentation(images[1], (Segment(1, coded.name, coded, coded.colour),))


def turned(degrees: tuple[float, float, float]) -> NDArray[np.float64]:
    transform = sitk.Euler3DTransform()
    transform.SetRotation(*np.deg2rad(degrees).tolist())
    return np.array(transform.GetMatrix()).reshape(3, 3)


GRIDS = {
    "plain": ((0.8, 0.8, 0.8), np.eye(3)),
    "anisotropic": ((0.7, 0.7, 2.5), np.eye(3)),
    "flipped": ((0.9, 0.9, 1.25), np.diag((-1.0, 1.0, -1.0))),
    "coronal slices": ((0.8, 1.0, 2.0), np.array(((1.0, 0, 0), (0, 0, 1.0), (0, -1.0, 0)))),
    "oblique": ((0.8, 0.9, 1.5), turned((12.0, -9.0, 20.0))),
}


@pytest.mark.parametrize("name", GRIDS)
@pytest.mark.parametrize("joined", [False, True])
def test_mark_lies_at_the_nodule_whatever_the_grid(name: str, joined: bool) -> None:
    image, organs = scanned(*GRIDS[name])
    detector = CTLungNodulesNet(model_card("ct-lung-nodules"), 0.5, joined, BrightestCells())
    marks = detector.detect(image, INFO, organs, Progress())
    for center, diameter in NODULES:
        apart = [float(np.linalg.norm(np.subtract(mark.position_mm, center))) for mark in marks]
        # A hit is nearer than half the diameter; a mirrored mark would lie 15 mm away.
        assert min(apart) < diameter / 3
    assert joined or len(marks) == len(NODULES)


def test_no_lung_no_mark() -> None:
    image, organs = scanned(*GRIDS["plain"])
    nothing = Segmentation(organs.image * 0, organs.segments)
    detector = CTLungNodulesNet(model_card("ct-lung-nodules"), 0.5, True, BrightestCells())
    assert detector.detect(image, INFO, nothing, Progress()) == ()


def test_peak_outside_the_lungs_is_left_out_and_the_best_comes_first() -> None:
    outputs = np.full((OUTPUTS, 6, 5, 4), 0.0, np.float32)
    outputs[0] = -9.0
    outputs[0, 1, 1, 1], outputs[0, 4, 3, 2], outputs[0, 1, 3, 3] = 1.0, 2.0, 3.0
    outputs[1:4, 4, 3, 2] = (0.25, -0.5, 0.0)
    inside = np.ones((24, 20, 16), bool)
    inside[:, 12:, 12:] = False
    peaks = find_peaks(outputs, inside, 0.5)
    assert peaks.indices.tolist() == [[18.5, 11.5, 9.5], [5.5, 5.5, 5.5]]
    assert peaks.radii_mm.tolist() == [4.0, 4.0]


def test_heat_is_looked_up_around_a_place_and_no_farther() -> None:
    outputs = np.full((OUTPUTS, 6, 6, 6), -9.0, np.float32)
    outputs[0, 3, 3, 3] = 2.0
    places = np.array(((13.5, 13.5, 13.5), (13.5, 13.5, 17.0), (13.5, 13.5, 21.5)))
    assert heat_at(outputs, places, np.array((1.0, 1.0, 6.0))).tolist() == [2.0, 2.0, -9.0]
    assert heat_at(outputs, places[2:], np.array((8.5,))).tolist() == [2.0]


@pytest.mark.parametrize("most_voxels", [1, 40 * 16 * 16, 200 * 16 * 16, 10**9])
def test_parts_cover_every_slice_once_with_all_that_reaches_it(most_voxels: int) -> None:
    done = 0
    for first, last, before, after in parts((240, 16, 16), most_voxels):
        assert first == done
        assert first % 8 == last % 8 == before % 8 == after % 8 == 0
        assert before <= max(first - REACH, 0)
        assert after >= min(last + REACH, 240)
        done = last
    assert done == 240


def test_volume_in_parts_gives_what_the_whole_gives(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from safetensors.torch import save_file

    torch.manual_seed(3)
    network = build_network()
    torch.nn.init.normal_(network.out.weight)
    save_file({name: value.half() for name, value in network.state_dict().items()}, str(tmp_path / "w.safetensors"))
    hu = np.random.default_rng(4).normal(-500.0, 300.0, (160, 16, 24)).astype(np.float32)
    whole = NoduleRunner(tmp_path / "w.safetensors").outputs(hu, Progress())
    in_parts = NoduleRunner(tmp_path / "w.safetensors", 16 * 16 * 24).outputs(hu, Progress())
    # Sums of float32 in another order.
    np.testing.assert_allclose(in_parts, whole, rtol=0, atol=1e-4 * float(np.ptp(whole)))


def test_no_voxel_beyond_the_reach_counts() -> None:
    torch = pytest.importorskip("torch")
    torch.manual_seed(3)
    network = build_network().eval()
    volume = torch.randn(1, 1, 128, 8, 8, requires_grad=True)
    network(volume)[0, :, 16].sum().backward()
    felt = torch.nonzero(volume.grad[0, 0].abs().amax((1, 2))).ravel()
    assert int(felt.min()) >= 64 - REACH
    assert int(felt.max()) <= 67 + REACH


def test_torch_is_imported_only_when_the_network_is_made() -> None:
    import subprocess
    import sys

    code = "import sys, AIImagingLogic.models.builtin.ct_lung_nodules_net; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
