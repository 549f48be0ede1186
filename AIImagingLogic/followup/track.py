"""A lesion as a chain of findings: what is linked with what, before it has a number or a status."""

from __future__ import annotations

from dataclasses import dataclass

from AIImagingLogic.followup.link import Link


@dataclass(frozen=True, order=True)
class Sighting:
    """A finding at a visit (its index in order of time)."""

    visit: int
    uid: str


@dataclass(frozen=True)
class Track:
    """The findings of one lesion, in order of time.

    Attributes
    ----------
    sightings : at most one a visit
    links : between each two sightings that follow each other
    split_from, split_reason : the finding of an earlier visit that the first one fell off from
    merged_into, merge_reason : the finding of a later visit that the last one went into
    start_confidence, end_confidence : 0..1, that nothing before the first and after the last belongs to it
    new_by_hand, resolved_by_hand : a person said that it begins, or ends, so
    """

    sightings: tuple[Sighting, ...]
    links: tuple[Link, ...] = ()
    split_from: Sighting | None = None
    split_reason: str = ""
    merged_into: Sighting | None = None
    merge_reason: str = ""
    start_confidence: float | None = None
    end_confidence: float | None = None
    new_by_hand: bool = False
    resolved_by_hand: bool = False

    @property
    def first(self) -> Sighting:
        """The first sighting."""
        return self.sightings[0]

    @property
    def last(self) -> Sighting:
        """The last sighting."""
        return self.sightings[-1]

    def at(self, visit: int) -> Sighting | None:
        """Return the sighting at a visit, None when there is none."""
        return next((entry for entry in self.sightings if entry.visit == visit), None)
