"""A list of findings: sorted by a click on a header, filtered by review; a thousand rows are as quick as ten."""

import math
from dataclasses import dataclass

import qt

_TEXT_ROLE, _COLOUR_ROLE = qt.Qt.DisplayRole, qt.Qt.DecorationRole
_ALIGNMENT_ROLE, _FOREGROUND_ROLE = qt.Qt.TextAlignmentRole, qt.Qt.ForegroundRole
_SORT_ROLE = qt.Qt.UserRole
_STATE_ROLE = qt.Qt.UserRole + 1
_UID_ROLE = qt.Qt.UserRole + 2
_RIGHT = int(qt.Qt.AlignRight) | int(qt.Qt.AlignVCenter)
_NOT_KNOWN = "–"
_REJECTED_COLOUR = "gray"
# Pixels. Narrower than Qt's own choice, which leaves room for a sort mark in every header: a panel is narrow.
_CELL_MARGIN, _ROW_MARGIN, _SWATCH, _SORT_MARK = 7, 6, 20, 12


@dataclass(frozen=True)
class TableColumn:
    """A column.

    Attributes
    ----------
    title : header, with the unit
    toolTip : what it means
    digits : behind the point of its numbers
    largest : numbers above it are shown as such, ``>0.99``; None for no such limit
    """

    title: str
    toolTip: str = ""
    digits: int = 1
    largest: float | None = None

    def text(self, value):
        """Return a cell's text."""
        if isinstance(value, str):
            return value
        if _is_unknown(value):
            return _NOT_KNOWN
        if self.largest is not None and value > self.largest:
            return f">{self.largest:.{self.digits}f}"
        return str(value) if isinstance(value, int) else f"{value:.{self.digits}f}"


@dataclass(frozen=True)
class TableRow:
    """A finding.

    Attributes
    ----------
    uid : of the finding
    cells : text, whole numbers or measured numbers (not known: None or not a number), one a column
    colour : RGB 0..255 of the swatch in front; None for none
    """

    uid: str
    cells: tuple
    colour: tuple | None = None


