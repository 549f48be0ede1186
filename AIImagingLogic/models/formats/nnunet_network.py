"""The network that a plan of nnU-Net v2 describes, built from a list of known classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from AIImagingLogic.models.formats.nnunet_plan import NnunetPlan
from AIImagingLogic.models.safety.plain_values import is_plain_value
from AIImagingLogic.models.safety.plan_classes import plan_class
from AIImagingLogic.models.safety.refusals import UntrustedModel
from AIImagingLogic.models.safety.weights import fit
from AIImagingLogic.records.errors import ModelError
from AIImagingLogic.records.resources import load_resource

if TYPE_CHECKING:
    import torch

_RULES = "model_formats/nnunet.json"
_ADVICE = "Get the package again, or have its author export it anew."
_OLD_FIELDS = {"kernel_sizes": "conv_kernel_sizes", "strides": "pool_op_kernel_sizes"}


def nnunet_network(
    plan: NnunetPlan, channels: int, outputs: int, weights: Mapping[str, torch.Tensor], place: str
) -> torch.nn.Module:
    """Return the network with its weights, in evaluation mode, without the outputs of deep supervision.

    Parameters
    ----------
    plan : of the package
    channels, outputs : of the network
    weights : by name
    place : name of their file, for messages

    Raises
    ------
    ModelError
        The plan names a class that is not on the list, its arguments make no sense, the weights do not fit, or the
        package dynamic_network_architectures is not installed.
    """
    import torch

    described = described_network(plan)
    kind = _known_class(described["network_class_name"], plan)
    arguments = dict(described["arch_kwargs"])
    for name in described["_kw_requires_import"]:
        if arguments.get(name) is not None:
            arguments[name] = _known_class(arguments[name], plan)
    try:
        # Without memory at first: sizes of a plan are nothing to trust before the weights agree with them.
        with torch.device("meta"):
            module: torch.nn.Module = kind(
                input_channels=channels, num_classes=outputs, **{**arguments, "deep_supervision": False}
            )
    except (TypeError, ValueError, KeyError, IndexError, AssertionError, AttributeError, RuntimeError) as error:
        lines = str(error).strip().splitlines()
        said = lines[0][:160] if lines else type(error).__name__
        raise ModelError(f"{plan.place}: {kind.__name__} cannot be built as described ({said}).", _ADVICE) from error
    own = module.state_dict()
    if all(name in weights and weights[name].shape == value.shape for name, value in own.items()):
        module = module.to_empty(device="cpu")
    # Where they do not agree, this says which.
    fit(module, weights, place)
    for parameter in module.parameters():
        parameter.requires_grad_(False)
    return module.float().eval()


def described_network(plan: NnunetPlan) -> dict[str, Any]:
    """Return class, arguments, and the names of arguments that are classes, as plans since nnU-Net 2.5 have them.

    Raises
    ------
    ModelError
        A field is missing, or is neither a number, a word, nor a short list or object of those.
    """
    described = plan.configuration.get("architecture")
    if described is None:
        described = _from_old_fields(plan)
    fits = isinstance(described, Mapping) and isinstance(described.get("arch_kwargs"), Mapping)
    if not fits or not isinstance(described.get("_kw_requires_import", []), list):
        raise ModelError(f"{plan.place}: 'architecture' makes no sense.", _ADVICE)
    limits = load_resource(_RULES)["limits"]
    for name, value in described["arch_kwargs"].items():
        if not is_plain_value(value, limits):
            raise ModelError(f"{plan.place}: the argument '{name}' of the network is not accepted.", _ADVICE)
    return {
        "network_class_name": described.get("network_class_name"),
        "arch_kwargs": dict(described["arch_kwargs"]),
        "_kw_requires_import": list(described.get("_kw_requires_import", [])),
    }


def _from_old_fields(plan: NnunetPlan) -> dict[str, Any]:
    """Return the description that plans before nnU-Net 2.5 spread over fields of their own."""
    known = load_resource(_RULES)["old_networks"]
    name = plan.configuration.get("UNet_class_name")
    if name not in known:
        raise ModelError(f"{plan.place}: the network '{name}' is not known.", f"Known: {', '.join(known)}.")
    per_stage = plan.field("n_conv_per_stage_encoder", list)
    first, most = plan.field("UNet_base_num_features", int), plan.field("unet_max_num_features", int)
    dimensions = len(plan.numbers("patch_size", int))
    arguments = {
        "n_stages": len(per_stage),
        "features_per_stage": [min(first * 2 ** min(stage, 16), most) for stage in range(len(per_stage))],
        "conv_op": f"torch.nn.Conv{dimensions}d",
        "conv_bias": True,
        "norm_op": f"torch.nn.InstanceNorm{dimensions}d",
        "norm_op_kwargs": {"eps": 1e-5, "affine": True},
        "dropout_op": None,
        "dropout_op_kwargs": None,
        "nonlin": "torch.nn.LeakyReLU",
        "nonlin_kwargs": {"inplace": True},
        known[name]["per_stage"]: per_stage,
        "n_conv_per_stage_decoder": plan.field("n_conv_per_stage_decoder", list),
        **{new: plan.field(old, list) for new, old in _OLD_FIELDS.items()},
    }
    classes = ["conv_op", "norm_op", "dropout_op", "nonlin"]
    return {"network_class_name": known[name]["class"], "arch_kwargs": arguments, "_kw_requires_import": classes}


def _known_class(name: Any, plan: NnunetPlan) -> Any:
    module, _, last = str(name).rpartition(".")
    moved = load_resource(_RULES)["moved_modules"].get(module, module)
    try:
        return plan_class(f"{moved}.{last}", plan.place)
    except UntrustedModel as refusal:
        raise ModelError(f"{refusal.place}: {refusal.found}.", "Models with such parts are not run here.") from refusal
