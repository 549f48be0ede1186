"""The table node of findings as rows of the panel's list."""

import re

from AIImagingLib.findings_table import TableColumn, TableRow
from slicer.i18n import tr as _


def finding_columns():
    """Return the columns of the list, without the last one, which is the review."""
    return [
        TableColumn(_("#"), _("Number of the finding, and the colour of its outline"), 0),
        TableColumn(_("Lung third"), _("Side of the lung and its third: upper, middle or lower")),
        TableColumn(_("Type"), _("Attenuation")),
        TableColumn(_("Ø mm"), _("Mean of long and short axis on the axial slice, in mm")),
        TableColumn(_("mm³"), _("Volume in mm³"), 0),
        TableColumn(_("Score"), _("How sure the detector is, 0 to 1. No probability of malignancy."), 2, 0.99),
    ]


def state_column():
    """Return the column of the review."""
    return TableColumn(_("Review"), _("What a person said of the finding"))


def state_texts():
    """Return what is shown for each review state."""
    return {
        "unreviewed": _("to review"),
        "accepted": _("accepted"),
        "rejected": _("rejected"),
        "edited": _("edited"),
    }


def finding_rows(table, colours):
    """Return a row for each finding of a table node.

    Parameters
    ----------
    table : vtkMRMLTableNode
        Made by `findings_table_node`.
    colours : dict
        RGB 0..255 by the uid of the finding.
    """
    columns = TableColumns(table)
    rows = []
    for row in range(table.GetNumberOfRows()):
        uid = columns.text("UID", row)
        place = f"{columns.text('Side', row)} {columns.text('Third', row)}".strip()
        cells = (
            _number(columns.text("Name", row), row + 1),
            place,
            columns.text("Attenuation", row),
            columns.number("Mean diameter", row),
            columns.number("Volume", row),
            columns.number("Score", row),
        )
        rows.append(TableRow(uid, cells, colours.get(uid)))
    return rows


def finding_states(table):
    """Return the review state of each finding, by its uid."""
    columns = TableColumns(table)
    return {columns.text("UID", row): columns.text("Review", row) for row in range(table.GetNumberOfRows())}


class TableColumns:
    """The columns of a table node by name; a cell of one that is missing is empty, or not known."""

    def __init__(self, table):
        content = table.GetTable()
        found = (content.GetColumn(number) for number in range(content.GetNumberOfColumns()))
        self._columns = {column.GetName(): column for column in found}

    @property
    def names(self):
        return list(self._columns)

    def text(self, name, row):
        column = self._columns.get(name)
        return "" if column is None or not column.IsA("vtkStringArray") else column.GetValue(row)

    def number(self, name, row):
        """Return the number, None when it is not known."""
        column = self._columns.get(name)
        if column is None or column.IsA("vtkStringArray"):
            return None
        value = column.GetValue(row)
        return None if value != value else value


def _number(name, otherwise):
    """Return the number in a name such as ``Lesion 3``, by which the views call the finding."""
    found = re.search(r"(\d+)$", name)
    return int(found.group()) if found else otherwise