class FindingsTable:
    """Fills a table view; the last column is what a person said of the finding.

    Parameters
    ----------
    tableView : qt.QTableView
    columns : list of TableColumn, without the last one
    stateColumn : TableColumn
        The last one.
    stateTexts : dict
        What to show for each state, such as ``accepted``.
    onChosen : callable
        Told the uid of the finding that the user chose, by click or by key; None when none is chosen any more.
    """

    def __init__(self, tableView, columns, stateColumn, stateTexts, onChosen):
        self._view = tableView
        self._columns = [*columns, stateColumn]
        self._stateTexts = stateTexts
        self._onChosen = onChosen
        self._rows = {}
        self._states = {}
        self._quiet = False
        self._model = qt.QStandardItemModel(0, len(self._columns))
        self._setData, self._index = self._model.setData, self._model.index
        self._proxy = qt.QSortFilterProxyModel()
        self._proxy.setSourceModel(self._model)
        self._proxy.sortRole = _SORT_ROLE
        self._proxy.filterRole = _STATE_ROLE
        self._proxy.filterKeyColumn = self._stateColumn
        tableView.setModel(self._proxy)
        tableView.selectionBehavior = qt.QAbstractItemView.SelectRows
        tableView.selectionMode = qt.QAbstractItemView.SingleSelection
        tableView.editTriggers = qt.QAbstractItemView.NoEditTriggers
        tableView.alternatingRowColors = True
        tableView.wordWrap = False
        tableView.tabKeyNavigation = False
        tableView.verticalHeader().hide()
        tableView.verticalHeader().setDefaultSectionSize(tableView.fontMetrics().height() + _ROW_MARGIN)
        self._header = tableView.horizontalHeader()
        self._header.highlightSections = False
        # Made anew only with another model: kept, so that the connection is.
        self._selection = tableView.selectionModel()
        self._selection.connect("currentRowChanged(QModelIndex,QModelIndex)", self._onRowChanged)
        self._showHeaders()
        self._fitColumns([])
        tableView.sortingEnabled = True
        tableView.sortByColumn(0, qt.Qt.AscendingOrder)

    @property
    def _stateColumn(self):
        return len(self._columns) - 1

    @property
    def uids(self):
        """The findings on show, in the order on show."""
        rows = range(self._proxy.rowCount())
        return [self._proxy.data(self._proxy.index(row, 0), _UID_ROLE) for row in rows]

    @property
    def chosen(self):
        """The uid of the chosen finding, None when none is."""
        index = self._view.currentIndex()
        return self._proxy.data(self._proxy.index(index.row(), 0), _UID_ROLE) if index.isValid() else None

    def show(self, rows, states):
        """Show other findings: a list of TableRow, and the state of each by its uid. None is chosen then."""
        self._quiet = True
        # Sorted and filtered once, not at every cell.
        self._proxy.setSourceModel(None)
        self._model.setRowCount(0)
        self._model.setRowCount(len(rows))
        self._rows = {row.uid: number for number, row in enumerate(rows)}
        for number, row in enumerate(rows):
            self._fill(number, row)
            self._fillState(number, states[row.uid])
        self._proxy.setSourceModel(self._model)
        self._showHeaders()
        self._quiet = False
        self._fitColumns(rows)

    def setStates(self, states):
        """Show other states of findings, by their uids; rows may leave the list when it is filtered.

        When the chosen finding leaves, none is chosen, and nobody is told.
        """
        chosen = self.chosen
        self._quiet = True
        for uid, state in states.items():
            number = self._rows[uid]
            self._fillState(number, state, self._states[number])
        self._quiet = False
        if chosen != self.chosen:
            self.choose(chosen)

    def filterBy(self, state):
        """Show only findings of that state; all of them for an empty one."""
        self._proxy.setFilterFixedString(state)

    def choose(self, uid):
        """Choose a finding without telling; one that is not on show leaves none chosen. Returns whether it is."""
        shown = self._shownRow(uid)
        self._quiet = True
        if shown is None:
            self._selection.clear()
        else:
            index = self._proxy.index(shown, 0)
            self._view.setCurrentIndex(index)
            self._view.scrollTo(index)
        self._quiet = False
        return shown is not None

    def step(self, by):
        """Return the uid `by` rows after the chosen one as shown, round the ends; None when nothing is on show."""
        count = self._proxy.rowCount()
        if not count:
            return None
        index = self._view.currentIndex()
        row = (index.row() + by) % count if index.isValid() else (0 if by > 0 else count - 1)
        return self._proxy.data(self._proxy.index(row, 0), _UID_ROLE)

    def _shownRow(self, uid):
        number = self._rows.get(uid)
        if number is None:
            return None
        index = self._proxy.mapFromSource(self._model.index(number, 0))
        return index.row() if index.isValid() else None

    def _onRowChanged(self, current, previous):
        if not self._quiet:
            self._onChosen(self.chosen)

    def _showHeaders(self):
        for number, column in enumerate(self._columns):
            self._model.setHeaderData(number, qt.Qt.Horizontal, column.title)
            self._model.setHeaderData(number, qt.Qt.Horizontal, column.toolTip, qt.Qt.ToolTipRole)
        self._header.stretchLastSection = True

    def _fitColumns(self, rows):
        """Make each column as wide as its widest text."""
        metrics = self._view.fontMetrics()
        swatch = _SWATCH if any(row.colour is not None for row in rows) else 0
        for number, column in enumerate(self._columns):
            if number == self._stateColumn:
                texts = set(self._stateTexts.values())
            else:
                texts = {column.text(row.cells[number]) for row in rows}
            widest = max((metrics.horizontalAdvance(text) for text in texts), default=0)
            first = number == 0
            header = metrics.horizontalAdvance(column.title) + (_SORT_MARK if first else 0)
            self._view.setColumnWidth(number, max(widest + (swatch if first else 0), header) + _CELL_MARGIN)

    def _fill(self, number, row):
        self._set(number, 0, row.uid, _UID_ROLE)
        if row.colour is not None:
            self._set(number, 0, qt.QColor(*row.colour), _COLOUR_ROLE)
        for position, value in enumerate(row.cells):
            self._set(number, position, self._columns[position].text(value), _TEXT_ROLE)
            # What is not known comes first.
            self._set(number, position, -math.inf if _is_unknown(value) else value, _SORT_ROLE)
            if not isinstance(value, str):
                self._set(number, position, _RIGHT, _ALIGNMENT_ROLE)

    def _fillState(self, number, state, before="unreviewed"):
        position = self._stateColumn
        self._set(number, position, self._stateTexts[state], _TEXT_ROLE)
        self._set(number, position, self._stateTexts[state], _SORT_ROLE)
        if "rejected" in (state, before):
            brush = qt.QBrush(qt.QColor(_REJECTED_COLOUR)) if state == "rejected" else None
            for column in range(position + 1):
                self._set(number, column, brush, _FOREGROUND_ROLE)
        # What is filtered by comes last: by then the row is as it is to be shown.
        self._set(number, position, state, _STATE_ROLE)
        self._states[number] = state

    def _set(self, number, position, value, role):
        self._setData(self._index(number, position), value, role)


def _is_unknown(value):
    return value is None or (not isinstance(value, str) and math.isnan(value))
