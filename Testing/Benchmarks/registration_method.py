"""One registration in a process of its own: ours, or a peer's with the Python of ``make peers``.

Reads fixed.mha, moving.mha and points.npy of a folder, writes where the points went and prints seconds and memory.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

Points = np.ndarray
SendPoints = Callable[[Points], Points]
THREADS = int(os.environ.get("OMP_NUM_THREADS", "2"))


def ours(fixed: sitk.Image, moving: sitk.Image, preset: str) -> sitk.Transform:
    """Return our registration."""
    from AIImagingLogic.models.catalogue import load_model
    from AIImagingLogic.records.progress import Progress

    found = load_model("deformable-mind", preset_name=preset).register(fixed, moving, None, None, Progress())
    return found.transform


def convex_adam(fixed: sitk.Image, moving: sitk.Image) -> SendPoints:
    """Return convexAdam's registration with its defaults; it knows no geometry, so it gets one grid."""
    import torch
    from convexAdam.convex_adam_MIND import convex_adam_pt

    lowest = float(sitk.GetArrayViewFromImage(moving).min())
    same_grid = sitk.Resample(moving, fixed, sitk.Transform(), sitk.sitkLinear, lowest)
    shifts = convex_adam_pt(fixed, same_grid, device=torch.device("cpu"))
    axes = np.array(fixed.GetDirection()).reshape(3, 3)
    field = sitk.GetImageFromArray(np.ascontiguousarray(shifts[..., ::-1] * fixed.GetSpacing() @ axes.T), isVector=True)
    field.CopyInformation(fixed)
    return _sender(sitk.DisplacementFieldTransform(field))


def ants_syn(fixed: sitk.Image, moving: sitk.Image) -> SendPoints:
    """Return ANTs' affine map and SyN with antspyx's defaults."""
    import ants
    import pandas

    images = [_for_ants(ants, image) for image in (fixed, moving)]
    found = ants.registration(*images, type_of_transform="SyN", random_seed=1)["fwdtransforms"]

    def send(points: Points) -> Points:
        table = pandas.DataFrame(points, columns=["x", "y", "z"])
        return ants.apply_transforms_to_points(3, table, found)[["x", "y", "z"]].to_numpy()

    return send


def elastix(fixed: sitk.Image, moving: sitk.Image) -> SendPoints:
    """Return elastix's default translation, affine map and B-spline."""
    import itk

    from AIImagingLogic.models.builtin.elastix_registration import _itk_image

    images = [_itk_image(image, np.float32) for image in (fixed, moving)]
    parameters = itk.ParameterObject.New()
    for stage in ("translation", "affine", "bspline"):
        parameters.AddParameterMap(parameters.GetDefaultParameterMap(stage))
    method = itk.ElastixRegistrationMethod.New(*images, parameter_object=parameters)
    method.UpdateLargestPossibleRegion()
    transform = method.GetCombinationTransform()
    return lambda points: np.array([list(transform.TransformPoint(point)) for point in points.tolist()])


def simple_itk(fixed: sitk.Image, moving: sitk.Image) -> SendPoints:
    """Return SimpleITK's B-spline: mutual information, three scales of the mesh, L-BFGS."""
    method = sitk.ImageRegistrationMethod()
    method.SetMetricAsMattesMutualInformation(32)
    method.SetMetricSamplingStrategy(method.RANDOM)
    method.SetMetricSamplingPercentage(0.1, 1)
    method.SetInterpolator(sitk.sitkLinear)
    method.SetShrinkFactorsPerLevel([4, 2, 1])
    method.SetSmoothingSigmasPerLevel([2, 1, 0])
    method.SetOptimizerAsLBFGS2(numberOfIterations=40, deltaConvergenceTolerance=1e-3)
    start = sitk.BSplineTransformInitializer(fixed, [3, 3, 3], 3)
    method.SetInitialTransformAsBSpline(start, inPlace=True, scaleFactors=[1, 2, 4])
    return _sender(method.Execute(fixed, moving))


PEERS: dict[str, Callable[[sitk.Image, sitk.Image], SendPoints]] = {
    "convexAdam": convex_adam,
    "antspyx SyN": ants_syn,
    "itk-elastix": elastix,
    "SimpleITK B-spline": simple_itk,
}


def main() -> None:
    """Run one method on one folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("method", choices=("ours", *PEERS))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--preset", default="general")
    arguments = parser.parse_args()
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(THREADS)
    fixed, moving = (sitk.ReadImage(str(arguments.folder / f"{name}.mha")) for name in ("fixed", "moving"))
    points = np.load(arguments.folder / "points.npy")
    _import_first(arguments.method)
    transform = None
    began, cpu_began = time.perf_counter(), time.process_time()
    if arguments.method == "ours":
        transform = ours(fixed, moving, arguments.preset)
        send = _sender(transform)
    else:
        send = PEERS[arguments.method](fixed, moving)
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - cpu_began
    peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    np.save(arguments.folder / "found.npy", send(points))
    answer = {"seconds": seconds, "cpu_seconds": cpu_seconds, "peak_gb": peak_gb}
    if transform is not None:
        answer["folding_share"] = _folding_share(fixed, transform)
    print(json.dumps(answer))


def _import_first(method: str) -> None:
    """Load what the method needs, so that only registering is timed."""
    if method in ("ours", "convexAdam"):
        import torch

        torch.set_num_threads(THREADS)
    if method == "ours":
        import AIImagingLogic.models.builtin.mind_registration.registrar  # noqa: F401
    elif method == "convexAdam":
        import convexAdam.convex_adam_MIND  # noqa: F401
    elif method == "antspyx SyN":
        import ants  # noqa: F401
    elif method == "itk-elastix":
        import itk

        itk.ElastixRegistrationMethod  # noqa: B018 - loads it


def _for_ants(ants: Any, image: sitk.Image) -> Any:
    values = sitk.GetArrayFromImage(image).transpose().astype(np.float32)
    direction = np.array(image.GetDirection()).reshape(3, 3)
    return ants.from_numpy(values, image.GetOrigin(), image.GetSpacing(), direction)


def _sender(transform: sitk.Transform) -> SendPoints:
    return lambda points: np.array([transform.TransformPoint(point) for point in points.tolist()])


def _folding_share(fixed: sitk.Image, transform: sitk.Transform) -> float:
    field = sitk.TransformToDisplacementField(
        transform, sitk.sitkVectorFloat64, fixed.GetSize(), fixed.GetOrigin(), fixed.GetSpacing(), fixed.GetDirection()
    )
    # A copy: a view does not keep its image. The filter gives 0 for the outermost voxels.
    determinant = sitk.GetArrayFromImage(sitk.DisplacementFieldJacobianDeterminant(field))[1:-1, 1:-1, 1:-1]
    return float((determinant <= 0).mean())


if __name__ == "__main__":
    main()
