"""The catalogue: every model that this installation knows, by id."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from AIImagingLogic.models.run_state import BUILT_IN
from AIImagingLogic.records.errors import ModelError
from AIImagingLogic.records.resources import load_resource, resource_path

if TYPE_CHECKING:
    from AIImagingLogic.models.card import ModelCard
    from AIImagingLogic.records.provenance import ModelUse

# id -> module and class of each built-in engine; imported only when asked for.
_BUILT_IN = {
    "ct-body": ("ct_body", "CTBody"),
    "ct-lungs": ("ct_lungs", "CTLungs"),
    "ct-lung-nodules": ("ct_lung_nodules", "CTLungNodules"),
    "ct-lung-nodules-net": ("ct_lung_nodules_net", "CTLungNodulesNet"),
    "lung-nodule-views": ("multi_view_score", "MultiViewScore"),
    "ct-haemorrhage": ("ct_haemorrhage", "CTHaemorrhage"),
    "ct-nodule-outline": ("ct_nodule_outline", "CTNoduleOutline"),
    "prompted-outline": ("prompted_outline.refiner", "PromptedOutline"),
    "rigid": ("registration", "RigidRegistrar"),
    "affine": ("registration", "AffineRegistrar"),
    "deformable": ("registration", "DeformableRegistrar"),
    "deformable-mind": ("mind_registration.registrar", "MindRegistrar"),
    "deformable-elastix": ("elastix_registration", "ElastixRegistrar"),
}

_SCHEMA = "card.schema"


@dataclass(frozen=True)
class CardSummary:
    """What a list shows of a card; the fields are those of `ModelCard`.

    Reading all summaries costs a few milliseconds, decoding all cards several times that: a list that opens with a
    panel takes these, and `model_card` for the one that is chosen.
    """

    id: str
    version: str
    name: str
    task: str
    modality: str
    anatomy: str
    licence: str
    intended_use: str
    source: str
    runs: str


def model_ids(task: str | None = None) -> tuple[str, ...]:
    """Return the ids of the built-in models, or of those for one task."""
    return tuple(key for key in _BUILT_IN if task is None or _summary(key).task == task)


def card_summaries(
    task: str | None = None, modality: str | None = None, anatomy: str | None = None
) -> tuple[CardSummary, ...]:
    """Return every card of the catalogue in short: the built-in models first, then what can be fetched, by id.

    Parameters
    ----------
    task, modality
        Only cards with exactly these; a card for any modality fits every one.
    anatomy
        Only cards whose anatomy or name contains this word.
    """
    return tuple(card for card in map(_summary, _all_ids()) if card_fits(card, task, modality, anatomy))


def card_fits(card: CardSummary | ModelCard, task: str | None, modality: str | None, anatomy: str | None) -> bool:
    """Return whether a card is one of those that `card_summaries` would give."""
    return (
        (task is None or card.task == task)
        and (modality is None or card.modality in (modality.upper(), ""))
        and (anatomy is None or anatomy.lower() in f"{card.anatomy} {card.name}".lower())
    )


@cache
def model_card(model_id: str) -> ModelCard:
    """Return the card of a model of the catalogue, whether it runs here or not.

    Raises
    ------
    ModelError
        The catalogue has no such model.
    """
    if model_id not in _all_ids():
        raise ModelError(f"There is no model '{model_id}'.", "'aiimaging models list' shows all.")
    from AIImagingLogic.models.card import ModelCard

    return ModelCard.from_json(load_resource(f"models/{model_id}.json"))


def card_with_file(hashes: Collection[str]) -> ModelCard | None:
    """Return the card one of whose files has one of these SHA-256; None when the catalogue knows none of them."""
    for model_id in _all_ids():
        downloads = load_resource(f"models/{model_id}.json").get("downloads", ())
        if any(item["sha256"] in hashes for item in downloads if item["sha256"]):
            return model_card(model_id)
    return None


@cache
def _summary(model_id: str) -> CardSummary:
    data = {"source": "builtin", "runs": BUILT_IN, **load_resource(f"models/{model_id}.json")}
    return CardSummary(**{field: data[field] for field in CardSummary.__dataclass_fields__})


@cache
def _all_ids() -> tuple[str, ...]:
    paths = resource_path("models").glob("*.json")
    others = sorted({path.stem for path in paths} - {_SCHEMA} - set(_BUILT_IN))
    return (*_BUILT_IN, *others)


def load_model(model_id: str, **parameters: Any) -> Any:
    """Return the built-in engine `model_id` (a Segmenter, Detector, Refiner, ...), made with `parameters` of its own.

    Raises
    ------
    ModelError
        The catalogue has no such model, or it is not built in.
    """
    card = model_card(model_id)
    if model_id not in _BUILT_IN:
        raise ModelError(f"The model '{model_id}' is not built in.", f"Those that are: {', '.join(_BUILT_IN)}.")
    module, name = _BUILT_IN[model_id]
    make: Callable[..., Any] = getattr(import_module(f"AIImagingLogic.models.builtin.{module}"), name)
    return make(card, **parameters)


def model_use(card: ModelCard) -> ModelUse:
    """Return how a provenance names the model of `card`: a built-in engine by the hash of its card."""
    import hashlib

    from AIImagingLogic.records.provenance import ModelUse

    content = resource_path(f"models/{card.id}.json").read_bytes()
    return ModelUse(card.id, card.version, hashlib.sha256(content).hexdigest())
