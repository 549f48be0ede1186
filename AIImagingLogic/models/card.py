"""Model cards: what a model is for, what it was made and tested on, and what it must not be used for."""

from __future__ import annotations

from dataclasses import dataclass

from AIImagingLogic.models.run_state import BUILT_IN
from AIImagingLogic.records.coding import Code
from AIImagingLogic.records.json_form import Record

# What `runs` of a card may say.


@dataclass(frozen=True)
class Download(Record):
    """One file of a model's package and where it is published.

    Attributes
    ----------
    url : https address
    path : inside the package, with ``/``; where it is unpacked, for an archive (``.`` is the package itself)
    size : bytes; None when it is not published
    sha256 : 64 hexadecimal digits; None when it is not published: recorded at the first download, checked ever after
    published_hash : another hash that its publisher states, such as ``md5:870e…`` or ``sha1:05c0…``; empty for none
    unpack : True for a zip archive whose content, not the archive, is the package
    """

    url: str
    path: str
    size: int | None = None
    sha256: str | None = None
    published_hash: str = ""
    unpack: bool = False


@dataclass(frozen=True)
class OutputLabel(Record):
    """One label, class or channel that a model gives.

    Attributes
    ----------
    value : voxel value, or index of the class or channel
    name : as its makers call it
    type : coded type; None when no code is known for it
    modifier : laterality, or None
    """

    value: int
    name: str
    type: Code | None = None
    modifier: Code | None = None


@dataclass(frozen=True)
class PublishedFigure(Record):
    """A figure of merit that the makers published; not ours, and not repeated here.

    Attributes
    ----------
    name : such as ``mean Dice``
    value : as published
    data : what it was measured on, as far as it is stated
    source : where it is published
    """

    name: str
    value: float
    data: str
    source: str


@dataclass(frozen=True)
class ModelCard(Record):
    """The card of a model or built-in engine; its JSON schema is Resources/models/card.schema.json.

    Attributes
    ----------
    id : such as ``ct-lungs``
    version : changes whenever results may change
    task : ``segment``, ``detect``, ``outline``, ``refine``, ``classify`` or ``register``
    modality : DICOM modality it expects
    anatomy : such as ``chest``
    inputs : name of each input image, in order
    outputs : keys of Resources/terminology/concepts.json
    needs : ids of the models whose output it needs, such as ``ct-lungs``
    licence : SPDX id, or LicenseRef-… for one without
    intended_use : one sentence
    limits : what it is not good for, one sentence each
    training_data : what it was made on; learning-free engines say so
    tested_on : what it was tested on, with the command that shows the figures
    references : papers or standards
    source : format of its package, such as ``monai-bundle``; ``builtin`` for an engine that comes with AI Imaging
    runs : ``built-in``; ``package`` when this version runs it once it is fetched; ``not yet`` when it can only be kept
    licence_url : the licence's text
    homepage : where its makers describe it
    sequences : sequence or contrast of each input, in order, such as ``FLAIR``; empty when any will do
    labels : what its output means
    downloads : its package, file by file
    published : figures of its makers
    citation : what its makers ask to cite
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
    source: str = "builtin"
    runs: str = BUILT_IN
    licence_url: str = ""
    homepage: str = ""
    sequences: tuple[str, ...] = ()
    labels: tuple[OutputLabel, ...] = ()
    downloads: tuple[Download, ...] = ()
    published: tuple[PublishedFigure, ...] = ()
    citation: str = ""

    @property
    def download_size(self) -> int | None:
        """Bytes of all downloads; None when the size of one is not published."""
        sizes = [item.size for item in self.downloads if item.size is not None]
        return sum(sizes) if len(sizes) == len(self.downloads) else None
