"""Corrections applied to tracks: each changes the lesions that it names and no other."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from AIImagingLogic.followup.finding_extent import center_of
from AIImagingLogic.followup.finding_reference import referred
from AIImagingLogic.followup.link import Link
from AIImagingLogic.followup.track import Sighting, Track
from AIImagingLogic.followup.visit_spaces import VisitSpaces
from AIImagingLogic.records.correction import Correction, CorrectionKind
from AIImagingLogic.records.errors import AIImagingError
from AIImagingLogic.records.timeline import LinkStatus, Visit


class CorrectionError(AIImagingError):
    """A correction does not fit the timeline: no such lesion or link, or two findings of one visit in one lesion."""


class TrackCorrector:
    """Applies corrections to the tracks of some visits.

    Parameters
    ----------
    visits : in order of time
    spaces : of the visits
    """

    def __init__(self, visits: Sequence[Visit], spaces: VisitSpaces) -> None:
        self._visits, self._spaces = visits, spaces

    def corrected(self, tracks: tuple[Track, ...], correction: Correction) -> tuple[Track, ...]:
        """Return the tracks after a correction.

        Raises
        ------
        CorrectionError
            It names findings that are not there, or cannot be done.
        """
        named = [referred(self._visits, reference) for reference in correction.findings]
        known = [sighting for sighting in named if sighting is not None]
        if correction.kind is CorrectionKind.NOT_A_LESION:
            return self._without(tracks, frozenset(known))
        if len(known) < len(named) or not known:
            raise CorrectionError("A finding that it names is not there any more.", "Correct it anew.")
        for sighting in known:
            _track_with(tracks, sighting)
        one: Mapping[CorrectionKind, Callable[[tuple[Track, ...], Sighting], tuple[Track, ...]]] = {
            CorrectionKind.MARK_NEW: _begun,
            CorrectionKind.MARK_RESOLVED: _ended,
        }
        if correction.kind in one:
            return one[correction.kind](tracks, known[0])
        if len(known) != 2:
            raise CorrectionError("It needs two findings.", "Name two findings.")
        two: Mapping[CorrectionKind, Callable[[tuple[Track, ...], Sighting, Sighting], tuple[Track, ...]]] = {
            CorrectionKind.BREAK_LINK: _broken,
            CorrectionKind.CONFIRM_LINK: self._confirmed,
            CorrectionKind.JOIN_LESIONS: self._joined,
        }
        return two[correction.kind](tracks, known[0], known[1])

    def _without(self, tracks: tuple[Track, ...], rejected: frozenset[Sighting]) -> tuple[Track, ...]:
        """Take findings out of their tracks; those before and after one that is taken out stay linked."""
        result = []
        for track in tracks:
            kept = tuple(entry for entry in track.sightings if entry not in rejected)
            if kept == track.sightings:
                result.append(track)
            elif kept:
                known = _links_by_pair(track)
                links = tuple(known.get(pair) or self._link(*pair, "Linked") for pair in zip(kept, kept[1:]))
                result.append(dataclasses.replace(track, sightings=kept, links=links))
        return tuple(result)

    def _confirmed(self, tracks: tuple[Track, ...], first: Sighting, second: Sighting) -> tuple[Track, ...]:
        if first.visit >= second.visit:
            raise CorrectionError("A link goes from a visit to a later one.", "Name findings of two visits.")
        track = _track_with(tracks, first)
        if _follows(track, first, second):
            place = track.sightings.index(first)
            links = list(track.links)
            links[place] = dataclasses.replace(links[place], confidence=1.0, by_hand=True)
            return _replaced(tracks, (track,), (dataclasses.replace(track, links=tuple(links)),))
        tracks = _cut(_cut(tracks, first, after=True), second, after=False)
        head, tail = _track_with(tracks, first), _track_with(tracks, second)
        return _replaced(tracks, (head, tail), (self._chained(head, tail),))

    def _joined(self, tracks: tuple[Track, ...], first: Sighting, second: Sighting) -> tuple[Track, ...]:
        one, other = _track_with(tracks, first), _track_with(tracks, second)
        if one is other:
            return tracks
        both = {entry.visit for entry in one.sightings} & {entry.visit for entry in other.sightings}
        if both:
            raise CorrectionError(
                f"Both lesions were seen at the {self._visits[min(both)].label}: one lesion has one finding a visit.",
                "Break a link of one of them first, or mark one as not a lesion.",
            )
        return _replaced(tracks, (one, other), (self._chained(one, other),))

    def _chained(self, one: Track, other: Track) -> Track:
        """Return one track of the sightings of two, with the links that they had and new ones between them."""
        known = _links_by_pair(one) | _links_by_pair(other)
        sightings = tuple(sorted((*one.sightings, *other.sightings)))
        pairs = zip(sightings, sightings[1:])
        by_user = "Linked by the user"
        links = tuple(
            known.get(pair) or dataclasses.replace(self._link(*pair, by_user), by_hand=True) for pair in pairs
        )
        start = one if sightings[0] in one.sightings else other
        end = one if sightings[-1] in one.sightings else other
        return dataclasses.replace(
            start,
            sightings=sightings,
            links=links,
            merged_into=end.merged_into,
            merge_reason=end.merge_reason,
            end_confidence=end.end_confidence,
            resolved_by_hand=end.resolved_by_hand,
        )

    def _link(self, first: Sighting, second: Sighting, words: str) -> Link:
        distance, reason = None, f"{words}."
        finding, other = (self._visits[entry.visit].finding(entry.uid) for entry in (first, second))
        if finding is not None and other is not None and self._spaces.connected(first.visit, second.visit):
            expected, _ = self._spaces.carried(first.visit, second.visit, center_of(finding))
            distance = float(np.linalg.norm(expected[0] - center_of(other)))
            reason = f"{words}, {distance:.1f} mm from where the registration expects it."
        return Link(first.uid, second.uid, LinkStatus.MATCHED, reason, distance)


def _links_by_pair(track: Track) -> dict[tuple[Sighting, Sighting], Link]:
    return dict(zip(zip(track.sightings, track.sightings[1:]), track.links))


def _begun(tracks: tuple[Track, ...], sighting: Sighting) -> tuple[Track, ...]:
    tracks = _cut(tracks, sighting, after=False)
    track = _track_with(tracks, sighting)
    begun = dataclasses.replace(track, split_from=None, split_reason="", new_by_hand=True)
    return _replaced(tracks, (track,), (begun,))


def _ended(tracks: tuple[Track, ...], sighting: Sighting) -> tuple[Track, ...]:
    tracks = _cut(tracks, sighting, after=True)
    track = _track_with(tracks, sighting)
    ended = dataclasses.replace(track, merged_into=None, merge_reason="", resolved_by_hand=True)
    return _replaced(tracks, (track,), (ended,))


def _broken(tracks: tuple[Track, ...], first: Sighting, second: Sighting) -> tuple[Track, ...]:
    one, other = _track_with(tracks, first), _track_with(tracks, second)
    if _follows(one, first, second):
        return _cut(tracks, first, after=True)
    if other.first == second and other.split_from == first:
        return _replaced(tracks, (other,), (dataclasses.replace(other, split_from=None, split_reason=""),))
    if one.last == first and one.merged_into == second:
        return _replaced(tracks, (one,), (dataclasses.replace(one, merged_into=None, merge_reason=""),))
    raise CorrectionError("There is no link between the two findings.", "Choose two that are linked.")


def _track_with(tracks: tuple[Track, ...], sighting: Sighting) -> Track:
    found = next((track for track in tracks if sighting in track.sightings), None)
    if found is None:
        raise CorrectionError("The finding belongs to no lesion: it was rejected.", "Undo that first.")
    return found


def _follows(track: Track, first: Sighting, second: Sighting) -> bool:
    return (first, second) in zip(track.sightings, track.sightings[1:])


def _cut(tracks: tuple[Track, ...], sighting: Sighting, after: bool) -> tuple[Track, ...]:
    """Cut a track before or after a sighting; nothing to cut leaves all as it is."""
    track = _track_with(tracks, sighting)
    place = track.sightings.index(sighting) + after
    if place in (0, len(track.sightings)):
        return tracks
    head = dataclasses.replace(
        track,
        sightings=track.sightings[:place],
        links=track.links[: place - 1],
        merged_into=None,
        merge_reason="",
        end_confidence=None,
        resolved_by_hand=False,
    )
    tail = Track(
        track.sightings[place:],
        track.links[place:],
        merged_into=track.merged_into,
        merge_reason=track.merge_reason,
        end_confidence=track.end_confidence,
        resolved_by_hand=track.resolved_by_hand,
    )
    return _replaced(tracks, (track,), (head, tail))


def _replaced(tracks: tuple[Track, ...], old: tuple[Track, ...], new: tuple[Track, ...]) -> tuple[Track, ...]:
    return (*(track for track in tracks if track not in old), *new)
