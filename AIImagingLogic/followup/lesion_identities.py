"""Numbers, colours and UIDs of lesions: the same through corrections, undo and re-runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydicom.uid import generate_uid

from AIImagingLogic.followup.finding_reference import reference_to, referred
from AIImagingLogic.followup.track import Sighting, Track
from AIImagingLogic.records.correction import LesionIdentity
from AIImagingLogic.records.resources import load_resource
from AIImagingLogic.records.timeline import Timeline, Visit


class LesionIdentities:
    """Numbers and UIDs given so far.

    A lesion keeps the number of its first finding; if another lesion of earlier findings holds that, then the one that
    the finding had before, then those of its next findings; else it gets the next number that was never given.

    Parameters
    ----------
    visits : in order of time
    known : given before, the latest last
    """

    def __init__(self, visits: Sequence[Visit], known: Sequence[LesionIdentity] = ()) -> None:
        self._visits = visits
        self._uids = {entry.number: entry.uid for entry in known}
        self._held: dict[int, tuple[Sighting, ...]] = {}
        # The numbers that a finding's lesions had, the latest last.
        self._numbers: dict[Sighting, list[int]] = {}
        self._references = {entry.number: entry.findings for entry in known}
        for entry in known:
            sightings = [referred(visits, reference) for reference in entry.findings]
            self._remember(entry.number, tuple(sighting for sighting in sightings if sighting is not None))

    def claim(self, tracks: Sequence[Track]) -> Mapping[Track, tuple[int, str]]:
        """Return number and UID of each track.

        Parameters
        ----------
        tracks : the most suspicious first: in this order those without a number get one
        """
        given: dict[Track, int] = {}
        in_time = sorted(tracks, key=lambda track: track.sightings)
        for track in in_time:
            free = (number for number in self._candidates(track) if number not in given.values())
            number = next(free, None)
            if number is not None:
                given[track] = number
        for track in tracks:
            if track not in given:
                given[track] = max(self._uids, default=0) + 1
                self._uids[given[track]] = self._new_uid(track, given[track])
        for track in in_time:
            self._remember(given[track], track.sightings)
        return {track: (given[track], self._uids[given[track]]) for track in tracks}

    def record(self) -> tuple[LesionIdentity, ...]:
        """Return what was given so far, for a timeline."""
        return tuple(
            LesionIdentity(
                number,
                uid,
                tuple(reference_to(self._visits, entry) for entry in self._held[number])
                or self._references.get(number, ()),
            )
            for number, uid in sorted(self._uids.items())
        )

    def _candidates(self, track: Track) -> list[int]:
        return [number for entry in track.sightings for number in reversed(self._numbers.get(entry, []))]

    def _remember(self, number: int, sightings: tuple[Sighting, ...]) -> None:
        self._held[number] = sightings
        for entry in sightings:
            numbers = self._numbers.setdefault(entry, [])
            if number in numbers:
                numbers.remove(number)
            numbers.append(number)

    def _new_uid(self, track: Track, number: int) -> str:
        uid = _uid_after(track.first)
        return uid if uid not in self._uids.values() else _uid_after(track.first, str(number))


def identities_after(timeline: Timeline) -> tuple[LesionIdentity, ...]:
    """Return the identities that a re-run starts from: those of the lesions as they are now are the latest.

    Results of before lesions had UIDs get those that a run gives now.
    """
    now = []
    for lesion in timeline.lesions:
        sightings = [Sighting(visit, uid) for visit, uid in enumerate(lesion.observations) if uid is not None]
        references = tuple(reference_to(timeline.visits, sighting) for sighting in sightings)
        now.append(LesionIdentity(lesion.number, lesion.uid or _uid_after(sightings[0]), references))
    numbers = {entry.number for entry in now}
    return (*(entry for entry in timeline.identities if entry.number not in numbers), *now)


def _uid_after(first: Sighting, *more: str) -> str:
    return str(generate_uid(entropy_srcs=["lesion", first.uid, *more]))


def colour_of(number: int) -> tuple[int, int, int]:
    """Return the colour of the lesion of a number: RGB 0..255."""
    colours = load_resource("rules/lesion_colours.json")["colours"]
    red, green, blue = colours[(number - 1) % len(colours)]
    return red, green, blue
