"""Transforms as numbers and images, without a detour over a file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import SimpleITK as sitk

TRANSFORM_KEY = "transform$"
AddImage = Callable[[sitk.Image], int]
GetImage = Callable[[int], sitk.Image]

_BY_PARAMETERS = {
    name: getattr(sitk, name)
    for name in (
        "AffineTransform", "ComposeScaleSkewVersor3DTransform", "Euler2DTransform", "Euler3DTransform",
        "ScaleSkewVersor3DTransform", "ScaleTransform", "ScaleVersor3DTransform", "Similarity2DTransform",
        "Similarity3DTransform", "TranslationTransform", "VersorRigid3DTransform", "VersorTransform",
    )
}  # fmt: skip
_WITH_DIMENSION = ("AffineTransform", "ScaleTransform", "TranslationTransform")


def transform_to_json(transform: sitk.Transform, add_image: AddImage) -> dict[str, Any]:
    """Return a transform as JSON; displacement fields and coefficients go to `add_image`, which numbers them.

    Raises
    ------
    ValueError
        It is of a kind that is not known here.
    """
    inner = transform.Downcast()
    name = type(inner).__name__
    dimension = inner.GetDimension()
    if name == "Transform":
        return {TRANSFORM_KEY: "identity", "dimension": dimension}
    if name == "CompositeTransform":
        parts = [
            transform_to_json(inner.GetNthTransform(number), add_image)
            for number in range(inner.GetNumberOfTransforms())
        ]
        return {TRANSFORM_KEY: name, "dimension": dimension, "parts": parts}
    if name == "DisplacementFieldTransform":
        form = {TRANSFORM_KEY: name, "field": add_image(inner.GetDisplacementField())}
        inverse = inner.GetInverseDisplacementField()
        if inverse.GetNumberOfPixels() > 0:
            form["inverse"] = add_image(inverse)
        return form
    if name == "BSplineTransform":
        return {
            TRANSFORM_KEY: name,
            "order": inner.GetOrder(),
            "coefficients": [add_image(image) for image in inner.GetCoefficientImages()],
        }
    if name not in _BY_PARAMETERS:
        raise ValueError(f"A transform of the kind {name} cannot be sent.")
    return {
        TRANSFORM_KEY: name,
        "dimension": dimension,
        "fixed_parameters": list(inner.GetFixedParameters()),
        "parameters": list(inner.GetParameters()),
    }


def transform_from_json(form: dict[str, Any], get_image: GetImage) -> sitk.Transform:
    """Return the transform that `transform_to_json` described."""
    name = form[TRANSFORM_KEY]
    if name == "identity":
        return sitk.Transform(form["dimension"], sitk.sitkIdentity)
    if name == "CompositeTransform":
        composite = sitk.CompositeTransform(form["dimension"])
        for part in form["parts"]:
            composite.AddTransform(transform_from_json(part, get_image))
        return composite
    if name == "DisplacementFieldTransform":
        transform = sitk.DisplacementFieldTransform(get_image(form["field"]))
        if "inverse" in form:
            transform.SetInverseDisplacementField(get_image(form["inverse"]))
        return transform
    if name == "BSplineTransform":
        return sitk.BSplineTransform([get_image(number) for number in form["coefficients"]], form["order"])
    kind = _BY_PARAMETERS[name]
    transform = kind(form["dimension"]) if name in _WITH_DIMENSION else kind()
    transform.SetFixedParameters(form["fixed_parameters"])
    transform.SetParameters(form["parameters"])
    return transform
