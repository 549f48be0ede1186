"""Lesions that fell into parts between two visits, or grew into one."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from AIImagingLogic.followup.finding_extent import lies_in_outline, volume_of
from AIImagingLogic.followup.link import Link
from AIImagingLogic.followup.pair_link import pair_link, vector
from AIImagingLogic.followup.registered_findings import RegisteredFindings, matching_rules
from AIImagingLogic.records.finding import Finding
from AIImagingLogic.records.timeline import LinkStatus

Pair = tuple[int, int]
"""Index of an earlier and of a later finding."""


def split_links(places: RegisteredFindings, pairs: Sequence[Pair]) -> dict[Pair, list[Link]]:
    """Return the links of the pairs whose earlier outline holds further later findings that have no partner.

    The largest part is linked with the whole; each further part stands alone.
    """
    margin = _margin_mm(places)
    alone = sorted(set(range(len(places.later))) - {j for _, j in pairs})
    links: dict[Pair, list[Link]] = {}
    for i, j in pairs:
        held = [
            k
            for k in (j, *alone)
            if places.has_inverse[k] and lies_in_outline(places.earlier[i], places.expected_earlier[k], margin)
        ]
        if j not in held or len(held) == 1:
            continue
        alone = [k for k in alone if k not in held]
        largest, *further = sorted(held, key=lambda k: -volume_of(places.later[k]))
        reason = _reason("earlier", places.earlier[i], "later", [places.later[k] for k in held])
        links[i, j] = [dataclasses.replace(pair_link(places, i, largest), status=LinkStatus.SPLIT, reason=reason)]
        for k in further:
            place, whole = vector(places.expected_earlier[k]), places.earlier[i].uid
            links[i, j].append(
                Link(None, places.later[k].uid, LinkStatus.SPLIT, reason, expected_earlier_mm=place, whole_uid=whole)
            )
    return links


def merged_links(places: RegisteredFindings, pairs: Sequence[Pair]) -> dict[Pair, list[Link]]:
    """Return the links of the pairs whose later outline holds further earlier findings that have no partner.

    The whole is linked with the largest of them; each further one stands alone.
    """
    margin = _margin_mm(places)
    alone = sorted(set(range(len(places.earlier))) - {i for i, _ in pairs})
    links: dict[Pair, list[Link]] = {}
    for i, j in pairs:
        held = [k for k in (i, *alone) if lies_in_outline(places.later[j], places.expected_later[k], margin)]
        if i not in held or len(held) == 1:
            continue
        alone = [k for k in alone if k not in held]
        largest, *further = sorted(held, key=lambda k: -volume_of(places.earlier[k]))
        reason = _reason("later", places.later[j], "earlier", [places.earlier[k] for k in held])
        links[i, j] = [dataclasses.replace(pair_link(places, largest, j), status=LinkStatus.MERGED, reason=reason)]
        for k in further:
            place, whole = vector(places.expected_later[k]), places.later[j].uid
            links[i, j].append(
                Link(places.earlier[k].uid, None, LinkStatus.MERGED, reason, expected_later_mm=place, whole_uid=whole)
            )
    return links


def _margin_mm(places: RegisteredFindings) -> float:
    """Return how far outside an outline a part's centre may lie: what the registration is often off by."""
    rules = matching_rules()
    return float(max(rules["outline_margin_mm"], rules["outline_errors"] * places.error_mm))


def _reason(visit: str, whole: Finding, other_visit: str, parts: Sequence[Finding]) -> str:
    whole_mm3, parts_mm3 = volume_of(whole), sum(volume_of(part) for part in parts)
    return (
        f"Its outline at the {visit} visit ({whole_mm3:.0f} mm\N{SUPERSCRIPT THREE}) holds {len(parts)} findings "
        f"of the {other_visit} one (together {parts_mm3:.0f} mm\N{SUPERSCRIPT THREE})."
    )
