"""What the worker does with the store in tests: as in the program, but addresses of this computer may be plain http."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from AIImagingLogic.jobs.handle import JobHandle
from AIImagingLogic.jobs.job import Job
from AIImagingLogic.jobs.service import JobService
from AIImagingLogic.models import store_work
from AIImagingLogic.models.card import ModelCard
from AIImagingLogic.models.safety.refusals import UntrustedModel
from AIImagingLogic.models.safety.trust import package_hash, trusted
from AIImagingLogic.models.store.model_store import ModelStore
from AIImagingLogic.models.store.web import Web
from AIImagingLogic.records.progress import Progress

NEEDS_CODE = "needs-code"
"""Id of a model that is opened only when its package is trusted."""


def get(card: ModelCard, licence_accepted: bool, progress: Progress) -> dict[str, Any]:
    store = ModelStore(web=Web(local_http=True), pause_s=0.0)
    return store_work.get(card, licence_accepted, progress, store)


def verify(model_id: str, progress: Progress) -> dict[str, Any]:
    original = store_work._open
    store_work._open = _refuse_what_needs_code  # this process is the test's own
    try:
        return store_work.verify(model_id, progress)
    finally:
        store_work._open = original


def __getattr__(name: str) -> Any:
    return getattr(store_work, name)


class LocalService(JobService):
    """A job service whose work on the store may fetch from this computer."""

    def __init__(self) -> None:
        super().__init__(allowed=("AIImagingLogic", __name__))

    def submit(self, job: Job) -> JobHandle:
        """Submit the job with the functions above."""
        return super().submit(dataclasses.replace(job, function=job.function.replace(store_work.__name__, __name__)))


def _refuse_what_needs_code(folder: Path, card: ModelCard) -> None:
    if card.id == NEEDS_CODE and not trusted(package_hash(folder)):
        raise UntrustedModel("model.ts", "the operator aten::save")
