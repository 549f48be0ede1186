"""The fine stage of a registration: how near to the truth places like lesions come before and after it.

Not simulated lesions: places of real images with contrast around them, and a known field between the two images.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from AIImagingLogic.images.geometry import transform_points, world_to_index
from AIImagingLogic.models.catalogue import load_model
from AIImagingLogic.records.progress import Progress
from Testing.Benchmarks.registration_pairs import AMPLITUDES_MM, KINDS, KnownPair, known_pair
from Testing.Benchmarks.reporting import Figures, run_as_command, shared_data

_KINDS = ("chest CT", "brain T1", "PET-CT")
_DEFORMATION = 2
_LESIONS = 20
# Contrast is counted over this distance; a lesion lies in the third with the most.
_AROUND_MM, _SHARE = 4.0, 1 / 3


def run(report: Callable[[str], None]) -> tuple[Figures, Mapping[str, Any]]:
    """Return the distance from the truth at twenty places of each pair, before and after, and the seconds a lesion."""
    from AIImagingLogic.models.builtin.mind_registration.local_refinement import refined_around

    figures: Figures = {name: {} for name in ("error_mm_before", "error_mm_after", "nearer_share", "seconds_a_lesion")}
    for kind in (kind for kind in KINDS if kind.name in _KINDS):
        pair = known_pair(shared_data(), dataclasses.replace(kind, factors=(1, 1, 1)), _DEFORMATION)
        registrar = load_model("deformable-mind", preset_name=kind.preset, device="cpu")
        coarse = registrar.register(pair.fixed, pair.moving, None, None, Progress())
        points, targets = _places(pair)
        began = time.perf_counter()
        centers = [(float(x), float(y), float(z)) for x, y, z in points]
        refined, _ = refined_around(pair.fixed, pair.moving, coarse, centers, Progress())
        seconds = (time.perf_counter() - began) / len(points)
        before, after = (
            np.linalg.norm(transform_points(found.transform, points) - targets, axis=1) for found in (coarse, refined)
        )
        figures["error_mm_before"][kind.name] = float(before.mean())
        figures["error_mm_after"][kind.name] = float(after.mean())
        figures["nearer_share"][kind.name] = float((after < before).mean())
        figures["seconds_a_lesion"][kind.name] = seconds
        report(
            f"{kind.name}: {before.mean():.2f} to {after.mean():.2f} mm (median {np.median(before):.2f} to "
            f"{np.median(after):.2f}, worst {before.max():.2f} to {after.max():.2f}), {seconds:.1f} s a lesion"
        )
    inputs = {"kinds": _KINDS, "deformation_mm": AMPLITUDES_MM[_DEFORMATION], "lesions": _LESIONS}
    return figures, inputs


def _places(pair: KnownPair) -> tuple[np.ndarray, np.ndarray]:
    """Return points (N, 3) mm, LPS with contrast around them, and where they truly lie in the moving image."""
    values = sitk.GetArrayFromImage(pair.fixed).astype(np.float64)
    values = np.clip(values, *np.percentile(values, [1, 99]))
    width = _AROUND_MM / np.array(pair.fixed.GetSpacing())[::-1]
    mean = ndimage.gaussian_filter(values, width)
    contrast = ndimage.gaussian_filter(values**2, width) - mean**2
    index = np.round(world_to_index(pair.fixed, pair.points)).astype(int)
    order = np.argsort(contrast[tuple(index[:, ::-1].T)], kind="stable")[::-1]
    most = order[: int(_SHARE * len(order))]
    chosen = np.random.default_rng(0).choice(most, _LESIONS, replace=False)
    return pair.points[chosen], pair.targets[chosen]


if __name__ == "__main__":
    run_as_command("registration_lesions", run)
