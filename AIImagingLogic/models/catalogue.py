"""The catalogue: every model that this installation knows, by id."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any

from AIImagingLogic.models.card import ModelCard
from AIImagingLogic.records.errors import ModelError
from AIImagingLogic.records.provenance import ModelUse
from AIImagingLogic.records.resources import load_resource, resource_path

# id -> module and class of each built-in engine; imported only when asked for.
_BUILT_IN = {
    "ct-body": ("ct_body", "CTBody"),
    "ct-lungs": ("ct_lungs", "CTLungs"),
    "ct-lung-nodules": ("ct_lung_nodules", "CTLungNodules"),
    "ct-nodule-outline": ("ct_nodule_outline", "CTNoduleOutline"),
    "rigid": ("registration", "RigidRegistrar"),
    "affine": ("registration", "AffineRegistrar"),
    "deformable": ("registration", "DeformableRegistrar"),
}


def model_ids(task: str | None = None) -> tuple[str, ...]:
    """Return the ids of the catalogue, or of the models for one task."""
    return tuple(key for key in _BUILT_IN if task is None or model_card(key).task == task)


@cache
def model_card(model_id: str) -> ModelCard:
    """Return the card of a model.

    Raises
    ------
    ModelError
        The catalogue has no such model.
    """
    if model_id not in _BUILT_IN:
        raise ModelError(f"There is no model '{model_id}'.", f"Known models: {', '.join(_BUILT_IN)}.")
    return ModelCard.from_json(load_resource(f"models/{model_id}.json"))


def load_model(model_id: str, **parameters: Any) -> Any:
    """Return the Segmenter, Detector, Outliner or Registrar `model_id`, made with `parameters` of its own.

    Raises
    ------
    ModelError
        The catalogue has no such model.
    """
    card = model_card(model_id)
    module, name = _BUILT_IN[model_id]
    make: Callable[..., Any] = getattr(import_module(f"AIImagingLogic.models.builtin.{module}"), name)
    return make(card, **parameters)


def model_use(card: ModelCard) -> ModelUse:
    """Return how a provenance names the model of `card`: a built-in engine by the hash of its card."""
    content = resource_path(f"models/{card.id}.json").read_bytes()
    return ModelUse(card.id, card.version, hashlib.sha256(content).hexdigest())
