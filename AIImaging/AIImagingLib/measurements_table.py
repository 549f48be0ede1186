"""A table node of measurements in a table view: units in the headers, no more digits than were measured."""

import qt

_ROW_MARGIN = 6


class MeasurementsTable:
    """Fills a table view; Slicer's own shows six digits and no unit.

    Parameters
    ----------
    tableView : qt.QTableView
    """

    def __init__(self, tableView):
        self._model = qt.QStandardItemModel(0, 0)
        tableView.setModel(self._model)
        tableView.selectionBehavior = qt.QAbstractItemView.SelectRows
        tableView.editTriggers = qt.QAbstractItemView.NoEditTriggers
        tableView.alternatingRowColors = True
        tableView.wordWrap = False
        tableView.verticalHeader().hide()
        tableView.verticalHeader().setDefaultSectionSize(tableView.fontMetrics().height() + _ROW_MARGIN)
        tableView.horizontalHeader().highlightSections = False
        tableView.horizontalHeader().stretchLastSection = True
        self._view = tableView

    def show(self, table):
        """Show a table node made by `measurements_table_node`; None: nothing."""
        self._model.setRowCount(0)
        self._model.setColumnCount(0)
        if table is None:
            return
        content = table.GetTable()
        self._model.setRowCount(content.GetNumberOfRows())
        self._model.setColumnCount(content.GetNumberOfColumns())
        for position in range(content.GetNumberOfColumns()):
            column = content.GetColumn(position)
            self._fill(position, column, table.GetColumnUnitLabel(column.GetName()))
        self._view.resizeColumnsToContents()

    def _fill(self, position, column, unit):
        from AIImagingLogic.report.number_format import rounded, unit_label

        label = unit_label(unit)
        # The unit goes below the name: a panel is narrow.
        title = f"{column.GetName()}\n{label}" if label else column.GetName()
        self._model.setHeaderData(position, qt.Qt.Horizontal, title)
        digits = _digits(column.GetName(), unit)
        for row in range(column.GetNumberOfValues()):
            value = column.GetValue(row)
            index = self._model.index(row, position)
            if isinstance(value, str):
                self._model.setData(index, value, qt.Qt.DisplayRole)
                continue
            text = "–" if value != value else rounded(value, digits)
            self._model.setData(index, text, qt.Qt.DisplayRole)
            self._model.setData(index, int(qt.Qt.AlignRight) | int(qt.Qt.AlignVCenter), qt.Qt.TextAlignmentRole)


def _digits(label, unit):
    """Return the decimals of the measurement with that label and unit."""
    from AIImagingLogic.records.resources import load_resource

    entries = load_resource("measurements.json")["measurements"].values()
    found = (entry["digits"] for entry in entries if entry["label"] == label and entry["unit"] == unit)
    return next(found, 1)
