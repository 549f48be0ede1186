"""In which order, in which mode and in which session each reader reads each case: random, balanced, reproducible.

Nothing is drawn from a generator: cases are put in the order of SHA-256 sums of the seed and their codes. So the order
is the same on every computer and with every version of Python, whatever the order of the manifest, and it can be
worked out again by anybody.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

from AIImagingLogic.records.reading import ReadingError
from AIImagingLogic.records.reading_study import OrderedCase, ReadingDesign, ReadingOrder, ReadingStudy


def reading_order(study: ReadingStudy, reader: str) -> ReadingOrder:
    """Return the order of one reader.

    The cases are dealt at random into as many groups as there are modes, equal within one. In his first session a
    reader reads each group in another mode, and the reader after him in the next one (a Latin square); in each further
    session of a crossed study the modes move on by one. So a reader reads each case in each mode once, and in each
    session equally many cases (within one) in each mode; over readers each case meets each mode equally often, when
    the number of readers is a multiple of that of modes. In a session the modes are mixed, in a random order that is
    each reader's own.

    Parameters
    ----------
    study : its readers in an order that stays; a reader who comes later is added at the end
    reader : one of its codes

    Raises
    ------
    ReadingError
        There is no such reader.

    References
    ----------
    Obuchowski NA. AJR 1995;164:1543-6 (reader studies). Cochran WG, Cox GM. Experimental Designs, 2nd ed. 1957, ch. 4
    (Latin squares).
    """
    if reader not in study.readers:
        raise ReadingError(
            f"The study '{study.study}' has no reader '{reader}'.", f"Its readers are {', '.join(study.readers)}."
        )
    number, modes = study.readers.index(reader), len(study.modes)
    group = {case: place % modes for place, case in enumerate(_shuffled(study, "modes"))}
    sessions = modes if study.design is ReadingDesign.CROSSED else 1
    ordered = [
        OrderedCase(session + 1, position, case, study.modes[(group[case] + number + session) % modes])
        for session in range(sessions)
        for position, case in enumerate(_shuffled(study, f"order|{reader}|{session + 1}"), 1)
    ]
    return ReadingOrder(reader, order_fingerprint(ordered), tuple(ordered))


def order_fingerprint(cases: Sequence[OrderedCase]) -> str:
    """Return the SHA-256 of an order: sessions, cases and modes one after the other."""
    content = [[case.session, case.position, case.case, case.mode.value] for case in cases]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def _shuffled(study: ReadingStudy, purpose: str) -> list[str]:
    def key(case: str) -> bytes:
        return hashlib.sha256(f"{study.seed}|{purpose}|{case}".encode()).digest()

    return sorted((case.case for case in study.cases), key=key)
