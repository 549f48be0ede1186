"""What a person can say of a timeline's lesions, each as one record that `with_correction` applies.

Every function takes a timeline and returns a `Correction`; none changes anything. `who` and `when` are kept when given.
"""

from __future__ import annotations

from datetime import datetime

from AIImagingLogic.followup.finding_reference import reference_to
from AIImagingLogic.followup.track import Sighting
from AIImagingLogic.followup.track_corrections import CorrectionError
from AIImagingLogic.records.correction import Correction, CorrectionKind
from AIImagingLogic.records.timeline import Lesion, Timeline


def confirm_link(
    timeline: Timeline, number: int, visit: int, other: int | None = None, who: str = "", when: datetime | None = None
) -> Correction:
    """Return 'what lesion `number` shows at `visit` belongs to it', or to lesion `other`, which was seen before.

    Parameters
    ----------
    timeline : with the lesions
    number : the lesion that has a finding at the visit
    visit : index of a visit
    other : the lesion that the finding belongs to; None: lesion `number` itself, whose link is right

    Raises
    ------
    CorrectionError
        There is no such lesion, no finding of it at the visit, or nothing before to link it with.
    """
    lesion = _lesion(timeline, number)
    later = _sighting(timeline, lesion, visit)
    earlier = _last_before(timeline, lesion if other is None else _lesion(timeline, other), visit)
    return _correction(timeline, CorrectionKind.CONFIRM_LINK, (earlier, later), who, when)


def break_link(timeline: Timeline, number: int, visit: int, who: str = "", when: datetime | None = None) -> Correction:
    """Return 'what lesion `number` shows at `visit` is another lesion than what it shows before'.

    The link of a part with the whole that it fell off from, or went into, is broken likewise: `visit` is that of the
    split, or of the merging.

    Raises
    ------
    CorrectionError
        There is no such lesion or no such link.
    """
    lesion = _lesion(timeline, number)
    first = next(index for index, uid in enumerate(lesion.observations) if uid is not None)
    if lesion.part_of is not None and visit == first:
        whole = _lesion(timeline, lesion.part_of)
        pair = (_last_before(timeline, whole, visit), _sighting(timeline, lesion, visit))
    elif lesion.merged_into is not None and lesion.observations[visit] is None:
        whole = _lesion(timeline, lesion.merged_into)
        pair = (_last_before(timeline, lesion, visit), _sighting(timeline, whole, visit))
    else:
        pair = (_last_before(timeline, lesion, visit), _sighting(timeline, lesion, visit))
    return _correction(timeline, CorrectionKind.BREAK_LINK, pair, who, when)


def join_lesions(
    timeline: Timeline, number: int, other: int, who: str = "", when: datetime | None = None
) -> Correction:
    """Return 'the two are one lesion'. It keeps the number of the one that was seen first.

    Raises
    ------
    CorrectionError
        There is no such lesion, or both were seen at one visit.
    """
    lesions = _lesion(timeline, number), _lesion(timeline, other)
    if number == other:
        raise CorrectionError("A lesion cannot be joined with itself.", "Choose two lesions.")
    for visit, uids in enumerate(zip(*(lesion.observations for lesion in lesions))):
        if None not in uids:
            raise CorrectionError(
                f"Both lesions were seen at the {timeline.visits[visit].label}: one lesion has one finding a visit.",
                "Break a link of one of them first, or mark one as not a lesion.",
            )
    pair = tuple(_sightings(lesion)[0] for lesion in lesions)
    return _correction(timeline, CorrectionKind.JOIN_LESIONS, pair, who, when)


def not_a_lesion(timeline: Timeline, number: int, who: str = "", when: datetime | None = None) -> Correction:
    """Return 'what lesion `number` shows is no lesion': its findings are left out.

    Raises
    ------
    CorrectionError
        There is no such lesion.
    """
    return _correction(timeline, CorrectionKind.NOT_A_LESION, _sightings(_lesion(timeline, number)), who, when)


def mark_new(timeline: Timeline, number: int, visit: int, who: str = "", when: datetime | None = None) -> Correction:
    """Return 'what lesion `number` shows at `visit` is new there'; what it shows before is a lesion of its own.

    Raises
    ------
    CorrectionError
        There is no such lesion, it was not seen at the visit, or the visit is the first.
    """
    if visit == 0:
        raise CorrectionError("At the first visit nothing can be new.", "Choose a later visit.")
    sighting = _sighting(timeline, _lesion(timeline, number), visit)
    return _correction(timeline, CorrectionKind.MARK_NEW, (sighting,), who, when)


def mark_resolved(
    timeline: Timeline, number: int, visit: int, who: str = "", when: datetime | None = None
) -> Correction:
    """Return 'lesion `number` is gone at `visit`'; what it shows there and later is a lesion of its own.

    Raises
    ------
    CorrectionError
        There is no such lesion, or it was not seen before the visit.
    """
    earlier = _last_before(timeline, _lesion(timeline, number), visit)
    return _correction(timeline, CorrectionKind.MARK_RESOLVED, (earlier,), who, when)


def _lesion(timeline: Timeline, number: int) -> Lesion:
    found = next((lesion for lesion in timeline.lesions if lesion.number == number), None)
    if found is None:
        raise CorrectionError(f"There is no lesion {number}.", "Choose one of the list.")
    return found


def _sightings(lesion: Lesion) -> tuple[Sighting, ...]:
    return tuple(Sighting(visit, uid) for visit, uid in enumerate(lesion.observations) if uid is not None)


def _sighting(timeline: Timeline, lesion: Lesion, visit: int) -> Sighting:
    uid = lesion.observations[visit] if 0 <= visit < len(timeline.visits) else None
    if uid is None:
        raise CorrectionError(f"Lesion {lesion.number} was not seen at that visit.", "Choose a visit that shows it.")
    return Sighting(visit, uid)


def _last_before(timeline: Timeline, lesion: Lesion, visit: int) -> Sighting:
    before = [sighting for sighting in _sightings(lesion) if sighting.visit < visit]
    if not before:
        raise CorrectionError(f"Lesion {lesion.number} was not seen before that visit.", "Choose a later visit.")
    return before[-1]


def _correction(
    timeline: Timeline, kind: CorrectionKind, sightings: tuple[Sighting, ...], who: str, when: datetime | None
) -> Correction:
    references = tuple(reference_to(timeline.visits, sighting) for sighting in sightings)
    return Correction(kind, references, who, when)
