"""Going through the findings in the panel: the list, the views, what a person says of each."""

import qt
import vtk
from AIImagingLib.error_display import show_error
from AIImagingLib.findings_table import FindingsTable
from slicer.i18n import tr as _

from AIDetectionLib.finding_rows import finding_columns, finding_rows, finding_states, state_column, state_texts


class FindingsReview:
    """Shows findings in the panel and records their review in the scene; the scene holds all of it.

    Parameters
    ----------
    ui : object
        The widgets of the panel.
    logic : AIDetectionLogic
    observe : VTKObservationMixin
        Adds and removes observers.
    onSelected : callable
        Told when another finding was selected, or none.
    """

    def __init__(self, ui, logic, observe, onSelected):
        self._ui, self._logic, self._observe, self._onSelected = ui, logic, observe, onSelected
        self.view = None
        self._rows, self._states = [], {}
        self._table = FindingsTable(
            ui.findingsTableView, finding_columns(), state_column(), state_texts(), self._onChosen
        )
        # Several are chosen to be merged; the current one of them is on show.
        ui.findingsTableView.selectionMode = qt.QAbstractItemView.ExtendedSelection
        self._selection = ui.findingsTableView.selectionModel()
        self._selection.connect("selectionChanged(QItemSelection,QItemSelection)", self._onSelectionChanged)
        for state, text in self._filters():
            ui.shownComboBox.addItem(text, state)
        self.show(None)

    @property
    def selected(self):
        """The uid of the selected finding, None when none is."""
        return self._table.chosen

    @property
    def chosen(self):
        """The uids of all selected findings, in the order on show."""
        rows = {index.row() for index in self._ui.findingsTableView.selectionModel().selectedRows()}
        return [uid for row, uid in enumerate(self._table.uids) if row in rows]

    @property
    def toReviewOnShow(self):
        """The listed findings of which nobody has said anything."""
        return [uid for uid in self._table.uids if self._states[uid] == "unreviewed"]

    def figures(self, uid):
        """Return the size of a finding in words, empty when it is not listed."""
        row = next((row for row in self._rows if row.uid == uid), None)
        if row is None:
            return ""
        diameter, volume = row.cells[3], row.cells[4]
        return _("{diameter} mm, {volume} mm³").format(
            diameter="–" if diameter is None else f"{diameter:.1f}", volume="–" if volume is None else f"{volume:.0f}"
        )

    def show(self, points):
        """List the findings of a point list; None: list none."""
        if self.view is not None and self.view.table is not None:
            self._observe.removeObserver(self.view.table, vtk.vtkCommand.ModifiedEvent, self._onTableModified)
        self.view, remarks = self._findingView(points)
        self._rows, self._states = [], {}
        if self.view is not None:
            table = self.view.table
            self._states = finding_states(table)
            self._rows = finding_rows(table, _colours(points))
            self._observe.addObserver(table, vtk.vtkCommand.ModifiedEvent, self._onTableModified)
        self._table.show(self._rows, self._states)
        if self.view is not None and self.view.current is not None:
            self._table.choose(self.view.current)
        self._ui.remarksLabel.text = remarks
        self._showState()

    def filterBy(self, state):
        """List the findings of one review state, all for an empty one."""
        states = [key for key, _text in self._filters()]
        self._ui.shownComboBox.currentIndex = states.index(state) if state in states else 0
        self._table.filterBy(state)
        self._showState()

    def step(self, by):
        """Select the finding `by` rows further."""
        uid = self._table.step(by)
        if uid is not None:
            self.select(uid)

    def select(self, uid):
        """Show a finding in the slice views and in the list."""
        if self._do(lambda: self.view.select(uid)):
            self._table.choose(uid)
        self._showState()

    def say(self, status):
        """Say of the selected finding that it is accepted or rejected; said again, it is back to review.

        When it leaves the list, being filtered, the next one is selected.
        """
        uid = self.selected
        if uid is None:
            return
        following = self._table.step(1)
        said = "unreviewed" if self._states[uid] == status else status
        if not self._do(lambda: self.view.set_review(uid, said)):
            return
        if uid not in self._table.uids and following not in (uid, None):
            self.select(following)

    def acceptAll(self, uids):
        """Accept findings, all in one step."""
        view = self.view

        def accept():
            changing = [node for node in (view.points, view.table, view.lesions) if node is not None]
            if view.lesions is not None and view.lesions.GetDisplayNode() is not None:
                changing.append(view.lesions.GetDisplayNode())
            was = [node.StartModify() for node in changing]
            try:
                for uid in uids:
                    view.set_review(uid, "accepted")
            finally:
                for node, before in zip(changing, was):
                    node.EndModify(before)

        self._do(accept)

    def filterAt(self, index):
        """Return the review state of an entry of the filter's combo box."""
        return self._filters()[index][0]

    def _filters(self):
        texts = state_texts()
        first = [("", _("all"))]
        return first + [(state, texts[state]) for state in ("unreviewed", "accepted", "rejected", "edited")]

    def _findingView(self, points):
        """Return the view of a point list and what to remark; no view when it cannot be reviewed."""
        from AIImagingLogic.records.errors import SceneError

        if points is None:
            return None, ""
        try:
            view = self._logic.findingView(points)
        except SceneError as error:
            return None, str(error)
        if view.table is None:
            return None, _("The table of '{name}' was removed. Run the detection again.").format(name=points.GetName())
        return view, _remarks(points)

    def _do(self, action):
        """Do something with the findings; what is wrong is shown. Returns whether it was done."""
        from AIImagingLogic.records.errors import SceneError

        try:
            action()
        except SceneError as error:
            show_error(error, _("AI Detection"))
            return False
        return True

    def _onChosen(self, uid):
        if uid is not None and self.view is not None:
            self._do(lambda: self.view.select(uid))
        self._showState()

    def _onSelectionChanged(self, selected, deselected):
        self._onSelected()

    def _onTableModified(self, caller, event):
        states = finding_states(caller)
        if finding_rows(caller, _colours(self.view.points)) != self._rows:
            # Measured again.
            self.show(self.view.points)
            return
        changed = {uid: state for uid, state in states.items() if self._states[uid] != state}
        self._states = states
        if changed:
            self._table.setStates(changed)
            self._showState()

    def _showState(self):
        ui, states = self._ui, list(self._states.values())
        ui.countsLabel.text = _counts(states) if self.view is not None else _("No findings yet")
        state = self._states.get(self.selected)
        for button in (ui.previousButton, ui.nextButton):
            button.enabled = bool(self._table.uids)
        for button in (ui.acceptButton, ui.rejectButton):
            button.enabled = state is not None
        ui.acceptButton.text = _("Back to review") if state == "accepted" else _("Accept")
        ui.rejectButton.text = _("Back to review") if state == "rejected" else _("Reject")
        ui.acceptShownButton.enabled = bool(self.toReviewOnShow)
        ui.exportButton.enabled = self.view is not None
        self._onSelected()


def _counts(states):
    """Return such as ``12 findings: 3 accepted, 1 rejected, 8 to review``."""
    if not states:
        return _("No findings: nothing was found.")
    texts = state_texts()
    found = [(state, states.count(state)) for state in ("accepted", "edited", "rejected", "unreviewed")]
    said = ", ".join(f"{count} {texts[state]}" for state, count in found if count)
    total = _("1 finding") if len(states) == 1 else _("{count} findings").format(count=len(states))
    return f"{total}: {said}"


def _colours(points):
    from AIImagingLogic.scene.finding_boxes import read_boxes

    return {uid: box.colour for uid, box in read_boxes(points).items()}


def _remarks(points):
    """Return what the run remarked on its input and its result, a line each."""
    from AIImagingLogic.scene.node_attributes import NOTE
    from AIImagingLogic.scene.provenance import provenance_of

    made = provenance_of(points)
    notes = [*(made.notes if made is not None else ()), points.GetAttribute(NOTE) or ""]
    return "\n".join(note for note in notes if note)
