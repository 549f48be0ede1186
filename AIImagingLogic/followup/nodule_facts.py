"""What a guideline needs to know of one lung nodule, from measurements or from a lesion of a timeline."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass

from AIImagingLogic.followup.rule_table import rounded_half_up
from AIImagingLogic.records.finding import Finding
from AIImagingLogic.records.finding_type import NoduleType
from AIImagingLogic.records.resources import load_resource
from AIImagingLogic.records.timeline import Lesion, LinkStatus, Visit

BASELINE, NEW = "baseline", "new"
GROWING, SLOWLY_GROWING, STABLE, SHRINKING = "growing", "slowly growing", "stable", "shrinking"

_SECONDS_A_DAY = 86400.0


@dataclass(frozen=True)
class NoduleFacts:
    """One nodule at one visit, as guidelines see it.

    Attributes
    ----------
    attenuation : ``solid``, ``part-solid``, ``ground-glass``, ``calcified``, ``fat`` or ``cyst``
    mean_diameter_mm : mean of long and short axis on one plane
    status : ``baseline`` (at first detection), ``new``, ``growing``, ``slowly growing``, ``stable``, ``shrinking``
    solid_mean_diameter_mm : of the solid part of a part-solid nodule, None when not measured
    solid_status : as `status`, for the solid part; None: as the whole nodule
    prior : the same nodule at the visit before, None at first detection
    previous_category : the category it was given at the visit before; None: as its table says of `prior`
    interval_days : since the visit before, None when not known
    features : keys of ``features`` in Resources/rules/lung_rads_2022.json that a reader or the engine stated
    volume_mm3 : shown beside the diameter, never decides
    missing : what was not known of it and would have mattered, one phrase each
    """

    attenuation: str
    mean_diameter_mm: float
    status: str = BASELINE
    solid_mean_diameter_mm: float | None = None
    solid_status: str | None = None
    prior: NoduleFacts | None = None
    previous_category: str | None = None
    interval_days: float | None = None
    features: frozenset[str] = frozenset()
    volume_mm3: float | None = None
    missing: tuple[str, ...] = ()


def compared(now: NoduleFacts, prior: NoduleFacts, interval_days: float | None) -> NoduleFacts:
    """Return `now` with what its earlier state says of its growth, and of that of its solid part.

    Parameters
    ----------
    now, prior : the nodule at this visit and at the one before
    interval_days : between the visits, None when one is undated
    """
    status = size_status(prior.mean_diameter_mm, now.mean_diameter_mm, interval_days)
    missing = list(now.missing)
    if interval_days is None:
        missing.append("the interval between the visits (dates)")
    solid_status = None
    if now.attenuation == "part-solid":
        before = _solid_part_before(prior)
        if prior.attenuation == "ground-glass":
            solid_status = NEW
        elif before is not None and now.solid_mean_diameter_mm is not None:
            solid_status = size_status(before, now.solid_mean_diameter_mm, interval_days)
        else:
            missing.append("the size of the solid part at both visits")
    return dataclasses.replace(
        now,
        status=status,
        solid_status=solid_status,
        prior=prior,
        interval_days=interval_days,
        missing=tuple(missing),
    )


def size_status(before_mm: float, after_mm: float, interval_days: float | None) -> str:
    """Return ``growing``, ``slowly growing``, ``stable`` or ``shrinking`` by Lung-RADS' definition of growth.

    Both diameters are rounded to 0.1 mm first. More than 1.5 mm within 12 months is growth. Over a longer interval the
    rise must exceed 1.5 mm for every 12 months begun: only then some 12 months in it surely saw more than 1.5 mm.
    Without an interval any rise of more than 1.5 mm counts as growth.
    """
    growth = load_resource("rules/lung_rads_2022.json")["growth"]
    limit = growth["mean_diameter_mm"]
    rise = rounded_half_up(rounded_half_up(after_mm, 1) - rounded_half_up(before_mm, 1), 1)
    months = whole_months(interval_days)
    periods = 1 if months is None else max(1, math.ceil(months / growth["within_months"]))
    if rise > limit * periods:
        return GROWING
    if rise > limit:
        return SLOWLY_GROWING
    return SHRINKING if rise < -limit else STABLE


def whole_months(interval_days: float | None) -> int | None:
    """Return an interval in whole months, rounded half up, so that a scan some days early counts as the planned one."""
    if interval_days is None:
        return None
    return int(rounded_half_up(interval_days / load_resource("rules/lung_rads_2022.json")["months"]["days"], 0))


def facts_from_lesion(lesion: Lesion, visits: Sequence[Visit]) -> NoduleFacts | None:
    """Return the facts of a lesion at the last visit, None when it was not seen there or has no size.

    A lesion that is linked is compared with the last visit that showed it; one that is new is new; one whose place was
    not imaged before, or that is a part of a split or merged one, counts as at first detection, and `missing` says so.
    What was stated last of its type holds at all visits.
    """
    found = [visit.finding(uid) for visit, uid in zip(visits, lesion.observations, strict=True)]
    said = [one.stated_type for one in found if one is not None and one.stated_type is not None]
    kind = said[-1] if said else None
    now = None if found[-1] is None else facts_from_finding(found[-1], kind)
    if now is None or len(visits) == 1:
        return now
    if lesion.status is LinkStatus.NEW:
        return dataclasses.replace(now, status=NEW)
    # The visit before may have missed it, or not shown its place.
    seen = [index for index, uid in enumerate(lesion.observations[:-1]) if uid is not None]
    earlier = found[seen[-1]] if seen else None
    prior = None if earlier is None else facts_from_finding(earlier, kind)
    if lesion.status is LinkStatus.MATCHED and prior is not None:
        return compared(now, prior, interval_days(visits[seen[-1]], visits[-1]))
    unknown = "whether it is new" if lesion.status is LinkStatus.NOT_EVALUABLE else "whether it grew"
    return dataclasses.replace(now, missing=(*now.missing, f"{unknown} ({lesion.status.value})"))


def facts_from_finding(finding: Finding, kind: NoduleType | None = None) -> NoduleFacts | None:
    """Return the facts of a finding as if at first detection, None when it has neither diameter nor volume.

    Parameters
    ----------
    kind : type that was stated of the nodule at any visit; None: what was stated of the finding itself
    """
    missing = []
    volume = finding.value("volume")
    diameter = finding.value("mean_diameter")
    if diameter is None and volume is not None:
        diameter = (6 * volume / math.pi) ** (1 / 3)
        missing.append("the diameters (that of a sphere of its volume was taken)")
    if diameter is None:
        return None
    attenuation = finding.descriptors.get("attenuation", "")
    if not attenuation:
        attenuation = "solid"
        missing.append("the attenuation (taken as solid)")
    features = {"juxtapleural"} if "pleura" in finding.descriptors.get("contact", "") else set()
    if (kind or finding.stated_type) is NoduleType.PERIFISSURAL:
        # A fissure is lined by the pleura.
        features = {"juxtapleural", "perifissural"}
    return NoduleFacts(
        attenuation=attenuation,
        mean_diameter_mm=diameter,
        solid_mean_diameter_mm=finding.value("solid_mean_diameter"),
        features=frozenset(features),
        volume_mm3=volume,
        missing=tuple(missing),
    )


def interval_days(earlier: Visit, later: Visit) -> float | None:
    """Return the days between two visits, None when one is undated."""
    if earlier.info.acquired is None or later.info.acquired is None:
        return None
    return (later.info.acquired - earlier.info.acquired).total_seconds() / _SECONDS_A_DAY


def _solid_part_before(prior: NoduleFacts) -> float | None:
    """A nodule that was solid through and through was its own solid part."""
    return prior.mean_diameter_mm if prior.attenuation in ("solid", "calcified") else prior.solid_mean_diameter_mm
