"""Our RetinaNet against MONAI's, with the same weights."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from AIImagingLogic.inference.detection.recipe import AnchorShapes, DetectionRecipe
from AIImagingLogic.inference.detection.run import run_detection
from AIImagingLogic.inference.network import EngineSettings, Network
from AIImagingLogic.inference.recipe import NetworkRecipe
from AIImagingLogic.models.retinanet.architecture import RetinaNetArchitecture
from AIImagingLogic.models.retinanet.network import build_retinanet
from AIImagingLogic.models.safety.weights import fit
from AIImagingLogic.records.errors import ModelError
from AIImagingLogic.records.progress import Progress

torch = pytest.importorskip("torch")
pytest.importorskip("monai")

ANCHORS = ((6.0, 8.0, 4.0), (8.0, 6.0, 5.0), (10.0, 10.0, 6.0))


def layer_getter(backbone: Any, return_layers: dict[str, str]) -> Any:
    """Stand in for the one class of torchvision that MONAI's extractor needs."""

    class Getter(torch.nn.ModuleDict):
        def forward(self, value: Any) -> dict[str, Any]:
            found = {}
            for name, module in self.items():
                value = module(value)
                if name in return_layers:
                    found[return_layers[name]] = value
            return found

    kept: dict[str, Any] = {}
    for name, module in backbone.named_children():
        kept[name] = module
        if set(return_layers) <= set(kept):
            break
    return Getter(kept)


def monai_retinanet(depth: int, stride: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch) -> Any:
    from monai.apps.detection.networks.retinanet_network import RetinaNet
    from monai.networks.blocks import backbone_fpn_utils
    from monai.networks.nets import resnet

    stand_in = SimpleNamespace(_utils=SimpleNamespace(IntermediateLayerGetter=layer_getter))
    monkeypatch.setattr(backbone_fpn_utils, "torchvision_models", stand_in)
    make = {10: resnet.resnet10, 50: resnet.resnet50}[depth]
    body = make(spatial_dims=3, n_input_channels=1, conv1_t_stride=list(stride), conv1_t_size=[7, 7, 7])
    extractor = backbone_fpn_utils._resnet_fpn_extractor(body, 3, 5, [1, 2], None)
    network = RetinaNet(3, 1, 3, extractor, [8 * step for step in stride])
    generator = torch.Generator().manual_seed(depth)
    with torch.no_grad():
        for name, values in network.state_dict().items():
            if name.endswith("running_var"):
                values.copy_(0.5 + torch.rand(values.shape, generator=generator))
            elif name.endswith(("running_mean", "bias")):
                values.copy_(0.1 * torch.randn(values.shape, generator=generator))
            elif "head" in name and values.dim() == 5:
                values.copy_(0.03 * torch.randn(values.shape, generator=generator))
    return network.eval()


def architecture(depth: int, stride: tuple[int, int, int]) -> RetinaNetArchitecture:
    block, blocks = {10: ("basic", (1, 1, 1, 1)), 50: ("bottleneck", (3, 4, 6, 3))}[depth]
    return RetinaNetArchitecture(block, blocks, 1, 1, 3, (1, 2), (7, 7, 7), stride)


def rows(maps: list[Any], figures: int) -> Any:
    """Return MONAI's maps as one list of anchors, in the order of its detector."""
    parts = [part.reshape(1, 3, figures, *part.shape[2:]).permute(0, 3, 4, 5, 1, 2) for part in maps]
    return torch.cat([part.reshape(1, -1, figures) for part in parts], 1)


@pytest.mark.parametrize(("depth", "stride"), [(10, (1, 2, 1)), (50, (2, 2, 1))])
def test_the_same_weights_give_the_same_values_as_monai(
    depth: int, stride: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = monai_retinanet(depth, stride, monkeypatch)
    ours = build_retinanet(architecture(depth, stride))
    fit(ours, theirs.state_dict())
    assert set(ours.state_dict()) == set(theirs.state_dict())
    image = torch.rand(1, 1, 32, 48, 16, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        expected = theirs(image)
        expected = torch.cat([rows(expected["classification"], 1), rows(expected["box_regression"], 6)], 2)
        values = ours(image)
    assert float(expected.std()) > 0.01  # or the comparison would say nothing
    # Both sum in single precision, in the same order.
    torch.testing.assert_close(values, expected, rtol=1e-5, atol=1e-5)


def test_boxes_are_those_of_monais_detector_when_one_window_sees_all(monkeypatch: pytest.MonkeyPatch) -> None:
    from monai.apps.detection.networks.retinanet_detector import RetinaNetDetector
    from monai.apps.detection.utils.anchor_utils import AnchorGeneratorWithAnchorShape
    from monai.data.box_utils import box_iou

    stride = (2, 2, 1)
    theirs = monai_retinanet(10, stride, monkeypatch)
    detector = RetinaNetDetector(
        theirs, AnchorGeneratorWithAnchorShape((1, 2, 4), ANCHORS), box_iou, 3, 1, (16, 16, 8)
    ).eval()
    detector.set_box_selector_parameters(0.02, 1000, 0.22, 40)
    voxels = np.random.default_rng(5).uniform(0, 1, (13, 40, 60)).astype(np.float32)
    as_monai = torch.from_numpy(voxels.transpose(2, 1, 0).copy())[None, None]
    with torch.inference_mode():
        expected = detector(as_monai)[0]
    assert len(expected["boxes"]) > 10

    ours = build_retinanet(architecture(10, stride))
    fit(ours, theirs.state_dict())
    shapes = AnchorShapes(ANCHORS, (1.0, 2.0, 4.0), architecture(10, stride).steps)
    recipe = DetectionRecipe(NetworkRecipe(1, 1, (1,), axes=""), shapes, ("spot",), (16, 16, 8), 0.02, 1000, 0.22, 40)
    image = sitk.GetImageFromArray(voxels)
    output = run_detection([image], Network(ours), recipe, EngineSettings("torch", "cpu", 2), Progress())
    corners = [
        [
            *np.subtract(found.box.center_mm, np.divide(found.box.size_mm, 2)),
            *np.add(found.box.center_mm, np.divide(found.box.size_mm, 2)),
        ]
        for found in output.boxes
    ]
    np.testing.assert_allclose([found.score for found in output.boxes], expected["labels_scores"], rtol=1e-4)
    np.testing.assert_allclose(corners, expected["boxes"], atol=1e-3)


def test_weights_of_another_network_are_refused_with_their_names() -> None:
    ours = build_retinanet(architecture(10, (1, 1, 1)))
    weights = dict(ours.state_dict())
    weights["feature_extractor.body.layer1.0.conv9.weight"] = weights.pop("feature_extractor.body.conv1.weight")
    with pytest.raises(ModelError, match=r"missing \(feature_extractor\.body\.conv1\.weight\)"):
        fit(ours, weights)
