"""A user's interactive model by its id, loaded once and kept."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from AIImagingLogic.models.interactive.presence import InteractiveModel, Kind, find_interactive

if TYPE_CHECKING:
    from AIImagingLogic.models.protocols import Refiner


def load_interactive(model_id: str) -> Refiner:
    """Return the refiner of a user's model; the last one is kept.

    Raises
    ------
    ModelError
        A package or the weights are missing, or cannot be used; what to do is said.
    UntrustedModel
        The bundle needs code of its own that is not trusted.
    """
    return _loaded(find_interactive(model_id))


@lru_cache(maxsize=1)
def _loaded(model: InteractiveModel) -> Refiner:
    if model.kind is Kind.NNINTERACTIVE:
        from AIImagingLogic.models.interactive.nninteractive import NNInteractiveRefiner

        return NNInteractiveRefiner(model.card(), model.folder)
    if model.kind is Kind.VISTA3D:
        from AIImagingLogic.models.interactive.vista3d import Vista3DRefiner

        return Vista3DRefiner(model.card(), model.folder)
    from AIImagingLogic.models.interactive.deepedit import DeepEditRefiner

    return DeepEditRefiner(model.card(), model.folder)
