"""The follow-up report: one self-contained HTML file."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from AIImagingLogic.records.atomic_files import written_atomically
from AIImagingLogic.records.picture import Picture
from AIImagingLogic.records.resources import resource_path
from AIImagingLogic.records.timeline import Timeline
from AIImagingLogic.report.growth_plot import growth_plot_svg, plotted_lesions
from AIImagingLogic.report.lesion_rows import graded_rules, lesion_rows
from AIImagingLogic.report.models_used import models_used
from AIImagingLogic.report.organ_volumes import organ_volumes
from AIImagingLogic.report.registration_words import match_sentence, registration_sentences
from AIImagingLogic.report.visit_facts import visit_facts
from AIImagingLogic.report.visit_interval import interval_days

_TEMPLATE = "follow_up.html.j2"


def write_report(timeline: Timeline, pictures: Sequence[Picture], folder: Path, path: Path) -> None:
    """Write the report of a follow-up as one HTML file that needs no other file, script or network.

    Parameters
    ----------
    timeline
        What to report.
    pictures
        Rendered pictures; a lesion's pictures stand at the lesion, the others as overview.
    folder
        Where `Picture.file` is relative to.
    path
        The file to write.

    Raises
    ------
    OutputError
        The file cannot be written.
    FileNotFoundError
        A picture is missing.
    """
    html = render_report(timeline, pictures, folder)
    with written_atomically(path) as temporary:
        temporary.write_text(html, encoding="utf-8")


def render_report(timeline: Timeline, pictures: Sequence[Picture], folder: Path) -> str:
    """Return the report as HTML; parameters as of `write_report`."""
    template_folder = resource_path(f"report/{_TEMPLATE}").parent
    environment = Environment(
        loader=FileSystemLoader(template_folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = (template_folder / "follow_up.css").read_text(encoding="utf-8")
    return environment.get_template(_TEMPLATE).render(
        style=Markup(style),  # our own file, not user text
        growth_plot=Markup(growth_plot_svg(timeline)),  # drawn here; its text is escaped by matplotlib
        **_contents(timeline, pictures, folder),
    )


def _contents(timeline: Timeline, pictures: Sequence[Picture], folder: Path) -> dict[str, Any]:
    rows = lesion_rows(timeline)
    embedded = [(picture, _data_uri(folder / picture.file)) for picture in pictures]
    known = {row.number for row in rows}
    return {
        "title": "Lung nodule follow-up" if len(timeline.visits) > 1 else "Lung nodules",
        "assessments": timeline.assessments,
        "headline": next(iter(timeline.assessments), None),
        "visits": visit_facts(timeline),
        "interval_days": interval_days(timeline),
        "rows": rows,
        "rules": graded_rules(timeline),
        "unlinked": [row for row in rows if row.status != "matched"],
        "missing": tuple(dict.fromkeys(item for entry in timeline.assessments for item in entry.missing)),
        "lesion_pictures": {
            row.number: [item for item in embedded if item[0].lesion_number == row.number] for row in rows
        },
        "overview_pictures": [item for item in embedded if item[0].lesion_number not in known],
        "plotted": len(plotted_lesions(timeline)),
        "organs": organ_volumes(timeline),
        "registrations": [
            (registration.kind, registration_sentences(registration))
            for registration in timeline.registrations
            if registration is not None
        ],
        "match_sentence": match_sentence(timeline.lesions),
        "models": models_used(timeline.provenance),
        "provenance": timeline.provenance,
        "notes": tuple(dict.fromkeys((*timeline.notes, *timeline.provenance.notes))),
    }


def _data_uri(path: Path) -> str:
    return f"data:image/png;base64,{base64.b64encode(path.read_bytes()).decode('ascii')}"
