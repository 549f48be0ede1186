"""What was done to a finding after it was proposed."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime

from AIImagingLogic.records.json_form import Record


class FindingAction(enum.Enum):
    """What was done."""

    REVIEWED = "reviewed"
    TYPED = "typed"
    """A person stated the type."""
    MERGED = "merged"
    """The findings named became this one."""
    SPLIT = "split"
    """This one is a part of the finding named."""


@dataclass(frozen=True)
class FindingEvent(Record):
    """One thing that was done.

    Attributes
    ----------
    findings : uids of the findings that this one was made of; empty where it stayed what it was
    said : the review status or the type that was stated, or the rule by which it was merged or split
    reader : name or code that the user typed, empty when none; never taken from the system
    when : with its time zone; None where the user wants no time recorded
    """

    action: FindingAction
    findings: tuple[str, ...] = ()
    said: str = ""
    reader: str = ""
    when: datetime | None = None

    def __post_init__(self) -> None:
        """Refuse a time without its zone."""
        require_zone(self.when, "the time of an event")


def require_zone(time: datetime | None, name: str) -> None:
    """Refuse a time that does not say its zone: read elsewhere, it would be another time.

    Raises
    ------
    ValueError
        It has none.
    """
    if time is not None and time.tzinfo is None:
        raise ValueError(
            f"{name.capitalize()} ({time.isoformat()}) has no time zone; write it like ...T09:30:00+02:00."
        )
