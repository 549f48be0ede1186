"""Any of the response criteria by its id."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from AIImagingLogic.followup.criteria.facts import VisitFacts
from AIImagingLogic.followup.criteria.irecist import assess_irecist
from AIImagingLogic.followup.criteria.lugano import assess_lugano
from AIImagingLogic.followup.criteria.percist import assess_percist
from AIImagingLogic.followup.criteria.recist import assess_recist
from AIImagingLogic.followup.criteria.response import ResponseAssessment

_Assess = Callable[[Sequence[VisitFacts], Collection[str]], tuple[ResponseAssessment, ...]]

_BY_RULES: Mapping[str, _Assess] = {
    "recist-1.1": assess_recist,
    "irecist": assess_irecist,
    "percist-1.0": assess_percist,
    "lugano-ct": assess_lugano,
}


def assess_response(
    visits: Sequence[VisitFacts], rules: str, options: Collection[str] = ()
) -> tuple[ResponseAssessment, ...]:
    """Assess every visit by the criteria `rules`: ``recist-1.1``, ``irecist``, ``percist-1.0`` or ``lugano-ct``.

    Raises
    ------
    KeyError
        There are no such criteria.
    FactsError
        The facts contradict each other, or lack what the criteria need at baseline.
    """
    return _BY_RULES[rules](visits, options)
