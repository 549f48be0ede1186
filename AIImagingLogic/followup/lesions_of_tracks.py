"""Lesions from tracks: status and reason at each visit, change, number, colour."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from AIImagingLogic.followup.changes import changes_between
from AIImagingLogic.followup.finding_extent import diameter_of, volume_of
from AIImagingLogic.followup.lesion_identities import colour_of
from AIImagingLogic.followup.lesion_steps import ONE_VISIT, StepMaker
from AIImagingLogic.followup.lung_rads import category_of, category_rank
from AIImagingLogic.followup.nodule_facts import facts_from_finding, facts_from_lesion, interval_days
from AIImagingLogic.followup.track import Sighting, Track
from AIImagingLogic.records.finding import Finding
from AIImagingLogic.records.timeline import Lesion, LinkStatus, Visit


def lesion_of_track(track: Track, visits: Sequence[Visit], maker: StepMaker, remarks: Mapping[str, str]) -> Lesion:
    """Return the lesion of a track, without number, colour or UID.

    Parameters
    ----------
    track : its findings
    visits : in order of time
    maker : of the visits' steps
    remarks : sentences on findings (by uid), added to the reason
    """
    steps, expected = maker.steps_of(track)
    observations = tuple(None if (entry := track.at(index)) is None else entry.uid for index in range(len(visits)))
    last = steps[-1]
    sentences = [remarks[uid] for uid in observations if uid is not None and uid in remarks]
    lesion = Lesion(
        number=0,
        colour=(0, 0, 0),
        observations=observations,
        expected_mm=expected,
        status=last.status or LinkStatus.NOT_EVALUABLE,
        reason=" ".join([last.reason or ONE_VISIT, *sentences]),
        match_distance_mm=last.distance_mm,
        steps=steps,
    )
    # The change of a part against a whole would be no change of a lesion.
    if last.status is not LinkStatus.MATCHED or any(link.status is not LinkStatus.MATCHED for link in track.links):
        return lesion
    first, final = (visits[entry.visit].finding(entry.uid) for entry in (track.first, track.last))
    if first is None or final is None:
        return lesion
    days = interval_days(visits[track.first.visit], visits[track.last.visit])
    changes, growth = changes_between(first, final, days)
    return dataclasses.replace(lesion, changes=changes, growth=growth)


def numbered(lesions: Mapping[Track, Lesion], given: Mapping[Track, tuple[int, str]]) -> tuple[Lesion, ...]:
    """Return the lesions in the order of their numbers, with colour, UID and the numbers of wholes."""
    owner: dict[Sighting, int] = {entry: given[track][0] for track in lesions for entry in track.sightings}
    made = [
        dataclasses.replace(
            lesion,
            number=given[track][0],
            colour=colour_of(given[track][0]),
            uid=given[track][1],
            part_of=None if track.split_from is None else owner.get(track.split_from),
            merged_into=None if track.merged_into is None else owner.get(track.merged_into),
        )
        for track, lesion in lesions.items()
    ]
    return tuple(sorted(made, key=lambda lesion: lesion.number))


def place_in_list(lesion: Lesion, visits: Sequence[Visit]) -> tuple[float, ...]:
    """Seen at the last visit first; then the most suspicious, the largest, and for a tie by place."""
    facts = facts_from_lesion(lesion, visits)
    finding = _last_seen(lesion, visits)
    if facts is None:
        facts = facts_from_finding(finding)
    rank = -1 if facts is None else category_rank(category_of(facts).category)
    is_gone = lesion.observations[-1] is None
    return (float(is_gone), -float(rank), -diameter_of(finding), -volume_of(finding), *finding.box.center_mm)


def _last_seen(lesion: Lesion, visits: Sequence[Visit]) -> Finding:
    for visit, uid in zip(reversed(visits), reversed(lesion.observations)):
        finding = visit.finding(uid)
        if finding is not None:
            return finding
    raise ValueError("A lesion was seen at no visit.")
