"""Grad-CAM: which places of a feature map speak for a class.

References
----------
R. R. Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization", ICCV 2017.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray


def class_activation(module: Any, batch: Any, index: int, dimensions: int) -> NDArray[np.float32] | None:
    """Return where the network's last convolutional feature map speaks for a class.

    Parameters
    ----------
    module : torch.nn.Module in evaluation mode
    batch : torch float32 (N, channels, *spatial)
    index : of the class among the network's outputs
    dimensions : of `spatial`, 2 or 3

    Returns
    -------
    (N, *features) float32, >= 0, not scaled: the sum of the feature maps, each weighted by the average gradient of the
    class's score before softmax or sigmoid. None when the network has no feature map with places in it.
    """
    import torch

    with torch.enable_grad(), _plain_activations(module), _feature_maps(module, dimensions) as maps:
        # The gradient of the input keeps the graph alive in networks whose weights ask for none.
        scores = first_output(module(batch.detach().requires_grad_(True)))
        if not maps:
            return None
        features = maps[-1]
        (gradients,) = torch.autograd.grad(scores[:, index].sum(), features)
    weights = gradients.mean(dim=tuple(range(2, 2 + dimensions)), keepdim=True)
    activation = torch.relu((weights * features).sum(dim=1))
    return np.asarray(activation.detach().float().cpu().numpy(), np.float32)


def first_output(output: Any) -> Any:
    """Return a network's scores; networks that give more than scores give them first."""
    return output[0] if isinstance(output, (list, tuple)) else output


@contextlib.contextmanager
def _feature_maps(module: Any, dimensions: int) -> Iterator[list[Any]]:
    """Collect, in the order in which they arise, the convolutional feature maps of the passes that are made inside.

    What a normalisation or an activation makes of a convolution counts, since the classes are told from it; a pooled
    map does not, nor one without places left.
    """
    maps: list[Any] = []
    convolved = False

    def keep(part: Any, _inputs: Any, output: Any) -> None:
        nonlocal convolved
        name = type(part).__name__
        convolved = convolved or "Conv" in name
        places = getattr(output, "shape", ())[2:]
        if convolved and "Pool" not in name and len(places) == dimensions and max(places) > 1 and output.requires_grad:
            maps.append(output)

    hooks = [part.register_forward_hook(keep) for part in module.modules() if not any(part.children())]
    try:
        yield maps
    finally:
        for hook in hooks:
            hook.remove()


@contextlib.contextmanager
def _plain_activations(module: Any) -> Iterator[None]:
    """Let no layer write over its input, which may be the feature map that is looked at."""
    changed = [part for part in module.modules() if getattr(part, "inplace", False) is True]
    for part in changed:
        part.inplace = False
    try:
        yield
    finally:
        for part in changed:
            part.inplace = True
