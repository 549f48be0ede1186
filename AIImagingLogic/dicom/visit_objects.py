"""A visit's lesions as one SEG and one SR, and a whole follow-up as such pairs and registrations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from AIImagingLogic.dicom.coded_mask import CodedMask, mask_of_finding, masks_of_segmentation
from AIImagingLogic.dicom.registration_writing import write_registration
from AIImagingLogic.dicom.seg_writing import write_seg
from AIImagingLogic.dicom.source_series import SourceSeries, source_of
from AIImagingLogic.dicom.sr_writing import Observation, TimePoint, days_between, write_sr
from AIImagingLogic.records.errors import WrongImageError
from AIImagingLogic.records.finding import Finding, ReviewStatus
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.records.timeline import Timeline, Visit


@dataclass(frozen=True)
class WrittenObjects:
    """Names of the files written, and what was left out and why."""

    files: tuple[str, ...]
    notes: tuple[str, ...] = ()

    def __add__(self, other: WrittenObjects) -> WrittenObjects:
        return WrittenObjects(self.files + other.files, self.notes + other.notes)


@dataclass(frozen=True)
class TrackedFinding:
    """A finding under the name, UID and colour of its lesion. Two lesions that grew together share one finding."""

    finding: Finding
    tracking_id: str
    tracking_uid: str
    colour: tuple[int, int, int]


def write_visit(
    visit: Visit,
    tracked: Sequence[TrackedFinding],
    source: SourceSeries,
    folder: Path,
    prefix: str = "",
    *,
    time_point: TimePoint | None = None,
    person: str = "",
) -> WrittenObjects:
    """Write ``lesions_seg.dcm``, ``lesions_sr.dcm`` and, where there are organs, ``organs_seg.dcm`` into `folder`.

    Findings that a person rejected are left out.

    Parameters
    ----------
    visit : its grid and its organs
    tracked : what to write of its findings
    source : the series of the visit
    prefix : of the file names
    time_point, person : as `write_sr`

    Raises
    ------
    GeometryError, OutputError
        As `write_seg` and `write_sr`.
    """
    files, notes = [], []
    if visit.organs is not None and (organs := masks_of_segmentation(visit.organs)):
        write_seg(organs, visit.info, source, folder / f"{prefix}organs_seg.dcm", description="Organs")
        files.append(f"{prefix}organs_seg.dcm")
    kept = [entry for entry in tracked if entry.finding.review is not ReviewStatus.REJECTED]
    if len(kept) < len(tracked):
        notes.append(f"{len(tracked) - len(kept)} rejected findings were left out.")
    masks: list[CodedMask] = []
    segments: dict[str, int] = {}
    for entry in kept:
        mask = mask_of_finding(
            entry.finding,
            visit.provenance,
            name=entry.tracking_id,
            tracking_uid=entry.tracking_uid,
            colour=entry.colour,
        )
        if mask is not None and entry.finding.uid not in segments:
            masks.append(mask)
            segments[entry.finding.uid] = len(masks)
    seg = None
    if masks:
        seg = write_seg(masks, visit.info, source, folder / f"{prefix}lesions_seg.dcm", description="Lesions")
        files.append(f"{prefix}lesions_seg.dcm")
    without = [entry.tracking_id for entry in kept if entry.finding.uid not in segments]
    if without:
        place = "the box" if source.headers[0].get("FrameOfReferenceUID") else "no place"
        notes.append(f"{len(without)} findings have no outline: the report states {place} for {', '.join(without)}.")
    if kept:
        observations = [
            Observation(entry.finding, entry.tracking_id, entry.tracking_uid, segments.get(entry.finding.uid))
            for entry in kept
        ]
        path = folder / f"{prefix}lesions_sr.dcm"
        write_sr(observations, source, path, seg=seg, time_point=time_point, person=person)
        files.append(path.name)
    else:
        notes.append(f"{visit.label.capitalize()}: no lesion was seen, so that there is no report.")
    return WrittenObjects(tuple(files), tuple(notes))


def write_detection(visit: Visit, paths: Sequence[Path], folder: Path, person: str = "") -> WrittenObjects:
    """Write the findings of one image; each is a lesion of its own.

    Parameters
    ----------
    paths : where its series may lie

    Raises
    ------
    WrongImageError
        The visit was not read from a DICOM series.
    UnreadableImageError
        None of the paths holds its series.
    """
    tracked = [TrackedFinding(entry, entry.name, entry.uid, entry.concept.colour) for entry in visit.findings]
    return write_visit(visit, tracked, _source(visit.info, visit.label, paths), folder, person=person)


def write_timeline(timeline: Timeline, paths: Sequence[Path], folder: Path, person: str = "") -> WrittenObjects:
    """Write a SEG and a SR for each visit (``visit1_...``) and a registration for each pair of visits.

    A lesion has the same Tracking UID at every visit.

    Parameters
    ----------
    paths : where the series of the visits may lie

    Raises
    ------
    WrongImageError, UnreadableImageError
        As `write_detection`. Nothing is written when a series is missing.
    """
    sources = [_source(visit.info, visit.label, paths) for visit in timeline.visits]
    written = WrittenObjects(())
    first = timeline.visits[0].info.acquired
    for order, (visit, source) in enumerate(zip(timeline.visits, sources, strict=True)):
        point = TimePoint(visit.label, order, days_between(first, visit.info.acquired))
        tracked = _tracked(timeline, order)
        prefix = f"visit{order + 1}_"
        written += write_visit(visit, tracked, source, folder, prefix, time_point=point, person=person)
    for order, registration in enumerate(timeline.registrations):
        if registration is None:
            continue
        name = f"visit{order + 1}_to_{order + 2}_registration.dcm"
        fixed, moving = sources[order], sources[order + 1]
        write_registration(registration.transform, fixed, moving, timeline.visits[order].info, folder / name)
        written += WrittenObjects((name,))
    return written


def _tracked(timeline: Timeline, order: int) -> list[TrackedFinding]:
    found = []
    for lesion in timeline.lesions:
        finding = timeline.visits[order].finding(lesion.observations[order])
        if finding is not None:
            uid = lesion.uid or next(seen for seen in lesion.observations if seen)
            found.append(TrackedFinding(finding, f"Lesion {lesion.number}", uid, lesion.colour))
    return found


def _source(info: ImageInfo, label: str, paths: Sequence[Path]) -> SourceSeries:
    if not info.series_uid:
        raise WrongImageError(
            f"The image of the {label} visit was not a DICOM series.",
            "DICOM objects refer to DICOM files: run the analysis on the DICOM series.",
        )
    return source_of(paths, info.series_uid)
