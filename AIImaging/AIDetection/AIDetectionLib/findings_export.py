"""Findings of a scene with their review as CSV, in the columns that the command line writes."""

from pathlib import Path
from types import SimpleNamespace

from AIDetectionLib.finding_rows import TableColumns


def export_findings(points, path):
    """Write the findings of a point list; see `AIDetectionLogic.exportFindings`."""
    from AIImagingLogic.records.errors import SceneError
    from AIImagingLogic.report.csv_tables import write_findings_csv
    from AIImagingLogic.scene.finding_view import FindingView

    view = FindingView.from_nodes(points)
    if view.table is None or view.table.GetScene() is None:
        raise SceneError(f"The table of '{points.GetName()}' was removed.", "Run the detection again.")
    columns = TableColumns(view.table)
    findings = tuple(finding_of_row(columns, row) for row in range(view.table.GetNumberOfRows()))
    write_findings_csv(SimpleNamespace(findings=findings), Path(path))


def finding_of_row(columns, row):
    """Return the finding of a row of a table of findings, without outline and without the size of its box."""
    from AIImagingLogic.records.boxes import OrientedBox
    from AIImagingLogic.records.coding import concept
    from AIImagingLogic.records.finding import Finding, ReviewStatus

    centre = tuple(columns.number(f"Centre {axis}", row) for axis in "LPS")
    words = {name.lower(): columns.text(name, row) for name in ("Attenuation", "Side", "Third", "Contact")}
    return Finding(
        uid=columns.text("UID", row),
        name=columns.text("Name", row),
        # Neither size nor axes of the box are in the file.
        box=OrientedBox(centre, (1.0, 1.0, 1.0)),
        score=columns.number("Score", row),
        concept=concept("lung-nodule"),
        measurements=_measurements(columns, row),
        descriptors={name: word for name, word in words.items() if word},
        review=ReviewStatus(columns.text("Review", row)),
    )


def _measurements(columns, row):
    from AIImagingLogic.records.measurement import measurement
    from AIImagingLogic.records.resources import load_resource

    found = {}
    for name, entry in load_resource("measurements.json")["measurements"].items():
        # 'Volume' is the label of a lesion's volume and of an organ's; the lesion's comes first.
        value = columns.number(entry["label"], row)
        if value is not None:
            found.setdefault(entry["label"], measurement(name, value))
    return tuple(found.values())
