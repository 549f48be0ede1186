"""The lesions of a follow-up in a table: a row each, the one that matters most first, sorted anew by a click."""

import math
from html import escape

import qt
from slicer.i18n import tr as _

_DASH = "–"
_SWATCH_PIXELS = 12
_ROW_PIXELS = 24
_LAST = -math.inf


def _is(*words):
    return lambda lesion: _course(lesion, "") in words


# Text, and which lesions it shows.
FILTERS = (
    (_("All"), lambda lesion: True),
    (_("Growing or new"), _is("growing", "new")),
    (_("Growing"), _is("growing")),
    (_("New"), _is("new")),
    (_("Shrinking or gone"), _is("shrinking", "resolved")),
    (_("Stable"), _is("stable")),
    (_("Not evaluable"), _is("not evaluable")),
    (_("To check"), lambda lesion: lesion.to_check),
    (_("Targets"), lambda lesion: lesion.role == "target"),
)


class LesionTable:
    """Fills a table widget with lesions and tells which one was chosen.

    Parameters
    ----------
    tableWidget : qt.QTableWidget
    onChosen : callable
        Told the number of the lesion that the user clicked or moved to.
    """

    def __init__(self, tableWidget, onChosen):
        self._table = tableWidget
        self._onChosen = onChosen
        self._all = []
        self._lesions = []
        self._filter = FILTERS[0]
        self._rules = ""
        self._column, self._descending = 0, False
        self._filling = False
        header = tableWidget.horizontalHeader()
        header.setSectionsClickable(True)
        header.setHighlightSections(False)
        header.connect("sectionClicked(int)", self._onSort)
        tableWidget.verticalHeader().setVisible(False)
        tableWidget.verticalHeader().setDefaultSectionSize(_ROW_PIXELS)
        tableWidget.connect("currentCellChanged(int,int,int,int)", self._onCurrentChanged)
        tableWidget.connect("cellClicked(int,int)", self._onClicked)

    @property
    def numbers(self):
        """Numbers of the lesions, from the first row to the last."""
        return [lesion.number for lesion in self._lesions]

    @property
    def current(self):
        """Number of the chosen lesion, None when none is."""
        row = self._table.currentRow()
        return self._lesions[row].number if 0 <= row < len(self._lesions) else None

    @property
    def selected(self):
        """Numbers of all chosen lesions, in the order of the rows."""
        rows = sorted({index.row() for index in self._table.selectionModel().selectedRows()})
        return [self._lesions[row].number for row in rows if row < len(self._lesions)]

    def show(self, lesions, rules):
        """Show `lesions` (ShownLesion), graded by the guideline named `rules`; the highest grade comes first."""
        self._all = list(lesions)
        self._rules = rules
        self._column, self._descending = (_CATEGORY, True) if rules else (0, False)
        self._fill(None)

    def update(self, lesions):
        """Show the lesions as they are now; sorting, filter and the chosen one stay."""
        self._all = list(lesions)
        self._fill(self.current)

    def filterBy(self, index):
        """Show the lesions of a filter only, by its place in `FILTERS`."""
        self._filter = FILTERS[index]
        self._fill(self.current)

    def choose(self, number):
        """Choose a lesion by its number, as a click does."""
        self._table.setCurrentCell(self.numbers.index(number), 0)

    def step(self, by):
        """Choose the next (1) or the previous (-1) row; after the last comes the first."""
        if not self._lesions:
            return
        row = self._table.currentRow()
        start = row if row >= 0 else (-1 if by > 0 else 0)
        self._table.setCurrentCell((start + by) % len(self._lesions), 0)

    def _onSort(self, column):
        self._descending = not self._descending if column == self._column else column in _DESCENDING_FIRST
        self._column = column
        self._fill(self.current)

    def _onCurrentChanged(self, row, column, previousRow, previousColumn):
        if not self._filling and row != previousRow and row >= 0:
            self._onChosen(self._lesions[row].number)

    def _onClicked(self, row, column):
        # The current row too: its slices may have been moved since.
        self._onChosen(self._lesions[row].number)

    def _fill(self, chosen):
        self._lesions = [lesion for lesion in self._all if self._filter[1](lesion)]
        self._lesions.sort(key=lambda lesion: lesion.number)
        self._lesions.sort(key=lambda lesion: _COLUMNS[self._column][2](lesion, self._rules), reverse=self._descending)
        self._filling = True
        try:
            table = self._table
            table.clear()
            table.setColumnCount(len(_COLUMNS))
            table.setRowCount(len(self._lesions))
            titles = [title or self._rules.split(" ")[0] for title, _text, _key in _COLUMNS]
            titles[_SIGNAL] = next((one.signal["label"] for one in self._all if one.signal), titles[_SIGNAL])
            table.setHorizontalHeaderLabels(titles)
            # A column that says nothing of any lesion leaves its room to the others.
            table.setColumnHidden(_CATEGORY, not self._rules)
            table.setColumnHidden(_SIGNAL, not any(lesion.signal for lesion in self._all))
            table.setColumnHidden(_DOUBLING, not any(lesion.numbers["doubling_days"] for lesion in self._all))
            for row, lesion in enumerate(self._lesions):
                for column, (_title, text, _key) in enumerate(_COLUMNS):
                    item = qt.QTableWidgetItem(text(lesion, self._rules))
                    hint = _TOOL_TIPS.get(column, lambda lesion: lesion.words["reason"])(lesion)
                    item.setToolTip(f"<qt>{escape(hint)}</qt>")
                    table.setItem(row, column, item)
                table.item(row, 0).setIcon(_swatch(lesion.words["colour"]))
            # No sort arrow: it would take the room of a column.
            table.resizeColumnsToContents()
            table.horizontalHeader().setStretchLastSection(True)
            table.setCurrentCell(self.numbers.index(chosen) if chosen in self.numbers else -1, 0)
        finally:
            self._filling = False


