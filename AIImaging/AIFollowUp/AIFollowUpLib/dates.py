"""Dates as a person types them."""

from datetime import datetime


def date_from_text(text: str) -> datetime | None:
    """Return the date written as ``2024-05-31`` (a time may follow), None for an empty text.

    Raises
    ------
    SceneError
        The text is no date; the message says which text, and how to write it.
    """
    text = text.strip()
    if not text:
        return None
    try:
        return datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        from AIImagingLogic.records.errors import SceneError

        raise SceneError(f"'{text}' is no date.", "Write it as 2024-05-31.") from None


def text_from_date(date: datetime | None) -> str:
    """Return a date as `date_from_text` reads it, with the time where one is known; empty for None."""
    if date is None:
        return ""
    return date.isoformat(sep=" ", timespec="minutes") if date.hour or date.minute else f"{date:%Y-%m-%d}"


def order_of(dates) -> tuple[list[int], bool]:
    """Return the indices of visits in order of time, and whether their dates say so; else the order is the given one.

    Parameters
    ----------
    dates : of the visits, None where not known
    """
    if None in dates or len(set(dates)) < len(dates):
        return list(range(len(dates))), False
    return sorted(range(len(dates)), key=lambda index: dates[index]), True


def order_of_texts(texts) -> tuple[list[int], bool]:
    """Return what `order_of` says of dates as typed; a text that is no date is not known."""
    dates: list[datetime | None] = []
    for text in texts:
        try:
            dates.append(datetime.fromisoformat(text.strip()).replace(tzinfo=None))
        except ValueError:
            dates.append(None)
    return order_of(dates)
