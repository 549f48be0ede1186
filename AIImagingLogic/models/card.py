"""Model cards: what a model is for, what it was made and tested on, and what it must not be used for."""

from __future__ import annotations

from dataclasses import dataclass

from AIImagingLogic.records.json_form import Record


@dataclass(frozen=True)
class ModelCard(Record):
    """The card of a model or built-in engine; its JSON schema is Resources/models/card.schema.json.

    Attributes
    ----------
    id : such as ``ct-lungs``
    version : changes whenever results may change
    task : ``segment``, ``detect``, ``outline``, ``classify`` or ``register``
    modality : DICOM modality it expects
    anatomy : such as ``chest``
    inputs : name of each input image, in order
    outputs : keys of Resources/terminology/concepts.json
    needs : ids of the models whose output it needs, such as ``ct-lungs``
    licence : SPDX id
    intended_use : one sentence
    limits : what it is not good for, one sentence each
    training_data : what it was made on; learning-free engines say so
    tested_on : what it was tested on, with the command that shows the figures
    references : papers or standards
    """

    id: str
    version: str
    name: str
    task: str
    modality: str
    anatomy: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    needs: tuple[str, ...]
    licence: str
    intended_use: str
    limits: tuple[str, ...]
    training_data: str
    tested_on: str
    references: tuple[str, ...]
