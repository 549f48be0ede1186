"""Segments of a package's labels: names, coded types where they are known, colours."""

from __future__ import annotations

import re
from collections.abc import Sequence

from AIImagingLogic.models.card import OutputLabel
from AIImagingLogic.records.coding import Code, CodedConcept
from AIImagingLogic.records.resources import load_resource
from AIImagingLogic.records.segmentation import Segment

Colour = tuple[int, int, int]


def is_background(name: str) -> bool:
    """Whether a label's name says that it is the background."""
    return _plain(name) in load_resource("terminology/label_names.json")["background"]


def label_segments(
    names: Sequence[str],
    values: Sequence[int],
    colours: Sequence[Colour] | None = None,
    coded: Sequence[OutputLabel] = (),
) -> tuple[Segment, ...]:
    """Return a segment for every value that is not 0.

    Parameters
    ----------
    names, values : of each output channel of the network
    colours : RGB in 0..255 of each; None: a colour of our own for each
    coded : the card's labels; their coded types count before those that are known by name
    """
    table = load_resource("terminology/label_names.json")
    own = {label.value: label for label in coded if label.type is not None}
    segments = []
    for index, (name, value) in enumerate(zip(names, values, strict=True)):
        if value == 0:
            continue
        palette = table["colours"]
        colour = colours[index] if colours is not None else tuple(palette[(value - 1) % len(palette)])
        shown = _shown(name)
        label = own.get(value)
        concept = _concept(shown, colour, label)
        segments.append(Segment(value, shown, concept, concept.colour))
    return tuple(segments)


def _concept(name: str, colour: Colour, label: OutputLabel | None) -> CodedConcept:
    table = load_resource("terminology/label_names.json")
    found = table["types"].get(_plain(name))
    key = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    category = Code.from_json(table["category"])
    if label is not None and label.type is not None:
        return CodedConcept(key, name, category, label.type, label.modifier, colour)
    if found is not None:
        return CodedConcept(key, name, category, Code.from_json(found), None, colour)
    unknown = table["unknown"]
    return CodedConcept(key, name, Code.from_json(unknown["category"]), Code.from_json(unknown["type"]), None, colour)


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]+", " ", name).strip().lower()


def _shown(name: str) -> str:
    """Return a label's name as a person writes it: no dashes or underscores, the first letter a capital."""
    text = re.sub(r"[\s_-]+", " ", name).strip() or "Label"
    words = [word.lower() if index and word[1:].islower() else word for index, word in enumerate(text.split())]
    return " ".join([words[0][0].upper() + words[0][1:], *words[1:]])
