"""The files of a change table that was signed off: report, tables and the result itself, as one job of the panel."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from AIImagingLogic.cli.asked_response import RESPONSE_FILE
from AIImagingLogic.cli.output_folder import whole_folder
from AIImagingLogic.followup.criteria.facts import FactsError
from AIImagingLogic.records.json_form import save_record
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.timeline import Timeline
from AIImagingLogic.report.chosen_response import chosen_response
from AIImagingLogic.report.csv_tables import write_changes_csv, write_findings_csv
from AIImagingLogic.report.html import write_report
from AIImagingLogic.report.timeline_csv import write_timeline_csv

_PAIR = 2


def write_signed_off(
    timeline: Timeline,
    folder: str,
    who: str,
    when: str,
    progress: Progress | None = None,
    rules: str = "",
    targets: Sequence[int] | None = None,
    non_targets: Sequence[int] | None = None,
) -> Timeline:
    """Write report.html, changes.csv, a table of findings for each visit and result.json into a new folder.

    With `rules` the response to treatment stands in the report, and in response.json for `read_responses`.

    Parameters
    ----------
    timeline : as corrected; its images and transforms are not needed
    folder : a new folder is made in it; it is not named in the result
    who : signed it off; may be empty
    when : ISO text
    progress : told how far the work is
    rules : id of response criteria; empty: none
    targets, non_targets : as of `chosen_response`

    Returns
    -------
    Timeline
        With a first note that says who reviewed it and when; the last one names the new folder. A response that the
        criteria cannot give is a note too.

    Raises
    ------
    OutputError
        The files could not be written; none is left behind.
    """
    progress = progress or Progress()
    parameters = {**timeline.provenance.parameters, "signed_off_by": who, "signed_off_at": when}
    signed = dataclasses.replace(
        timeline,
        notes=(signed_off_note(who, when), *timeline.notes),
        provenance=dataclasses.replace(timeline.provenance, parameters=parameters),
    )
    response = None
    if rules:
        try:
            response = chosen_response(signed, rules, targets, non_targets)
        except FactsError as error:
            signed = dataclasses.replace(signed, notes=(*signed.notes, f"No response to treatment: {error}"))
    target = _free(Path(folder), f"AI follow-up signed off {datetime.now():%Y-%m-%d %H.%M.%S}")
    with progress.stage("Report and tables", 0.0, 1.0), whole_folder(target, overwrite=False) as temporary:
        for visit in signed.visits:
            name = visit.label.replace("-", "").replace(" ", "_")
            write_findings_csv(visit, temporary / f"findings_{name}.csv")
        write = write_changes_csv if len(signed.visits) == _PAIR else write_timeline_csv
        write(signed, temporary / "changes.csv")
        save_record(signed, temporary / "result.json")
        if response is not None:
            save_record(response, temporary / RESPONSE_FILE)
        write_report(signed, (), temporary, temporary / "report.html", response=response)
    return dataclasses.replace(signed, notes=(*signed.notes, f"The files are in '{target.name}' in the output folder."))


def signed_off_note(who: str, when: str) -> str:
    """Return in a sentence who reviewed a change table and when."""
    date = when.replace("T", " ")[:16]
    return f"Reviewed by {who}, {date}." if who else f"Reviewed, {date}."


def _free(folder: Path, name: str) -> Path:
    """Return a path in `folder` that is not taken: two tables may be signed in the same second."""
    target, number = folder / name, 2
    while target.exists():
        target, number = folder / f"{name} ({number})", number + 1
    return target
