"""Deformable registration by elastix, where the package itk-elastix is installed."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import numpy as np
import SimpleITK as sitk

from AIImagingLogic.models.card import ModelCard
from AIImagingLogic.records.errors import ModelError, RegistrationError
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.registration import Registration, RegistrationQuality
from AIImagingLogic.records.resources import load_resource

SIMILARITY_NAME = "correlation of brightness, either sign"


class ElastixRegistrar:
    """An affine map, then a B-spline, by mutual information; our parameters are in Resources.

    elastix cannot be stopped: cancelling is noticed before it and after it.

    References
    ----------
    S. Klein et al., elastix: a toolbox for intensity-based medical image registration, IEEE Trans. Med. Imaging 29
    (2010).
    """

    across_modalities = True
    kind = "deformable"

    def __init__(self, card: ModelCard) -> None:
        if find_spec("itk") is None or find_spec("itk.itkElastixRegistrationMethodPython") is None:
            raise ModelError(
                f"'{card.name}' needs the package itk-elastix, which is not installed.",
                "Install it with: pip install itk-elastix. The registration 'deformable' needs none.",
            )
        self.card = card

    def register(
        self,
        fixed: sitk.Image,
        moving: sitk.Image,
        fixed_mask: sitk.Image | None,
        moving_mask: sitk.Image | None,
        progress: Progress,
    ) -> Registration:
        """Return the transform of points of `fixed` to points of `moving` (LPS mm), and its quality.

        Raises
        ------
        RegistrationError
            elastix gave up; it says why.
        """
        import itk

        images = [_itk_image(image, np.float32) for image in (fixed, moving)]
        masks = {
            name: _itk_image(sitk.Resample(mask > 0, image, sitk.Transform(), sitk.sitkNearestNeighbor), np.uint8)
            for name, mask, image in (("fixed_mask", fixed_mask, fixed), ("moving_mask", moving_mask, moving))
            if mask is not None
        }
        progress.report(0.0, "elastix")
        try:
            method = itk.ElastixRegistrationMethod.New(*images, parameter_object=_parameters(), **masks)
            method.UpdateLargestPossibleRegion()
        except RuntimeError as error:
            raise RegistrationError(
                f"elastix could not bring the images together: {str(error).strip().splitlines()[-1]}",
                "Check that the images overlap, or use the registration 'deformable'.",
            ) from error
        found = method.GetTransformParameterObject()
        # elastix bends after its affine map; a composite applies its last part first.
        transform = sitk.CompositeTransform([_bspline(found.GetParameterMap(1)), _affine(found.GetParameterMap(0))])
        progress.report(0.9, "elastix: quality")
        quality = RegistrationQuality(
            SIMILARITY_NAME,
            _similarity(fixed, moving, sitk.Transform(3, sitk.sitkIdentity), fixed_mask),
            _similarity(fixed, moving, transform, fixed_mask),
            _folding_percent(fixed, transform),
            None,
        )
        return Registration(transform, self.kind, quality)


def _parameters() -> Any:
    import itk

    table = load_resource("registration_elastix.json")
    parameters = itk.ParameterObject.New()
    for stage in ("affine", "bspline"):
        parameters.AddParameterMap({**table["both"], **table[stage]})
    return parameters


def _itk_image(image: sitk.Image, kind: type) -> Any:
    import itk

    result = itk.image_from_array(sitk.GetArrayFromImage(image).astype(kind))
    result.SetSpacing(image.GetSpacing())
    result.SetOrigin(image.GetOrigin())
    result.SetDirection(itk.matrix_from_array(np.array(image.GetDirection()).reshape(3, 3)))
    return result


def _affine(found: Any) -> sitk.Transform:
    values = [float(value) for value in found["TransformParameters"]]
    center = [float(value) for value in found["CenterOfRotationPoint"]]
    return sitk.AffineTransform(values[:9], values[9:], center)


def _bspline(found: Any) -> sitk.Transform:
    size = [int(value) for value in found["GridSize"]]
    coefficients = np.array([float(value) for value in found["TransformParameters"]]).reshape(3, *size[::-1])
    images = []
    for component in coefficients:
        image = sitk.GetImageFromArray(component)
        image.SetSpacing([float(value) for value in found["GridSpacing"]])
        image.SetOrigin([float(value) for value in found["GridOrigin"]])
        # elastix lists the direction column by column.
        image.SetDirection(
            np.array([float(value) for value in found["GridDirection"]]).reshape(3, 3).T.ravel().tolist()
        )
        images.append(image)
    return sitk.BSplineTransform(images, 3)


def _similarity(fixed: sitk.Image, moving: sitk.Image, transform: sitk.Transform, mask: sitk.Image | None) -> float:
    moved = sitk.GetArrayFromImage(
        sitk.Resample(moving, fixed, transform, sitk.sitkLinear, float("nan"), sitk.sitkFloat32)
    )
    known = np.isfinite(moved)
    if mask is not None:
        known &= sitk.GetArrayFromImage(sitk.Resample(mask, fixed, sitk.Transform(), sitk.sitkNearestNeighbor)) > 0
    first, second = sitk.GetArrayFromImage(fixed)[known].astype(float), moved[known].astype(float)
    if first.size < 2 or first.std() == 0 or second.std() == 0:
        return 0.0
    return abs(float(np.corrcoef(first, second)[0, 1]))


def _folding_percent(fixed: sitk.Image, transform: sitk.Transform) -> float:
    field = sitk.TransformToDisplacementField(
        transform, sitk.sitkVectorFloat64, fixed.GetSize(), fixed.GetOrigin(), fixed.GetSpacing(), fixed.GetDirection()
    )
    # The filter gives 0 for the outermost voxels.
    determinant = sitk.GetArrayFromImage(sitk.DisplacementFieldJacobianDeterminant(field))[1:-1, 1:-1, 1:-1]
    return 100.0 * float((determinant <= 0).mean())
