"""Visits given in any order, put in order of time; and what they are called."""

from __future__ import annotations

from collections.abc import Sequence

from AIImagingLogic.followup.timeline import MOST_VISITS
from AIImagingLogic.records.errors import WrongImageError
from AIImagingLogic.records.image_info import ImageInfo

_GIVEN = "say that the visits are given in order of time (--in-given-order on the command line)"


def visit_order(infos: Sequence[ImageInfo], in_given_order: bool = False) -> tuple[int, ...]:
    """Return the indices of the visits in order of time.

    Two visits of which one is undated, or both dated the same, are taken in the order given.

    Parameters
    ----------
    infos : of the visits' images, in any order
    in_given_order : the user says that they are given in order of time: dates may be missing or the same

    Raises
    ------
    WrongImageError
        There are fewer than 2 or more than 20 visits, two are the same image, one is undated or two have the same date
        without `in_given_order`, or dates contradict the order given.
    """
    if not 2 <= len(infos) <= MOST_VISITS:
        raise WrongImageError(
            f"A follow-up needs 2 to {MOST_VISITS} visits, not {len(infos)}.", "Choose the visits to compare."
        )
    _check_different(infos)
    given = tuple(range(len(infos)))
    dates = [info.acquired for info in infos]
    undated = [index for index in given if dates[index] is None]
    known = sorted((date, index) for index, date in enumerate(dates) if date is not None)
    same = next(((a, b) for (first, a), (second, b) in zip(known, known[1:]) if first == second), None)
    if in_given_order or (len(infos) == 2 and (undated or same)):
        _check_given_order(infos)
        return given
    if undated:
        raise WrongImageError(
            f"Visit {undated[0] + 1} of {len(infos)} has no date.",
            f"State its date, or {_GIVEN}.",
        )
    if same is not None:
        raise WrongImageError(
            f"Visits {min(same) + 1} and {max(same) + 1} have the same date ({dates[same[0]]:%Y-%m-%d %H:%M}).",
            f"State their true dates, or {_GIVEN}.",
        )
    return tuple(index for _, index in known)


def visit_labels(count: int) -> tuple[str, ...]:
    """Return what visits in order of time are called."""
    if count <= 2:
        return ("baseline", "follow-up")[:count]
    return ("baseline", *(f"follow-up {number}" for number in range(1, count)))


def _check_different(infos: Sequence[ImageInfo]) -> None:
    for later, info in enumerate(infos):
        for earlier, other in enumerate(infos[:later]):
            if info.content_hash == other.content_hash or (info.series_uid and info.series_uid == other.series_uid):
                which = "Baseline and follow-up" if len(infos) == 2 else f"Visits {earlier + 1} and {later + 1}"
                raise WrongImageError(f"{which} are the same image.", "Choose different visits.")


def _check_given_order(infos: Sequence[ImageInfo]) -> None:
    dated = [(index, info.acquired) for index, info in enumerate(infos) if info.acquired is not None]
    for (earlier, first), (later, second) in zip(dated, dated[1:]):
        if second < first:
            two = len(infos) == 2
            before, after = ("the baseline", "The follow-up") if two else (f"visit {earlier + 1}", f"Visit {later + 1}")
            raise WrongImageError(
                f"{after} ({second:%Y-%m-%d}) is dated before {before} ({first:%Y-%m-%d}).",
                "Give the visits in order of time, or state the true dates.",
            )
