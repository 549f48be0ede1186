"""A RetinaNet as a torch module whose weights bear the names of MONAI's."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

from AIImagingLogic.models.retinanet.architecture import RetinaNetArchitecture
from AIImagingLogic.models.retinanet.backbone import ResNetWiring

if TYPE_CHECKING:
    import torch

_HEAD_CONVOLUTIONS = 4
_HEAD_GROUPS = 8
_BOX_FIGURES = 6


def build_retinanet(architecture: RetinaNetArchitecture) -> torch.nn.Module:
    """Return the network with random weights, in evaluation mode.

    It takes float32 (N, channels, X, Y, Z), each size a multiple of the coarsest step, and gives float32
    (N, anchors of all maps, classes + 6): the logit of each class and the code of the box. The finest map comes first,
    in a map Z runs fastest, and at each place the anchors follow each other.

    References
    ----------
    Lin T-Y, et al. Focal loss for dense object detection. ICCV 2017.
    Lin T-Y, et al. Feature pyramid networks for object detection. CVPR 2017.
    """
    import torch

    modules: dict[str, torch.nn.Module] = {}
    wiring = torch.fx.Graph()
    backbone = ResNetWiring(architecture, "feature_extractor.body", modules, wiring)
    maps = _pyramid(architecture, backbone.outputs(wiring.placeholder("image")), modules, wiring)
    logits = _head("classification_head", "cls_logits", architecture.classes, architecture, modules)
    codes = _head("regression_head", "bbox_reg", _BOX_FIGURES, architecture, modules)
    parts = []
    for feature_map in maps:
        pair = []
        for names, figures in ((logits, architecture.classes), (codes, _BOX_FIGURES)):
            value = feature_map
            for name in names:
                value = wiring.call_module(name, (value,))
            pair.append(_in_rows(value, architecture.anchors, figures, wiring))
        parts.append(wiring.call_function(torch.cat, (pair, 2)))
    wiring.output(wiring.call_function(torch.cat, (parts, 1)))
    return torch.fx.GraphModule(modules, wiring, "RetinaNet").eval().requires_grad_(False)


def _pyramid(architecture: RetinaNetArchitecture, layers: list[Any], modules: dict[str, Any], wiring: Any) -> list[Any]:
    """Return the feature maps, the finest first, and one that is coarser than the ResNet's."""
    import torch
    from torch import nn

    place, width = "feature_extractor.fpn", architecture.pyramid_channels
    for number, level in enumerate(architecture.levels):
        given = architecture.widths[level - 1] * architecture.expansion
        modules[f"{place}.inner_blocks.{number}"] = nn.Conv3d(given, width, 1)
        modules[f"{place}.layer_blocks.{number}"] = nn.Conv3d(width, width, 3, padding=1)
    modules[f"{place}.extra_blocks.maxpool"] = nn.MaxPool3d(1, stride=2)
    maps: list[Any] = []
    above = None
    for number in reversed(range(len(layers))):
        inner = wiring.call_module(f"{place}.inner_blocks.{number}", (layers[number],))
        if above is not None:
            shape = wiring.call_function(getattr, (inner, "shape"))
            size = wiring.call_function(operator.getitem, (shape, slice(2, None)))
            larger = wiring.call_function(torch.nn.functional.interpolate, (above,), {"size": size, "mode": "nearest"})
            inner = wiring.call_function(torch.add, (inner, larger))
        above = inner
        maps.insert(0, wiring.call_module(f"{place}.layer_blocks.{number}", (inner,)))
    return [*maps, wiring.call_module(f"{place}.extra_blocks.maxpool", (maps[-1],))]


def _head(
    place: str, last: str, figures: int, architecture: RetinaNetArchitecture, modules: dict[str, Any]
) -> list[str]:
    """Make the modules of a head; return their names in the order in which they run."""
    from torch import nn

    width = architecture.pyramid_channels
    made: list[Any] = []
    for _ in range(_HEAD_CONVOLUTIONS):
        made += [nn.Conv3d(width, width, 3, padding=1), nn.GroupNorm(_HEAD_GROUPS, width), nn.ReLU(inplace=True)]
    names = [f"{place}.conv.{number}" for number in range(len(made))]
    modules.update(zip(names, made, strict=True))
    modules[f"{place}.{last}"] = nn.Conv3d(width, architecture.anchors * figures, 3, padding=1)
    return [*names, f"{place}.{last}"]


def _in_rows(value: Any, anchors: int, figures: int, wiring: Any) -> Any:
    """Turn (N, anchors x figures, X, Y, Z) into (N, X x Y x Z x anchors, figures)."""
    apart = wiring.call_method("unflatten", (value, 1, (anchors, figures)))
    last = wiring.call_method("permute", (apart, 0, 3, 4, 5, 1, 2))
    return wiring.call_method("flatten", (last, 1, 4))
