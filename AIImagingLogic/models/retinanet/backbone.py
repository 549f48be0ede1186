"""The ResNet under a RetinaNet, as wiring between modules that bear the names of MONAI's."""

from __future__ import annotations

from typing import Any

from AIImagingLogic.models.retinanet.architecture import RetinaNetArchitecture


class ResNetWiring:
    """Makes the modules of a 3D ResNet, up to the last layer that is wanted, and wires them.

    Parameters
    ----------
    architecture : its blocks and widths
    place : before every module's name
    modules : get the modules
    wiring : torch.fx.Graph that gets the calls

    References
    ----------
    He K, et al. Deep residual learning for image recognition. CVPR 2016.
    """

    def __init__(self, architecture: RetinaNetArchitecture, place: str, modules: dict[str, Any], wiring: Any) -> None:
        self._architecture, self._place = architecture, place
        self._modules, self._wiring = modules, wiring
        self._width = architecture.widths[0]

    def outputs(self, image: Any) -> list[Any]:
        """Return the output of each wanted layer, the finest first."""
        from torch import nn

        architecture = self._architecture
        kernel, stride = architecture.first_kernel, architecture.first_stride
        half = tuple(size // 2 for size in kernel)
        first = nn.Conv3d(architecture.channels, self._width, kernel, stride=stride, padding=half, bias=False)
        value = self._call("conv1", first, image)
        value = self._call("bn1", nn.BatchNorm3d(self._width), value)
        value = self._call("act", nn.ReLU(inplace=True), value)
        value = self._call("maxpool", nn.MaxPool3d(3, stride=2, padding=1), value)
        found = []
        for level in range(1, max(architecture.levels) + 1):
            for number in range(architecture.blocks[level - 1]):
                step = 2 if level > 1 and number == 0 else 1
                value = self._block(f"layer{level}.{number}", value, architecture.widths[level - 1], step)
            if level in architecture.levels:
                found.append(value)
        return found

    def _block(self, name: str, value: Any, inside: int, step: int) -> Any:
        import torch
        from torch import nn

        given, gives = self._width, inside * self._architecture.expansion
        # Kernel, width and stride of each convolution; the stride is on the one that looks around.
        if self._architecture.block == "bottleneck":
            plan = [(1, inside, 1), (3, inside, step), (1, gives, 1)]
        else:
            plan = [(3, inside, step), (3, gives, 1)]
        inner = value
        for number, (kernel, width, stride) in enumerate(plan, start=1):
            convolution = nn.Conv3d(given, width, kernel, stride=stride, padding=kernel // 2, bias=False)
            inner = self._call(f"{name}.conv{number}", convolution, inner)
            inner = self._call(f"{name}.bn{number}", nn.BatchNorm3d(width), inner)
            if number < len(plan):
                inner = self._call(f"{name}.act{number}", nn.ReLU(inplace=True), inner)
            given = width
        shortcut = value
        if step != 1 or self._width != gives:
            bias = self._architecture.shortcut_bias
            shortcut = self._call(
                f"{name}.downsample.0", nn.Conv3d(self._width, gives, 1, stride=step, bias=bias), value
            )
            shortcut = self._call(f"{name}.downsample.1", nn.BatchNorm3d(gives), shortcut)
        self._width = gives
        total = self._wiring.call_function(torch.add, (inner, shortcut))
        return self._call(f"{name}.act", nn.ReLU(inplace=True), total)

    def _call(self, name: str, module: Any, value: Any) -> Any:
        self._modules[f"{self._place}.{name}"] = module
        return self._wiring.call_module(f"{self._place}.{name}", (value,))
