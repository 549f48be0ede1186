"""Licences that the user accepted: asked once, remembered with the day."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from AIImagingLogic.models.card import ModelCard
from AIImagingLogic.models.store.layout import Layout
from AIImagingLogic.models.store.memory_file import change, remembered
from AIImagingLogic.records.errors import ModelError
from AIImagingLogic.records.progress import Progress

AcceptLicence = Callable[[ModelCard], bool]
"""Shows the licence of a card (`licence`, `licence_url`) to the user; True when the user accepts it."""


class LicenceNotAccepted(ModelError):  # noqa: N818 - named as the user is told
    """The user did not accept the licence of a model."""


def is_accepted(layout: Layout, card: ModelCard) -> bool:
    """Return True when the user accepted this licence before."""
    return _key(card) in remembered(layout.licences)


def require_licence(layout: Layout, card: ModelCard, accept: AcceptLicence, progress: Progress) -> None:
    """Ask for the licence of `card` unless it was accepted before, and remember the answer.

    Raises
    ------
    LicenceNotAccepted
        The user did not accept it.
    """
    if is_accepted(layout, card):
        return
    if not accept(card):
        raise LicenceNotAccepted(
            f"The licence of '{card.id}' was not accepted: {card.licence}.",
            f"Read it at {card.licence_url or card.homepage} and accept it to use the model.",
        )

    def add(data: dict[str, Any]) -> None:
        data[_key(card)] = {"model": card.id, "accepted": datetime.now(UTC).isoformat(timespec="seconds")}

    change(layout.licences, layout.lock("licences"), add, progress)


def _key(card: ModelCard) -> str:
    return f"{card.licence} {card.licence_url}".strip()
