"""Whether a run fits in memory, and what is spared until it does."""

from __future__ import annotations

from collections.abc import Callable

from AIImagingLogic.inference.arrangement import Arrangement
from AIImagingLogic.inference.environment_memory import memory_of_machine
from AIImagingLogic.inference.ladder import next_rung, spared_notes
from AIImagingLogic.inference.memory_forecast import MemoryForecast
from AIImagingLogic.inference.network import EngineSettings
from AIImagingLogic.inference.predictor import chosen_backend
from AIImagingLogic.inference.recipe import NetworkRecipe
from AIImagingLogic.records.errors import OutOfMemory
from AIImagingLogic.records.free_memory import give_back_free_memory
from AIImagingLogic.records.peak_memory import PeakMemory

_ADVICE = "Close other programs, crop the image, or use a computer with more memory."
# A run whose smallest arrangement is forecast to need up to this many times what is free is tried all the same.
_TRIED = 2.0


class MemoryBudget:
    """The memory that a run may take.

    Parameters
    ----------
    settings : may name a budget; else it is what the computer has free
    forecast : says what an arrangement takes; with True as second argument at most, which is quicker to say
    first : the quickest arrangement
    recipe : of the network
    can_be_frugal : whether the network can be run call by call
    """

    def __init__(
        self,
        settings: EngineSettings,
        forecast: Callable[[Arrangement, bool], MemoryForecast],
        first: Arrangement,
        recipe: NetworkRecipe,
        can_be_frugal: Callable[[], bool] = lambda: False,
    ) -> None:
        self._can_be_frugal = can_be_frugal
        self._settings, self._forecast, self._first, self._recipe = settings, forecast, first, recipe
        self._free = _free_bytes(settings)

    def first_fit(self) -> tuple[Arrangement, tuple[str, ...]]:
        """Return the quickest arrangement that is forecast to fit, and notes on what was spared.

        Raises
        ------
        OutOfMemory
            None fits.
        """
        arrangement = self._first
        if self._free is None or self._forecast(arrangement, True).total <= self._free:
            return arrangement, ()
        notes: tuple[str, ...] = ()
        while (needed := self._forecast(arrangement, False).after_a_look) > self._room():
            following = self._next(arrangement)
            if following is None:
                free = max(self._room(), 0)
                said = f"about {needed / 1e9:.1f} GB of memory; {free / 1e9:.1f} GB are free."
                if needed > _TRIED * free:
                    raise OutOfMemory(f"The model needs {said}", _ADVICE)
                # A forecast this near the limit may be too high: the run is tried.
                notes = (f"Memory may not suffice: the model needs {said}",)
                break
            arrangement = following
        return arrangement, (*spared_notes(self._first, arrangement, self._recipe), *notes)

    def after_shortage(self, arrangement: Arrangement, error: BaseException) -> tuple[Arrangement, tuple[str, ...]]:
        """Return the next arrangement once one ran out of memory, and notes on what it spares.

        Raises
        ------
        OutOfMemory
            There is none.
        """
        following = self._next(arrangement)
        if following is None:
            raise OutOfMemory("The computer's memory did not suffice for the model.", _ADVICE) from error
        return following, spared_notes(self._first, following, self._recipe)

    def _room(self) -> float:
        """Return what is free now: a look at a network leaves memory behind that is given back here."""
        give_back_free_memory()
        return _free_bytes(self._settings) or 0.0

    def _next(self, arrangement: Arrangement) -> Arrangement | None:
        backend = chosen_backend(self._settings, arrangement)
        return next_rung(arrangement, self._recipe, backend, self._can_be_frugal)


def _free_bytes(settings: EngineSettings) -> float | None:
    """Return what this process may add to its memory; None where nothing is known."""
    if settings.memory_budget_bytes is not None:
        return settings.memory_budget_bytes - PeakMemory().gigabytes * 1e9
    available = memory_of_machine().available_gb
    return None if available is None else available * 1e9
