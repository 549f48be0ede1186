"""A network is run over images of any orientation, and its labels lie where they belong."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

torch = pytest.importorskip("torch")

from AIImagingLogic.inference.engine import run_network  # noqa: E402
from AIImagingLogic.inference.intensity import ScaleRange  # noqa: E402
from AIImagingLogic.inference.network import EngineSettings, Network  # noqa: E402
from AIImagingLogic.inference.recipe import NetworkRecipe  # noqa: E402
from AIImagingLogic.records.errors import Cancelled, ModelError, WrongImageError  # noqa: E402
from AIImagingLogic.records.progress import Progress  # noqa: E402

torch.set_num_threads(2)
TORCH = EngineSettings(backend="torch", device="cpu")
# Axes of the image in LPS; the last is turned by 20 degrees around S and 10 around L.


def turned(degrees, axis):
    """Return the matrix that turns by an angle around an axis (LPS)."""
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    matrix = np.eye(3)
    others = [other for other in range(3) if other != axis]
    matrix[np.ix_(others, others)] = [[cos, -sin], [sin, cos]]
    return matrix


LETTERS = (("L", "R"), ("P", "A"), ("I", "S"))
ORIENTATIONS = {
    "as usual": np.diag([1.0, 1.0, 1.0]),
    "flipped": np.diag([-1.0, 1.0, -1.0]),
    "sagittal": np.array([[0, 0, 1.0], [1, 0, 0], [0, -1, 0]]),
    "oblique": turned(20, 2) @ turned(10, 0),
}


class Above(torch.nn.Module):
    """Class 1 where the first channel is above one half."""

    def forward(self, window):
        score = (window[:, :1] - 0.5) * 20
        return torch.cat([-score, score], 1)


class NearStart(torch.nn.Module):
    """Class 1 in the first third of the window along its first axis."""

    def forward(self, window):
        score = torch.full_like(window[:, :1], -1.0)
        score[:, :, : window.shape[2] // 3] = 1.0
        return torch.cat([-score, score], 1)


class Neighbours(torch.nn.Module):
    """Classes that depend on the surroundings, not alike in any two directions."""

    def __init__(self, classes=3):
        super().__init__()
        torch.manual_seed(5)
        self.first = torch.nn.Conv3d(1, 6, 3, padding=1)
        self.second = torch.nn.Conv3d(6, classes, 5, padding=2)

    def forward(self, window):
        return self.second(torch.relu(self.first(window))) * 5


def image_of(shape=(22, 31, 27), spacing=(0.9, 1.3, 2.1), direction=ORIENTATIONS["oblique"], seed=1):
    """Return a smooth image with bumps, asymmetric, of `shape` (k, j, i)."""
    noise = sitk.GetImageFromArray(np.random.default_rng(seed).normal(size=shape).astype(np.float32))
    image = sitk.SmoothingRecursiveGaussian(noise, 2.0) * 8
    image.SetSpacing(spacing)
    image.SetDirection(np.asarray(direction).ravel().tolist())
    image.SetOrigin((-31.0, 12.5, 140.0))
    return image


def run(image, module, **recipe):
    settings = {"channels": 1, "output_channels": 2, "values": (0, 1), **recipe}
    return run_network([image], [Network(module)], NetworkRecipe(**settings), TORCH, Progress())


def array(output):
    return sitk.GetArrayFromImage(output.labels)


@pytest.mark.parametrize("direction", ORIENTATIONS.values(), ids=ORIENTATIONS)
@pytest.mark.parametrize("axes", ["RAS", "SPL", ""])
def test_labels_lie_on_the_input_grid_whatever_its_orientation(direction, axes):
    image = image_of(direction=direction)
    output = run(image, Above(), axes=axes, window=(16, 12, 14), overlap=0.5)
    assert output.labels.GetOrigin() == image.GetOrigin() and output.labels.GetSpacing() == image.GetSpacing()
    assert output.labels.GetDirection() == image.GetDirection()
    assert np.array_equal(array(output), sitk.GetArrayViewFromImage(image) > 0.5)


def test_the_network_sees_its_axes_in_the_order_and_direction_that_it_was_trained_on():
    # Array axis 0 of the network runs to the right; the image's j axis runs to the left.
    image = image_of(direction=[[0, 1, 0], [1, 0, 0], [0, 0, 1]])
    labels = array(run(image, NearStart(), axes="RAS"))
    size = labels.shape[1]
    assert labels[:, size - size // 3 :].all() and not labels[:, : size - size // 3].any()


@pytest.mark.parametrize("direction", ORIENTATIONS.values(), ids=ORIENTATIONS)
def test_labels_agree_with_monai_through_spacing_windows_and_inversion(direction):
    monai = pytest.importorskip("monai")
    pytest.importorskip("nibabel", reason="MONAI turns axes by it")
    image = image_of((34, 38, 29), direction=direction)
    recipe = {"axes": "RAS", "spacing_mm": (1.5, 1.1, 1.7), "window": (16, 20, 12), "overlap": 0.6}
    ours = array(run(image, Neighbours(), output_channels=3, values=(0, 1, 2), **recipe))
    peer = labels_by_monai(monai, image, Neighbours(), recipe)
    assert len(np.unique(peer)) == 3
    # The peer interpolates in another order of additions: voxels may differ where two classes are equally likely.
    assert np.mean(ours != peer) < 2e-4


def labels_by_monai(monai, image, module, recipe):
    from monai.transforms import Compose, Invertd, Orientationd, Spacingd

    ras = np.diag([-1.0, -1.0, 1.0])
    affine = np.eye(4)
    affine[:3, :3] = ras @ np.array(image.GetDirection()).reshape(3, 3) * image.GetSpacing()
    affine[:3, 3] = ras @ image.GetOrigin()
    voxels = torch.from_numpy(sitk.GetArrayFromImage(image).transpose(2, 1, 0)[None].copy())
    steps = Compose(
        [
            Orientationd("image", axcodes=recipe["axes"], labels=LETTERS),
            Spacingd("image", recipe["spacing_mm"], mode="bilinear"),
        ]
    )
    data = steps({"image": monai.data.MetaTensor(voxels, affine=torch.from_numpy(affine))})
    with torch.inference_mode():
        inferer = monai.inferers.SlidingWindowInferer(
            recipe["window"], overlap=recipe["overlap"], mode="gaussian", padding_mode="constant"
        )
        data["pred"] = inferer(data["image"][None], module)[0].softmax(0)
        data = Invertd("pred", steps, "image", nearest_interp=False)(data)
    return data["pred"].argmax(0).numpy().transpose(2, 1, 0)


def test_an_image_smaller_than_the_window_is_padded():
    image = image_of((5, 9, 30))
    output = run(image, Above(), window=(16, 16, 16))
    assert np.array_equal(array(output), sitk.GetArrayViewFromImage(image) > 0.5)


def test_folds_are_averaged_and_mirrored_inputs_too():
    image = image_of()
    once = run(image, Neighbours(), values=(0, 1, 2), output_channels=3)
    recipe = NetworkRecipe(1, 3, (0, 1, 2), mirrored_axes=(0, 2))
    folds = run_network([image], [Network(Neighbours())] * 2, recipe, TORCH, Progress())
    with torch.inference_mode():
        window = torch.from_numpy(sitk.GetArrayFromImage(image))[None, None]
        # The image's axes are turned for RAS as the engine does it: not needed, as mirroring is along the same axes.
        assert array(folds).shape == tuple(window.shape[2:])
    assert 0 < np.mean(array(folds) != array(once)) < 0.5


def test_channels_on_another_grid_are_resampled_and_noted():
    first, second = image_of(seed=1), image_of((30, 20, 40), (1.4, 1.6, 1.5), seed=2)
    output = run_network([first, second], [Network(Above())], NetworkRecipe(2, 2, (0, 1)), TORCH, Progress())
    assert output.notes == ("Input 2 was resampled to the grid of input 1.",)
    assert np.array_equal(array(output), sitk.GetArrayViewFromImage(first) > 0.5)


def test_a_2d_network_sees_slices_of_the_first_two_axes():
    image = image_of(direction=ORIENTATIONS["sagittal"])

    class Flat(torch.nn.Module):
        def forward(self, window):
            assert window.ndim == 4 and window.shape[2:] == (16, 12)
            return Above()(window)

    output = run(image, Flat(), window=(16, 12), axes="RAS")
    assert np.array_equal(array(output), sitk.GetArrayViewFromImage(image) > 0.5)


def test_nothing_outside_the_content_is_labelled():
    image = sitk.GetImageFromArray(np.full((30, 20, 25), -1000, np.int16))
    image[5:9, 4:12, 3:20] = 200
    step = ((ScaleRange(-1000, 200),),)
    box = run(image, NearStart(), axes="", intensity=step, foreground_above=0.1)
    assert array(box).sum() == 17 * 8 * (4 // 3)
    empty = run(sitk.Image(9, 8, 7, sitk.sitkInt16) - 1000, NearStart(), intensity=step, foreground_above=0.1)
    assert not array(empty).any()


def test_the_input_is_not_changed():
    image = image_of()
    before = sitk.GetArrayFromImage(image)
    run(image, Above(), intensity=((ScaleRange(0, 3),),), intensity_first=True)
    run(image, Above(), intensity=((ScaleRange(0, 3),),))
    assert np.array_equal(sitk.GetArrayFromImage(image), before)


def test_errors_say_what_was_wrong():
    image = image_of()
    with pytest.raises(ModelError, match="takes 2 input"):
        run(image, Above(), channels=2)
    with pytest.raises(ModelError, match="output of shape"):
        run(image, Above(), output_channels=5)
    image[3, 3, 3] = float("nan")
    with pytest.raises(WrongImageError, match="not a number"):
        run(image, Above())


@pytest.mark.parametrize("output", ["softmax", "sigmoid"])
def test_a_network_that_gives_no_numbers_is_refused(output):
    class Broken(torch.nn.Module):
        def forward(self, window):
            values = torch.cat([window, -window], 1)
            values[:, 1, 2, 3, 4] = float("nan")
            return values

    with pytest.raises(ModelError, match="not numbers"):
        run(image_of(), Broken(), output=output)


def test_the_run_ends_between_windows_once_cancelled():
    asked = []
    progress = Progress(lambda fraction, message: asked.append(message), lambda: len(asked) > 4)
    with pytest.raises(Cancelled):
        run_network([image_of()], [Network(Above())], NetworkRecipe(1, 2, (0, 1), window=(8, 8, 8)), TORCH, progress)
    assert any("s left" in message for message in asked)
