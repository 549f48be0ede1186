"""Coded concepts as the terminology entry strings that Slicer keeps with a segment, and back."""

from __future__ import annotations

from AIImagingLogic.records.coding import Code, CodedConcept, concept
from AIImagingLogic.records.resources import load_resource

_CONCEPTS = "terminology/concepts.json"
_PARTS = 7


def terminology_entry(coded: CodedConcept) -> str:
    """Return the entry of a concept: context, category, type, modifier, then an anatomic region left open."""
    contexts = load_resource(_CONCEPTS)["slicer_contexts"]
    codes = (_triplet(code) for code in (coded.category, coded.type, coded.modifier))
    return "~".join([contexts["category_and_type"], *codes, contexts["anatomic_region"], "^^", "^^"])


def concept_from_entry(entry: str, name: str, colour: tuple[int, int, int]) -> CodedConcept:
    """Return the concept that an entry names.

    A concept of Resources/terminology is returned as it stands there; any other gets `name` and `colour`, and its code
    as its key.

    Raises
    ------
    ValueError
        The string is not a terminology entry, or names no type.
    """
    parts = entry.split("~")
    if len(parts) != _PARTS:
        raise ValueError(f"This is not a terminology entry: '{entry}'.")
    category, kind, modifier = (_code(part) for part in parts[1:4])
    if category is None or kind is None:
        raise ValueError(f"This terminology entry names no type: '{entry}'.")
    identity = [_identity(code) for code in (category, kind, modifier)]
    for key in load_resource(_CONCEPTS)["concepts"]:
        known = concept(key)
        if [_identity(code) for code in (known.category, known.type, known.modifier)] == identity:
            return known
    return CodedConcept(f"{kind.scheme}-{kind.value}", name, category, kind, modifier, colour)


def _triplet(code: Code | None) -> str:
    return "^^" if code is None else f"{code.scheme}^{code.value}^{code.meaning}"


def _code(triplet: str) -> Code | None:
    scheme, value, meaning = triplet.split("^")
    return Code(value, scheme, meaning) if value else None


def _identity(code: Code | None) -> tuple[str, str] | None:
    return None if code is None else (code.scheme, code.value)