def _swatch(colour):
    pixmap = qt.QPixmap(_SWATCH_PIXELS, _SWATCH_PIXELS)
    pixmap.fill(qt.QColor(colour))
    icon = qt.QIcon(pixmap)
    # The chosen row keeps the lesion's true colour.
    icon.addPixmap(pixmap, qt.QIcon.Selected)
    return icon


def _diameters(lesion, rules):
    before, after = (visit["mean_diameter"].removesuffix(" mm") or _DASH for visit in lesion.compared)
    return f"{before} → {after}"


def _largestDiameter(lesion, rules):
    numbers = [visit["mean_diameter"].removesuffix(" mm") for visit in lesion.compared]
    return float(next((number for number in reversed(numbers) if number), _LAST))


def _volumeChange(lesion, rules):
    percent = lesion.numbers["volume_percent"]
    if percent is None:
        return _DASH
    words = f"{percent:+.0f}%".replace("-", "\N{MINUS SIGN}")
    return f"{words} (±)" if lesion.words["within_error"] else words


def _volumeToolTip(lesion):
    words = lesion.words
    parts = [words["volume_change"], words["volume_change_interval"]]
    parts.append(_("within the measurement error") if words["within_error"] else "")
    return ", ".join(part for part in parts if part) or words["reason"]


def _course(lesion, rules):
    """What became of a lesion in one word: how it grew when it was seen twice, else its status."""
    return lesion.words["growth"] or lesion.words["status"]


def _doubling(lesion, rules):
    days = lesion.numbers["doubling_days"]
    if not days:
        return _DASH
    return _("{days} days").format(days=round(days)) if days > 0 else _("halves")


def _doublingOrder(lesion, rules):
    """Order by how fast a lesion grows; shrinking ones and those without a time come last."""
    days = lesion.numbers["doubling_days"]
    return 1 / days if days else _LAST


def _signal(lesion, rules):
    signal = lesion.signal
    if not signal:
        return _DASH
    return f"{signal['before'] or _DASH} → {signal['after'] or _DASH}"


def _signalPercent(lesion, rules):
    percent = lesion.signal.get("percent")
    return _LAST if percent is None else percent


def _category(lesion, rules):
    return lesion.words["categories"].get(rules) or _DASH


def _percent(lesion, rules):
    percent = lesion.numbers["volume_percent"]
    return _LAST if percent is None else percent


_ROLES = {"target": _("T"), "non-target": _("NT"), "": _DASH}

# Title (none: the guideline's name), text and sort key of each column.
_COLUMNS = (
    (_("No."), lambda lesion, rules: str(lesion.number), lambda lesion, rules: lesion.number),
    ("", _category, lambda lesion, rules: lesion.words["categories"].get(rules) or ""),
    (_("Course"), _course, _course),
    (_("Size, mm"), _diameters, _largestDiameter),
    (_("Volume"), _volumeChange, _percent),
    (_("Doubling"), _doubling, _doublingOrder),
    (_("Signal"), _signal, _signalPercent),
    (_("Role"), lambda lesion, rules: _ROLES[lesion.role], lambda lesion, rules: lesion.role),
)
_CATEGORY, _VOLUME, _DOUBLING, _SIGNAL = 1, 4, 5, 6
_TOOL_TIPS = {_VOLUME: _volumeToolTip, _SIGNAL: lambda lesion: "; ".join(lesion.signal.get("words", ()))}
_DESCENDING_FIRST = (1, 3, 4, 5, 6)
