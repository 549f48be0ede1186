"""Networks that bundles take from torchvision, built here with the same names of weights: torchvision is not needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from AIImagingLogic.models.formats.wired_convolutions import Wiring
from AIImagingLogic.records.errors import ModelError

if TYPE_CHECKING:
    import torch

_RESNETS = {"resnet18": (2, 2, 2, 2), "resnet34": (3, 4, 6, 3)}
_INCEPTION = "inception_v3"
_POOL = ("avg", {"kernel_size": 7, "stride": 1})


def replacements() -> Mapping[str, Callable[..., Any]]:
    """Return what is built in place of a component of that name, with the same arguments."""
    return {"TorchVisionFCModel": fully_connected_model}


def fully_connected_model(
    model_name: str = "resnet18",
    num_classes: int = 1,
    dim: int = 2,
    in_channels: int | None = None,
    use_conv: bool = False,
    pool: Any = _POOL,
    bias: bool = True,
    pretrained: bool = False,
    **others: Any,
) -> torch.nn.Module:
    """Return the network that MONAI's TorchVisionFCModel would make; parameters are those of that class.

    It takes (N, 3, first, second) and gives (N, num_classes).

    Raises
    ------
    ModelError
        The network, or one of the arguments, is not known here.

    References
    ----------
    He K, et al. Deep residual learning for image recognition. CVPR 2016.
    Szegedy C, et al. Rethinking the Inception architecture for computer vision. CVPR 2016.
    """
    given = {key: value for key, value in others.items() if value not in (None, "", "fc", False)}
    kind, settings = pool if isinstance(pool, (list, tuple)) else ("", {})
    averaged = kind == "avg" and settings.get("kernel_size") == 7 and settings.get("stride") == 1
    known = model_name in _RESNETS and averaged or model_name == _INCEPTION and pool is None and not use_conv
    if not known or dim != 2 or in_channels is not None or given:
        raise ModelError(
            f"The network '{model_name}' of torchvision is not built here with these arguments.",
            f"Known: {', '.join(_RESNETS)} with their average of 7 x 7, and {_INCEPTION} without other pooling.",
        )
    wiring = Wiring()
    if model_name == _INCEPTION:
        from AIImagingLogic.models.formats.inception import inception_features

        value, width = inception_features(wiring, "features", rescaled=pretrained)
    else:
        value, width = _resnet(wiring, "features", _RESNETS[model_name])
    return wiring.finished(wiring.last_layer(value, "fc", width, int(num_classes), bool(use_conv), bool(bias)))


def _resnet(wiring: Wiring, place: str, blocks: tuple[int, ...]) -> tuple[Any, int]:
    """Wire the layers as they stand in a row, and the average of 7 x 7 places; return it and its channels."""
    value = wiring.convolution(wiring.image, f"{place}.0", 3, 64, 7, 2, 3)
    value = wiring.rectified(wiring.normalised(value, f"{place}.1", 64))
    value = wiring.greatest(value, 3, 2, 1)
    width = 64
    for layer, count in enumerate(blocks):
        wide = 64 << layer
        for number in range(count):
            name = f"{place}.{layer + 4}.{number}"
            stride = 2 if layer and not number else 1
            inner = wiring.convolution(value, f"{name}.conv1", width, wide, 3, stride, 1)
            inner = wiring.rectified(wiring.normalised(inner, f"{name}.bn1", wide))
            inner = wiring.normalised(
                wiring.convolution(inner, f"{name}.conv2", wide, wide, 3, 1, 1), f"{name}.bn2", wide
            )
            if stride == 2:
                value = wiring.convolution(value, f"{name}.downsample.0", width, wide, 1, stride, 0)
                value = wiring.normalised(value, f"{name}.downsample.1", wide)
            value, width = wiring.rectified(wiring.summed(inner, value)), wide
    return wiring.averaged(value, 7, 1, 0), width
