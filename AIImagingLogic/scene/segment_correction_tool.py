"""Correcting segments by what is shown: what the effect of the Segment Editor does, without its widgets."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from AIImagingLogic.models.catalogue import model_card, model_use
from AIImagingLogic.records.errors import AIImagingError
from AIImagingLogic.records.prompts import Prompts
from AIImagingLogic.scene.editor_rules_lattice import segment_in
from AIImagingLogic.scene.job_inputs import require_volume
from AIImagingLogic.scene.segment_correction import SaveState, SegmentCorrection
from AIImagingLogic.scene.segment_correction_kept import keep_prompts
from AIImagingLogic.scene.segment_correction_line import CorrectionLine
from AIImagingLogic.scene.segment_correction_preview import ProposedChange, ProposedChanges
from AIImagingLogic.scene.segment_correction_shortcuts import Shortcut, ShortcutInput, add_part, shortcut_input
from AIImagingLogic.scene.segment_correction_slice import FOLLOW, redrawn_slice

if TYPE_CHECKING:
    from AIImagingLogic.jobs.service import JobService
    from AIImagingLogic.records.provenance import ModelUse
    from AIImagingLogic.scene.editor_rules import AppliedEdit, PlannedEdit
    from AIImagingLogic.scene.segment_correction_record import CorrectedSegment

DEFAULT_MODEL = "prompted-outline"
_HAND_OVER_S = 0.003


class CorrectionTool:
    """Prompts in, corrected segment out, through the worker.

    Parameters
    ----------
    editor_node : vtkMRMLSegmentEditorNode
    service : with one worker, which nobody else uses
    save_state : saves the segmentation for the editor's undo
    on_applied : called when a result was put into the segment
    on_error : called when there is none
    model : id of a model that refines: of the catalogue, or of `models.interactive.presence`
    functions : module of the worker's functions; None: those of this package
    on_proposed : called when a result is shown in the preview, with what it would change

    Attributes
    ----------
    model : id of the model
    changes : results, which go into the segment at once or wait in a preview until they are applied
    """

    def __init__(
        self,
        editor_node: Any,
        service: JobService,
        save_state: SaveState,
        on_applied: Callable[[AppliedEdit], None],
        on_error: Callable[[AIImagingError], None],
        model: str = DEFAULT_MODEL,
        functions: str | None = None,
        on_proposed: Callable[[PlannedEdit | None], None] = lambda _planned: None,
    ) -> None:
        self._editor = editor_node
        self._save_state = save_state
        self._on_applied = on_applied
        self._on_error = on_error
        self._models = (_use_of(model),)
        modules = {} if functions is None else {"functions": functions}
        self.model = model
        self._line = CorrectionLine(service, model, self._apply, self._fail, **modules)
        self._correction: SegmentCorrection | None = None
        self._shown_on: Any = None
        self.changes = ProposedChanges(on_applied, on_proposed, on_error)

    @property
    def waiting(self) -> bool:
        """Whether a result is still to come."""
        return self._line.waiting

    @property
    def shown(self) -> int:
        """How many clicks, strokes, boxes and lassos the present correction has."""
        return 0 if self._correction is None else self._correction.shown

    def prepare(self) -> None:
        """Send the volume and the outline of the selected segment ahead, so that the first click need not.

        Raises
        ------
        SceneError
            No segment is selected, or the volume or the segmentation cannot be used.
        JobFailed
            The service is closed.
        """
        if self._line.asked_otherwise or self.changes.shortcut_waits:
            return  # a session that is opened now would be of the segment before the shortcut
        # The first answer would wait for this import.
        import SimpleITK  # noqa: F401

        volume = self._volume()
        sent = self._line.keep(volume)
        if self._correction is None or self._correction.outdated:
            self._begin(volume)
        elif sent:
            self._line.open(volume, self._correction.proposal(volume))

    def show(self, prompt: Prompts) -> None:
        """Add what was shown and ask for the result; returns at once. A shortcut that waits is dropped.

        Raises
        ------
        SceneError, JobFailed
            As `prepare`.
        """
        if self._line.asked_otherwise:
            self._line.forget()
        if self.changes.shortcut_waits:
            self.changes.forget()
        self.prepare()
        if self._correction is not None:
            self._shown_on = self._volume()
            self._line.refine(self._correction.show(prompt))
            # The thread that sends the prompt goes first: saving holds the interpreter for tens of ms.
            time.sleep(_HAND_OVER_S)
            self._save_ahead(self._correction)

    def take_back(self) -> None:
        """Forget what was shown last; the segment follows."""
        correction = self._present()
        if correction is None or not correction.shown:
            return
        prompts = correction.take_back()
        if prompts.empty:
            self._line.forget()
            self._apply(None)
        else:
            self._line.refine(prompts)
            self._save_ahead(correction)

    def drop(self) -> None:
        """Make the segment what it was before the present correction."""
        self._line.forget()
        self.changes.forget()
        correction = self._present()
        if correction is not None:
            correction.drop()

    def accept(self) -> CorrectedSegment | None:
        """End the present correction and record it; None when nothing was changed. The next prompt begins another.

        What is in the preview and was not applied is dropped.
        """
        self._line.forget()
        self.changes.forget()
        correction, self._correction = self._correction, None
        if correction is None or not correction.there:
            return None
        prompts = correction.prompts
        recorded = correction.accept()
        if recorded is not None and self._shown_on is not None and self._shown_on.GetScene() is not None:
            keep_prompts(correction.segmentation_node, correction.segment_id, self._shown_on, prompts)
        return recorded

    def use(self, shortcut: Shortcut, position_ras: Sequence[float] | None = None) -> None:
        """Change the segment by a shortcut; a correction of its own, accepted when it is done. Returns at once.

        Parameters
        ----------
        shortcut : which
        position_ras : (3,) mm of the world, where to split

        Raises
        ------
        SceneError
            No segment is selected, it is empty, or there is no source volume.
        JobFailed
            The service is closed.
        """
        self.accept()
        correction = SegmentCorrection(self._editor, self._save_state, self._models)
        given = shortcut_input(self._editor, shortcut)
        arguments = given.arguments()
        if position_ras is not None:
            arguments["point_mm"] = given.place_of(position_ras, correction.segmentation_node)
        # It counts as a click.
        correction.show(Prompts())
        self._line.ask(shortcut.function, arguments, lambda answer: self._finish(shortcut, correction, given, answer))

    def redraw_slice(self, line_ras: Sequence[Sequence[float]]) -> None:
        """Make one slice of the segment what a line holds, and let its neighbours follow; accepted when it is done.

        Parameters
        ----------
        line_ras : closed line in the slice, (N, 3) RAS mm of the world

        Raises
        ------
        SceneError
            No segment is selected, there is no source volume, or the line lies in no slice of the segmentation.
        JobFailed
            The service is closed.
        """
        self.accept()
        correction = SegmentCorrection(self._editor, self._save_state, self._models)
        self._volume()
        given, arguments = redrawn_slice(self._editor, line_ras)
        correction.show(Prompts())
        arguments["model"] = self._models[0].model_id
        self._line.ask(FOLLOW, arguments, lambda answer: self._finish(None, correction, given, answer))

    def _finish(
        self, shortcut: Shortcut | None, correction: SegmentCorrection, given: ShortcutInput, answer: Any
    ) -> None:
        import SimpleITK as sitk

        if correction.outdated:
            return
        changed = sitk.GetArrayViewFromImage(answer)
        if shortcut is Shortcut.SPLIT:
            # Two segments come of it, which no preview of one shows.
            self._guarded(lambda: self._split(correction, given, changed))
        else:
            self.changes.take(ProposedChange(correction, given.region(changed), ends=True))

    def _split(self, correction: SegmentCorrection, given: ShortcutInput, cut_off: Any) -> None:
        node, segment_id = correction.segmentation_node, correction.segment_id
        edit = correction.become(given.region_without(cut_off))
        left = segment_in(node, segment_id, given.lattice, given.extent)
        taken = (given.mask == 1) & ~left
        if taken.any():
            add_part(node, segment_id, given, taken)
        correction.accept()
        self._on_applied(edit)

    def poll(self) -> None:
        """Take over what the worker answered."""
        self._line.poll()

    def _volume(self) -> Any:
        volume = self._editor.GetSourceVolumeNode()
        require_volume(volume, "source volume")
        return volume

    def _begin(self, volume: Any) -> None:
        # What was left by a change of segment, an undo or another effect is recorded as it is.
        self.accept()
        correction = SegmentCorrection(self._editor, self._save_state, self._models)
        self._line.open(volume, correction.proposal(volume))
        self._correction = correction

    def _present(self) -> SegmentCorrection | None:
        correction = self._correction
        return None if correction is None or correction.outdated else correction

    def _fail(self, error: AIImagingError) -> None:
        # What could not be answered is not asked again with the next click: it may have been beside the image.
        if self._correction is not None:
            self._correction.take_back()
        self._on_error(error)

    def _apply(self, result: Any) -> None:
        correction = self._present()
        if correction is not None:
            self._guarded(
                lambda: self.changes.take(ProposedChange(correction, correction.region_of(result, self._volume())))
            )

    def _save_ahead(self, correction: SegmentCorrection) -> None:
        if self.changes.auto_apply:
            correction.save_ahead()

    def _guarded(self, action: Callable[[], None]) -> None:
        try:
            action()
        except AIImagingError as error:
            self._on_error(error)


def _use_of(model: str) -> ModelUse:
    if ":" not in model:
        return model_use(model_card(model))
    # A model of the user's: what looks for it is imported when there is one.
    from AIImagingLogic.models.interactive.presence import find_interactive

    return find_interactive(model).use()
