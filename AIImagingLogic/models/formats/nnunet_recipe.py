"""How a network of nnU-Net v2 is fed and read: what its preprocessor, predictor and export do, as a recipe."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from AIImagingLogic.inference.intensity import (
    Clip,
    IntensityStep,
    ScaleRange,
    ScaleToExtremes,
    Standardise,
    StandardiseContent,
    StandardiseImage,
)
from AIImagingLogic.inference.recipe import NetworkRecipe
from AIImagingLogic.models.formats.nnunet_labels import NnunetLabels
from AIImagingLogic.models.formats.nnunet_network import described_network
from AIImagingLogic.models.formats.nnunet_plan import PLANS, NnunetPlan
from AIImagingLogic.records.errors import ModelError
from AIImagingLogic.records.resources import load_resource

_RULES = "model_formats/nnunet.json"
_ADVICE = "Get the package again, or have its author export it anew."
_OVERLAP = 0.5
_SCHEMES = (
    "CTNormalization",
    "ZScoreNormalization",
    "NoNormalization",
    "RescaleTo01Normalization",
    "RGBTo01Normalization",
)


def nnunet_recipe(
    plan: NnunetPlan, labels: NnunetLabels, mirrored_axes: tuple[int, ...], maker: Mapping[str, Any]
) -> NetworkRecipe:
    """Return the recipe of a configuration.

    Parameters
    ----------
    plan : of the package
    labels : its output channels
    mirrored_axes : of the network's array, as the checkpoint allows
    maker : as `maker_rule` gave it

    Raises
    ------
    ModelError
        A field is missing or makes no sense, or names a normalisation, resampling or reader that is not known.
    """
    window = plan.numbers("patch_size", int)
    spacing = plan.numbers("spacing")
    if len(spacing) != len(window) or math.prod(window) > load_resource(_RULES)["limits"]["window_voxels"]:
        raise ModelError(f"{plan.place}: spacing {spacing} and patch {window} make no sense.", _ADVICE)
    if not set(mirrored_axes) <= set(range(len(window))):
        raise ModelError(f"The checkpoint mirrors axes {mirrored_axes} of a patch {window}.", _ADVICE)
    interpolation, nearest_above = _resampling(plan)
    return NetworkRecipe(
        channels=len(plan.channel_names),
        output_channels=len(labels.values),
        values=labels.values,
        axes=_axes(plan, len(window), maker),
        spacing_mm=spacing,
        intensity=_intensity(plan),
        intensity_first=True,
        window=window,
        overlap=_OVERLAP,
        even_windows=True,
        blending="gaussian_on_voxel",
        output=labels.output,
        interpolation=interpolation,
        mirrored_axes=mirrored_axes,
        divisible_by=_divisor(plan, len(window)),
        grid="extent",
        resampled="logits",
        nearest_above=nearest_above,
        crop_zeros=True,
    )


def maker_rule(plan: NnunetPlan, card_id: str) -> Mapping[str, Any]:
    """Return what the makers of a model do before nnU-Net sees the image; empty for most.

    Parameters
    ----------
    plan : whose data set may tell the makers
    card_id : of the catalogue, which may tell them; empty: the model is not known there
    """
    for rule in load_resource(_RULES)["makers"]:
        if card_id.startswith(rule["cards"]) or any(name in plan.dataset_name for name in rule["datasets"]):
            found: Mapping[str, Any] = rule
            return found
    return {}


def _axes(plan: NnunetPlan, dimensions: int, maker: Mapping[str, Any]) -> str:
    readers = load_resource(_RULES)["readers"]
    reader = plan.plans.get("image_reader_writer", "SimpleITKIO")
    axes = maker.get("axes", readers.get(reader))
    if axes is None or reader == "comment":
        raise ModelError(f"{PLANS}: the reader '{reader}' is not known.", f"Known: {', '.join(list(readers)[1:])}.")
    order = plan.plans.get("transpose_forward", [0, 1, 2])
    if not isinstance(order, list) or sorted(map(str, order)) != ["0", "1", "2"]:
        raise ModelError(f"{PLANS}: 'transpose_forward' makes no sense ({str(order)[:60]}).", _ADVICE)
    turned = "".join(axes[int(number)] for number in order)
    # A 2D network of nnU-Net takes slices across the first axis; the engine across the last.
    return turned if dimensions == 3 else turned[1:] + turned[0]


def _resampling(plan: NnunetPlan) -> tuple[Any, float | None]:
    """Return the interpolation of images, and above which ratio of steps the coarse axis is treated apart."""
    known = load_resource(_RULES)["resampling"]
    found = []
    for what, order in (("data", 3), ("probabilities", 1)):
        default = {"order": order, "order_z": 0, "force_separate_z": None}
        name = plan.configuration.get(f"resampling_fn_{what}", "resample_data_or_seg_to_shape")
        given = plan.configuration.get(f"resampling_fn_{what}_kwargs", default)
        settings = {**default, **(given if isinstance(given, Mapping) else {})}
        orders = known.get(name, {})
        interpolation = orders.get("", orders.get(str(settings["order"])))
        separate = settings["force_separate_z"]
        if interpolation is None or settings["order_z"] != 0 or separate not in (None, True, False):
            raise ModelError(f"{plan.place}: the resampling '{name}' with {settings} is not known.", _ADVICE)
        found.append((interpolation, False if name == "resample_torch_simple" else separate))
    (into, separate), (back, separate_back) = found
    if back != "linear" or separate != separate_back:
        raise ModelError(f"{plan.place}: images and labels are resampled in ways that do not go together.", _ADVICE)
    return into, {None: load_resource(_RULES)["anisotropy"], True: 0.0, False: None}[separate]


def _intensity(plan: NnunetPlan) -> tuple[tuple[IntensityStep, ...], ...]:
    schemes = plan.field("normalization_schemes", list)
    masks = plan.field("use_mask_for_norm", list, [False] * len(schemes))
    count = len(plan.channel_names)
    if len(schemes) != count or len(masks) != count:
        raise ModelError(f"{plan.place}: {len(schemes)} normalisations for {count} input channels.", _ADVICE)
    return tuple(_steps(plan, str(scheme), masks[number] is True, number) for number, scheme in enumerate(schemes))


def _steps(plan: NnunetPlan, scheme: str, masked: bool, channel: int) -> tuple[IntensityStep, ...]:
    if scheme == "CTNormalization":
        low, high, mean, deviation = _fingerprint(plan, channel)
        return (Clip(low, high), Standardise(mean, deviation))
    if scheme == "ZScoreNormalization":
        return (StandardiseContent() if masked else StandardiseImage(),)
    if scheme == "RescaleTo01Normalization":
        return (ScaleToExtremes(),)
    if scheme == "RGBTo01Normalization":
        return (ScaleRange(0.0, 255.0),)
    if scheme == "NoNormalization":
        return ()
    raise ModelError(f"{plan.place}: the normalisation '{scheme}' is not known.", f"Known: {', '.join(_SCHEMES)}.")


def _fingerprint(plan: NnunetPlan, channel: int) -> tuple[float, ...]:
    """Return percentiles .5 and 99.5, mean and standard deviation of the training images' foreground."""
    field = "foreground_intensity_properties_per_channel"
    old = plan.plans.get("foreground_intensity_properties_by_modality", {})
    try:
        found = plan.plans.get(field, old)[str(channel)]
        values = tuple(float(found[name]) for name in ("percentile_00_5", "percentile_99_5", "mean", "std"))
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{PLANS}: '{field}' does not tell how channel {channel} is normalised.", _ADVICE) from error
    if not all(math.isfinite(value) for value in values) or values[0] > values[1]:
        raise ModelError(f"{PLANS}: '{field}' of channel {channel} makes no sense.", _ADVICE)
    return values


def _divisor(plan: NnunetPlan, dimensions: int) -> int:
    """Return what the sides of a smaller window must be divisible by."""
    strides = described_network(plan)["arch_kwargs"].get("strides", [])
    try:
        return max(
            math.prod(int(step[axis] if isinstance(step, list) else step) for step in strides)
            for axis in range(dimensions)
        )
    except (TypeError, ValueError, IndexError) as error:
        raise ModelError(f"{plan.place}: the strides of the network make no sense.", _ADVICE) from error
