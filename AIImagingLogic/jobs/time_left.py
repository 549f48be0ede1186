"""How long a run will still take, from how far it is."""

from __future__ import annotations

_LEAST_FRACTION = 0.02
_LEAST_SECONDS = 1.0
_WEIGHT_OF_NEW = 0.3


class TimeLeft:
    """Estimates the seconds left; smoothed, so that the figure does not jump.

    Parameters
    ----------
    began : seconds, any clock; the one that `update` uses
    """

    def __init__(self, began: float) -> None:
        self._began = began
        self._estimate: float | None = None
        self._at = began

    def update(self, fraction: float, now: float) -> float | None:
        """Return the seconds left when `fraction` (0..1) is done; None as long as nothing can be said."""
        elapsed = now - self._began
        if fraction >= 1:
            return 0.0
        if fraction < _LEAST_FRACTION or elapsed < _LEAST_SECONDS:
            return None
        new = elapsed * (1 - fraction) / fraction
        if self._estimate is not None:
            expected = max(self._estimate - (now - self._at), 0.0)
            new = expected + _WEIGHT_OF_NEW * (new - expected)
        self._estimate, self._at = new, now
        return new
