"""What a person says of a finding: its review and its type, with who and when where the user wants them recorded."""

from __future__ import annotations

import dataclasses
from datetime import datetime

from AIImagingLogic.records.finding import Finding, ReviewStatus
from AIImagingLogic.records.finding_event import FindingAction, FindingEvent
from AIImagingLogic.records.finding_type import NoduleType

_ATTENUATION = "attenuation"


def reviewed(finding: Finding, status: ReviewStatus, reader: str = "", when: datetime | None = None) -> Finding:
    """Return a finding with what a reader says of it.

    Parameters
    ----------
    status : said of it
    reader : name or code that the user typed; empty: not recorded
    when : with time zone; None: not recorded

    Raises
    ------
    ValueError
        `when` has no time zone.
    """
    event = FindingEvent(FindingAction.REVIEWED, said=status.value, reader=reader, when=when)
    return dataclasses.replace(finding, review=status, reader=reader, reviewed=when, history=(*finding.history, event))


def retyped(finding: Finding, kind: NoduleType, reader: str = "", when: datetime | None = None) -> Finding:
    """Return a finding of the type that a reader states.

    Matching and the guidelines read the descriptor ``attenuation``, which follows. A perifissural nodule is solid to
    them where nothing was measured; what was measured stays.

    Parameters
    ----------
    kind : stated type
    reader, when : as `reviewed`

    Raises
    ------
    ValueError
        `when` has no time zone.
    """
    measured = finding.descriptors.get(_ATTENUATION) or NoduleType.SOLID.value
    attenuation = measured if kind is NoduleType.PERIFISSURAL else kind.value
    event = FindingEvent(FindingAction.TYPED, said=kind.value, reader=reader, when=when)
    return dataclasses.replace(
        finding,
        stated_type=kind,
        descriptors={**finding.descriptors, _ATTENUATION: attenuation},
        reader=reader,
        reviewed=when,
        history=(*finding.history, event),
    )
