"""What a provenance says of a run of a network in windows."""

from __future__ import annotations

from AIImagingLogic.inference.recipe import NetworkRecipe


def network_parameters(package_format: str, recipe: NetworkRecipe, backend: str, windows: int) -> dict[str, object]:
    """Return how a network was fed and run.

    Parameters
    ----------
    package_format : of the package that it came in
    recipe : how it was fed
    backend : that computed it
    windows : how many were run
    """
    return {
        "format": package_format,
        "backend": backend,
        "axes": recipe.axes or "as stored",
        "spacing_mm": recipe.spacing_mm or "as stored",
        "window": recipe.window or "whole image",
        "overlap": recipe.overlap,
        "windows": windows,
        "intensity": "; ".join(", ".join(str(step) for step in steps) for steps in recipe.intensity),
    }
