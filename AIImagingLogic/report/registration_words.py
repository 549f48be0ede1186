"""The quality of a registration in words and figures."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from AIImagingLogic.records.registration import Registration
from AIImagingLogic.records.timeline import Lesion, LinkStatus
from AIImagingLogic.report.number_format import rounded


def registration_sentences(registration: Registration) -> tuple[str, ...]:
    """Return what the quality figures of a registration say, one sentence each."""
    quality = registration.quality
    verb = "rose" if quality.similarity_after > quality.similarity_before else "did not rise"
    sentences = [
        f"The similarity ({quality.similarity_name}) {verb}: {rounded(quality.similarity_before, 2)} before, "
        f"{rounded(quality.similarity_after, 2)} after."
    ]
    if quality.folding_percent == 0:
        sentences.append("No voxel is folded.")
    else:
        sentences.append(f"{quality.folding_percent:.3f}% of the voxels are folded (0% is right).")
    if quality.inverse_consistency_mm is not None:
        distance = rounded(quality.inverse_consistency_mm, 2)
        sentences.append(
            f"Sent forth and back by two independent runs, a point returns to within {distance} mm on average."
        )
    return tuple(sentences)


def match_sentence(lesions: Sequence[Lesion]) -> str:
    """Return how far the linked lesions lie from where the registration expected them; empty when none is linked."""
    distances = [
        lesion.match_distance_mm
        for lesion in lesions
        if lesion.status is LinkStatus.MATCHED and lesion.match_distance_mm is not None
    ]
    if not distances:
        return ""
    if len(distances) == 1:
        return f"The linked lesion lies {rounded(distances[0], 1)} mm from where the registration expected it."
    return (
        f"The {len(distances)} linked lesions lie {rounded(median(distances), 1)} mm (median; at most "
        f"{rounded(max(distances), 1)} mm) from where the registration expected them."
    )
