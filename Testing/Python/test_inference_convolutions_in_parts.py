"""A convolution made slab by slab gives what it gives in one go."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from AIImagingLogic.inference.convolutions_in_parts import convolutions_in_parts  # noqa: E402

CASES = {
    "padded": {"kernel_size": 3, "padding": 1},
    "without padding": {"kernel_size": 3},
    "in steps": {"kernel_size": 3, "stride": 2, "padding": 1},
    "in uneven steps": {"kernel_size": (5, 3, 1), "stride": (3, 1, 2), "padding": (2, 0, 0)},
    "dilated": {"kernel_size": 3, "padding": 8, "dilation": 8},
    "in groups": {"kernel_size": 3, "padding": 1, "groups": 2, "bias": False},
    "padded by name": {"kernel_size": 3, "padding": "same"},
    "padded beyond the kernel": {"kernel_size": (1, 3, 3), "padding": (6, 1, 1)},
    "padded by reflection": {"kernel_size": 3, "padding": 1, "padding_mode": "reflect"},
}


@pytest.mark.parametrize("how", CASES.values(), ids=CASES)
def test_values_are_the_same(how):
    torch.manual_seed(1)
    module = torch.nn.Sequential(torch.nn.Conv3d(2, 24, **how), torch.nn.InstanceNorm3d(24))
    # Uneven, so that no part is like another.
    image = torch.randn(1, 2, 53, 47, 41)
    with torch.inference_mode():
        whole = module(image)
        with convolutions_in_parts():
            parts = module(image)
    # Sums of some hundred products in single precision.
    assert torch.allclose(whole, parts, atol=1e-4)
    assert parts.shape == whole.shape


def test_a_part_is_computed_at_a_time():
    from torch.overrides import TorchFunctionMode

    seen = []

    class Watch(TorchFunctionMode):
        def __torch_function__(self, function, types, args=(), kwargs=None):
            if function is torch.conv3d:
                seen.append(args[0].shape[2])
            return function(*args, **(kwargs or {}))

    with torch.inference_mode(), Watch(), convolutions_in_parts():
        torch.nn.Conv3d(1, 8, 3, padding=1)(torch.zeros(1, 1, 64, 32, 32))
    assert seen == [10] * 8
