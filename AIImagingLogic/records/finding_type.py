"""What kind of nodule a finding is."""

from __future__ import annotations

import enum


class NoduleType(enum.Enum):
    """The types that guidelines tell apart; the first four are also words of the descriptor ``attenuation``."""

    SOLID = "solid"
    PART_SOLID = "part-solid"
    GROUND_GLASS = "ground-glass"
    CALCIFIED = "calcified"
    PERIFISSURAL = "perifissural"
    """Solid, smooth and triangular or oval, at a fissure: no attenuation can tell it, so that a person says it."""
