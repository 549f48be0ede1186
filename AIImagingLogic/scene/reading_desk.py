"""Where a reader of a study sits: cases come onto the scene, what is done to their marks is recorded, and they go."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from AIImagingLogic.evaluation.reading_ai_marks import read_ai_marks
from AIImagingLogic.evaluation.reading_folder import findings_path, image_path
from AIImagingLogic.evaluation.reading_recorder import ReadingRecorder
from AIImagingLogic.images.read import read_image
from AIImagingLogic.records.boxes import Vector
from AIImagingLogic.records.errors import SceneError
from AIImagingLogic.records.reading import ActionKind, AiMark, ReadingError
from AIImagingLogic.records.reading_state import CaseState
from AIImagingLogic.scene.coordinates import ras_from_lps
from AIImagingLogic.scene.host import load_slicer
from AIImagingLogic.scene.reading_nodes import ReadingNodes, results_of_ai

OTHER_RESULTS = "other AI results in the scene"


class ReadingDesk:
    """One reader at one study in one scene.

    Parameters
    ----------
    scene : vtkMRMLScene
    recorder : of the reader
    on_change : called when the marks on the scene were changed by hand and the state with them
    on_refused : told why, when what was done to a mark by hand was not allowed and was put back

    Attributes
    ----------
    nodes : of the open case, None between cases and after its scene was closed
    """

    def __init__(
        self,
        scene: Any,
        recorder: ReadingRecorder,
        on_change: Callable[[], None] = lambda: None,
        on_refused: Callable[[ReadingError], None] = lambda error: None,
    ) -> None:
        self.scene, self.recorder = scene, recorder
        self._on_change, self._on_refused = on_change, on_refused
        self.nodes: ReadingNodes | None = None
        self._observed: list[tuple[Any, int]] = []
        self._taking = False

    @property
    def state(self) -> CaseState | None:
        """Of the open case."""
        return self.recorder.state

    def open(self) -> None:
        """Bring the case whose turn it is onto the scene, or one that was interrupted or paused; time counts from then.

        Raises
        ------
        ReadingError
            All cases are read, one is open, or the wash-out is not over.
        SceneError
            The scene holds results of AI Imaging.
        UnreadableImageError, GeometryError
            The image or the findings file cannot be read. Nothing was recorded.
        """
        if self.state is not None and self.state.running and not self._on_show:
            # Somebody removed its nodes.
            self.recorder.record(ActionKind.PAUSE)
        turn = self.recorder.require_turn()
        if self._on_show:
            self.recorder.open()
            self._open_nodes().unhide()
            return
        self._leave()
        others = results_of_ai(self.scene)
        if others:
            raise SceneError(
                f"The scene holds results of AI Imaging, such as '{others[0]}'.", "Save and close the scene first."
            )
        case = self.recorder.study.case(turn.case)
        image, info = read_image(image_path(self.recorder.study_file, case), case.series or None)
        if turn.mode.shows_ai:
            # Before the reader begins: a fault found at the lock would cost him his reading.
            self._ai_marks(turn.case)
        self.nodes = ReadingNodes(self.scene, turn.case, image, info)
        try:
            state = self.recorder.open()
            if state.may_show_ai and state.shown is None:
                self._show_ai()
        except BaseException:
            self._leave()
            raise
        self._show()
        self.nodes.unhide()
        self._observe()

    def pause(self) -> None:
        """Stop the clock and take the case off the views; `open` goes on.

        Raises
        ------
        ReadingError
            No case is open.
        """
        self._take()
        self.recorder.record(ActionKind.PAUSE)
        if self.nodes is not None and self.nodes.there:
            self.nodes.stop_placing()
            self.nodes.hide()

    def lock(self) -> None:
        """End the unaided reading of a second reader, and show the AI's marks.

        Raises
        ------
        ReadingError
            Not in this mode, or a mark has no score.
        """
        self._open_nodes()
        self._take()
        self.recorder.record(ActionKind.LOCK, note=self._remark())
        self._show_ai()
        self._show()

    def finish(self) -> None:
        """End the case and take it off the scene.

        Raises
        ------
        ReadingError
            Something is still to be said.
        """
        self._open_nodes()
        self._take()
        self.recorder.record(ActionKind.FINISH, note=self._remark())
        self._leave()

    def add(self, position_mm: Vector) -> str:
        """Put a mark at a place, (3,) mm, LPS; return its name.

        Raises
        ------
        ReadingError
            No case is open, or it is paused.
        """
        nodes = self._open_nodes()
        name = self._open_state().next_mark()
        nodes.marks.AddControlPointWorld(*ras_from_lps(position_mm).tolist())
        self._take()
        return name

    def delete(self, mark: str) -> None:
        """Take a mark of the reader away; ReadingError when it is locked."""
        self._say(ActionKind.DELETE, mark)

    def rate(self, mark: str, score: float) -> None:
        """Give a mark a score, 0 to 100; ReadingError when it is locked."""
        self._say(ActionKind.RATE, mark, score=score)

    def accept(self, mark: str) -> None:
        """Accept an AI mark; its score is still to be given. ReadingError when it is not on show."""
        self._say(ActionKind.ACCEPT, mark)

    def refuse(self, mark: str) -> None:
        """Refuse an AI mark; ReadingError when it is not on show."""
        self._say(ActionKind.REFUSE, mark)

    def undecide(self, mark: str) -> None:
        """Take back what was said of an AI mark; ReadingError when it is not on show."""
        self._say(ActionKind.UNDECIDE, mark)

    def jump(self, mark: str) -> None:
        """Move the slices to a mark."""
        state = self._open_state()
        found = state.marks.get(mark) or next((shown for shown in state.shown or () if shown.mark == mark), None)
        if found is not None and self.nodes is not None:
            self.nodes.jump(found.position_mm)

    def tick(self) -> None:
        """Call every few seconds."""
        self.recorder.tick()

    def scene_closes(self) -> None:
        """The scene is about to be closed: an open case is paused, and comes back with `open`."""
        self._forget()
        if self.state is not None and self.state.running:
            self.recorder.record(ActionKind.PAUSE)

    def close(self) -> None:
        """Leave: an open case is paused and goes off the scene, the reader's file is let go."""
        if self.state is not None and self.state.running:
            self._take()
        self._leave()
        self.recorder.close()

    def _say(self, kind: ActionKind, mark: str, **said: Any) -> None:
        self._take()
        state = self._open_state()
        shown: AiMark | None = next((entry for entry in state.shown or () if entry.mark == mark), None)
        if shown is not None and kind is not ActionKind.RATE:
            said["position_mm"] = shown.position_mm
        self.recorder.record(kind, mark=mark, **said)
        self._show()

    def _take(self) -> None:
        """Record what was done to the marks by hand; what is not allowed is put back."""
        if self._taking or self.nodes is None or self.state is None or not self.nodes.there:
            return
        changes = self.nodes.changes(self.state)
        if not changes:
            return
        refused = None
        try:
            for kind, mark, place in changes:
                said = {} if place is None else {"position_mm": place}
                name = mark or self._open_state().next_mark()
                try:
                    self.recorder.record(kind, mark=name, **said)
                except ReadingError as error:
                    refused = error
        finally:
            self._show()
        if refused is not None:
            self._on_refused(refused)
        self._on_change()

    def _show(self) -> None:
        """Let the nodes follow the state, without taking that for the reader's doing."""
        if self.nodes is None or self.state is None or not self.nodes.there:
            return
        self._taking = True
        try:
            self.nodes.show(self.state)
        finally:
            self._taking = False

    def _show_ai(self) -> None:
        state = self._open_state()
        self.recorder.record(ActionKind.SHOW, marks=self._ai_marks(state.case))

    def _ai_marks(self, code: str) -> tuple[AiMark, ...]:
        return read_ai_marks(findings_path(self.recorder.study_file, self.recorder.study.case(code)), code)

    def _remark(self) -> str:
        return OTHER_RESULTS if results_of_ai(self.scene) else ""

    def _open_state(self) -> CaseState:
        if self.state is None:
            raise ReadingError("No case is open.", "Take the next case.")
        return self.state

    @property
    def _on_show(self) -> bool:
        return self.nodes is not None and self.nodes.there

    def _open_nodes(self) -> ReadingNodes:
        if self.nodes is None or not self.nodes.there:
            raise ReadingError("No case is on show.", "Take the next case.")
        return self.nodes

    def _observe(self) -> None:
        nodes, kind = self._open_nodes(), load_slicer().vtkMRMLMarkupsNode
        for event in (kind.PointPositionDefinedEvent, kind.PointEndInteractionEvent, kind.PointRemovedEvent):
            self._observed.append((nodes.marks, nodes.marks.AddObserver(event, lambda *_: self._take())))
        views = self.scene.GetNodesByClass("vtkMRMLSliceNode")
        views.UnRegister(None)
        for index in range(views.GetNumberOfItems()):
            view = views.GetItemAsObject(index)
            self._observed.append((view, view.AddObserver("ModifiedEvent", lambda *_: self.recorder.touch())))

    def _forget(self) -> None:
        for node, tag in self._observed:
            node.RemoveObserver(tag)
        self._observed.clear()
        self.nodes = None

    def _leave(self) -> None:
        nodes = self.nodes
        self._forget()
        if nodes is not None:
            nodes.stop_placing()
            nodes.remove()
