"""A network run with little memory gives what PyTorch gives, and holds less."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from AIImagingLogic.inference.activation_memory import activation_memory  # noqa: E402
from AIImagingLogic.inference.frugal import activation_store  # noqa: E402
from AIImagingLogic.inference.frugal import frugal_plan as planning  # noqa: E402
from AIImagingLogic.inference.frugal.activation_store import LEAST_IN_FILE, ActivationStore  # noqa: E402
from AIImagingLogic.inference.frugal.call_record import NotRecordable, record_calls  # noqa: E402
from AIImagingLogic.inference.frugal.frugal_network import FrugalNetwork  # noqa: E402
from AIImagingLogic.inference.frugal.frugal_plan import frugal_plan, plan_bytes  # noqa: E402
from AIImagingLogic.inference.scratch import Scratch  # noqa: E402


def monai_network(name):
    nets = pytest.importorskip("monai.networks.nets")
    return {
        "UNet": lambda: nets.UNet(3, 2, 3, (8, 16, 24), (2, 2), num_res_units=2, norm="batch"),
        "UNet of instances": lambda: nets.UNet(3, 2, 3, (8, 16, 24), (2, 2), num_res_units=1, act="relu"),
        "BasicUNet": lambda: nets.BasicUNet(3, 2, 3, (8, 8, 16, 16, 24, 8)),
        "BasicUNet upsampled": lambda: nets.BasicUNet(3, 2, 3, (8, 8, 16, 16, 24, 8), upsample="nontrainable"),
        "SegResNet": lambda: nets.SegResNet(3, 8, 2, 3),
        "DynUNet": lambda: nets.DynUNet(3, 2, 3, [3, 3, 3], [1, 2, (2, 2, 1)], [2, (2, 2, 1)], [8, 16, 24]),
        "AttentionUnet": lambda: nets.AttentionUnet(3, 2, 3, (8, 16, 24), (2, 2)),
        "VNet": lambda: nets.VNet(3, 2, 3),
        "DynUNet of residuals": lambda: nets.DynUNet(
            3, 2, 3, [3, 3, 3], [1, 2, 2], [2, 2], [8, 16, 24], res_block=True
        ),
    }[name]()


def nnunet_network(residual, deep=False):
    unets = pytest.importorskip("dynamic_network_architectures.architectures.unet")
    kind = unets.ResidualEncoderUNet if residual else unets.PlainConvUNet
    return kind(
        2,
        3,
        (8, 16, 24),
        torch.nn.Conv3d,
        (3, 3, (3, 3, 1)),
        (1, 2, (2, 2, 1)),
        (1, 2, 2),
        3,
        (1, 1),
        conv_bias=True,
        norm_op=torch.nn.InstanceNorm3d,
        norm_op_kwargs={"affine": True, "eps": 1e-5},
        nonlin=torch.nn.LeakyReLU,
        nonlin_kwargs={"inplace": True},
        deep_supervision=deep,
    )


NETWORKS = {
    **{
        name: (lambda name=name: monai_network(name), (32, 16, 16))
        for name in (
            "UNet",
            "UNet of instances",
            "BasicUNet",
            "BasicUNet upsampled",
            "SegResNet",
            "DynUNet",
            "AttentionUnet",
            "VNet",
            "DynUNet of residuals",
        )
    },
    "BasicUNet of odd sides": (lambda: monai_network("BasicUNet"), (37, 20, 23)),
    "PlainConvUNet": (lambda: nnunet_network(False), (40, 16, 8)),
    "PlainConvUNet, deep": (lambda: nnunet_network(False, deep=True), (40, 16, 8)),
    "ResidualEncoderUNet": (lambda: nnunet_network(True), (40, 16, 8)),
}


def made(build):
    """Return a network whose every channel has statistics of its own."""
    torch.manual_seed(7)
    module = build().eval()
    for part in module.modules():
        if getattr(part, "running_mean", None) is not None:
            part.running_mean.normal_(0, 0.2)
            part.running_var.uniform_(0.5, 2)
        if getattr(part, "weight", None) is not None and "Norm" in type(part).__name__:
            torch.nn.init.uniform_(part.weight, 0.5, 2)
            torch.nn.init.uniform_(part.bias, -1, 1)
    return module


def window(sides, channels=2):
    torch.manual_seed(1)
    ramp = torch.linspace(-1, 2, sides[0]).view(-1, *(1 for _ in sides[1:]))
    return torch.randn(1, channels, *sides) * ramp + ramp


def in_small_slabs(monkeypatch):
    monkeypatch.setattr(planning, "_ROOM", 300_000)
    monkeypatch.setattr(planning, "_SMALL_ROOM", 100_000)
    monkeypatch.setattr(planning, "_UNDIVIDED", 100_000)
    monkeypatch.setattr(planning, "_LEAST_ROWS", 2)
    monkeypatch.setattr(planning, "LEAST_IN_FILE", 1 << 12)
    monkeypatch.setattr(activation_store, "LEAST_IN_FILE", 1 << 12)


def run(module, given, all_in_files, folder=None):
    store = ActivationStore(Scratch(folder))
    plan = frugal_plan(module, given.shape, all_in_files)
    network = FrugalNetwork(plan, store)
    with torch.inference_mode():
        network(given)
        # The second window meets room that the first left behind.
        return network(given).clone(), store, plan


def first(output):
    return output[0] if isinstance(output, (list, tuple)) else output


@pytest.mark.parametrize("name", NETWORKS)
def test_values_are_those_of_pytorch(name, tmp_path, monkeypatch):
    in_small_slabs(monkeypatch)
    build, sides = NETWORKS[name]
    module, given = made(build), window(sides)
    before = given.clone()
    with torch.inference_mode():
        expected = first(module(given.clone()))
    for all_in_files in (False, True):
        values, _, plan = run(module, given, all_in_files, tmp_path)
        assert torch.equal(given, before)
        # Sums of up to some thousand products in single precision, in another order.
        assert float((values - expected).abs().max()) <= 1e-5 * float(expected.abs().max())
    assert any(step.rows and step.rows < sides[0] for step in plan.steps)
    whole = [
        step.call.name for step in plan.steps if step.work is None and step.call.results[0] not in plan.lives.joined
    ]
    # What is not known here runs as it is: the repeated channels of VNet, the padding of odd sides.
    assert set(whole) <= {"repeat", "pad"}


@pytest.mark.parametrize("name", ["UNet", "BasicUNet", "SegResNet", "DynUNet", "PlainConvUNet", "ResidualEncoderUNet"])
def test_far_fewer_values_are_held(name, monkeypatch):
    build, _ = NETWORKS[name]
    module, given = made(build), window((32, 32, 32))
    monkeypatch.setattr(planning, "_ROOM", 500_000)
    plain = activation_memory(module, given.shape).activations
    _, store, plan = run(module, given, all_in_files=False)
    _, in_files, _ = run(module, given, all_in_files=True)
    assert store.most_in_memory <= min(0.75 * plain, plan_bytes(plan))
    # Small values alone stay in memory.
    assert in_files.most_in_memory <= 8 * LEAST_IN_FILE
    # All is given back but the output.
    assert store.in_memory == 3 * 32**3 * 4 and in_files.in_memory == 0


def test_values_changed_in_place_while_others_wait_for_them_are_kept_apart():
    class Shared(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.last = torch.nn.Conv3d(2, 4, 3, padding=1), torch.nn.Conv3d(10, 3, 3, padding=1)

        def forward(self, given):
            one = self.first(given)
            both = torch.cat([one, given, torch.nn.functional.pad(one, [0] * 6, mode="replicate")], 1)
            part = one[:, :2]
            part.mul_(3)
            torch.nn.functional.leaky_relu(one, 0.1, inplace=True)
            total = self.last(both) + one[:, 1:4]
            return torch.sigmoid(total) * total

    module, given = made(Shared), window((33, 20, 18))
    for all_in_files in (False, True):
        values, _, _ = run(module, given, all_in_files)
        with torch.inference_mode():
            assert torch.allclose(values, module(given), atol=1e-5)


def test_uneven_convolutions_pooling_and_resizing_are_as_pytorch_does_them(monkeypatch, tmp_path):
    in_small_slabs(monkeypatch)
    layers = [
        torch.nn.Conv3d(2, 8, (5, 3, 1), stride=(3, 1, 2), padding=(2, 0, 1), dilation=(2, 1, 1)),
        torch.nn.AvgPool3d(3, 1, 1),
        torch.nn.ConvTranspose3d(8, 6, (2, 3, 4), stride=(3, 2, 1), padding=(0, 1, 2), output_padding=(1, 1, 0)),
        torch.nn.GroupNorm(3, 6),
        torch.nn.Upsample(scale_factor=(1.7, 1, 2), mode="trilinear", align_corners=False),
        torch.nn.MaxPool3d(3, 2, 1),
        torch.nn.Conv3d(6, 6, 3, padding="same", groups=2),
        torch.nn.Upsample(size=(45, 31, 20), mode="trilinear", align_corners=True),
        torch.nn.Upsample(scale_factor=2, mode="nearest"),
        torch.nn.Softmax(1),
    ]
    module, given = made(lambda: torch.nn.Sequential(*layers)), window((70, 30, 22))
    values, _, plan = run(module, given, True, tmp_path)
    with torch.inference_mode():
        expected = module(given)
    assert torch.allclose(values, expected, atol=1e-5)
    assert all(step.work is not None for step in plan.steps)


def test_a_flat_network_is_run_as_well(monkeypatch):
    in_small_slabs(monkeypatch)
    nets = pytest.importorskip("monai.networks.nets")
    module, given = made(lambda: nets.BasicUNet(2, 2, 3, (8, 8, 16, 16, 24, 8))), window((96, 80))
    values, _, _ = run(module, given, True)
    with torch.inference_mode():
        assert torch.allclose(values, module(given), atol=1e-5)


@pytest.mark.parametrize("kind", ["values", "script"])
def test_a_network_whose_calls_cannot_be_had_says_so(kind):
    class ByValue(torch.nn.Module):
        def forward(self, given):
            return given * 2 if given.sum() > 0 else given * 3

    module = ByValue() if kind == "values" else torch.jit.script(torch.nn.Conv3d(1, 2, 3))
    with pytest.raises(NotRecordable):
        record_calls(module, (1, 1, 8, 8, 8))
