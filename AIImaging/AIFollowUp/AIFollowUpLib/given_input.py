"""The lesions of one visit as a job is given them, and what its result must say of who made them."""

from typing import Any

import slicer

from AIFollowUpLib.lesion_choice import DETECTOR, DRAWN, NONE, LesionChoice


class GivenInput:
    """What a LesionChoice of a volume becomes.

    Attributes
    ----------
    form : JSON of `GivenLesions`
    files : DICOM files of the volume, where Slicer knows them

    Raises
    ------
    SceneError
        What was chosen holds no lesion, or lies under a transform that cannot be undone.
    """

    def __init__(self, choice: LesionChoice, volume: Any) -> None:
        from AIImagingLogic.records.given_lesions import GivenLesions, LesionSource
        from AIImagingLogic.scene.follow_up_sources import SEGMENTATION, algorithm_type, dicom_files, drawn_lesions

        if choice.source == DRAWN:
            self.form = drawn_lesions(choice.nodes, volume)
            self._made = algorithm_type(node for node in choice.nodes if node.IsA(SEGMENTATION))
        else:
            self.form = GivenLesions(LesionSource(choice.source), report=choice.report).to_json()
            self._made = "" if choice.source in (DETECTOR, NONE) else "SEMIAUTOMATIC"
        self.files = dicom_files(volume, getattr(slicer, "dicomDatabase", None))

    def tellWhoDrew(self, lesions: Any) -> None:
        """Let the segments of the visit's lesions say who made their outlines, when it was not the detector."""
        from AIImagingLogic.scene.follow_up_sources import tell_who_drew

        if self._made:
            tell_who_drew(lesions, self._made)
