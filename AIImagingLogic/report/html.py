"""The follow-up report: one self-contained HTML file."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from AIImagingLogic.records.atomic_files import written_atomically
from AIImagingLogic.records.picture import Picture
from AIImagingLogic.records.resources import resource_path
from AIImagingLogic.records.timeline import Timeline
from AIImagingLogic.report.coded_terms import coded_terms
from AIImagingLogic.report.growth_plot import growth_plot_svg, plotted_lesions
from AIImagingLogic.report.lesion_rows import graded_rules, lesion_rows
from AIImagingLogic.report.models_used import models_used
from AIImagingLogic.report.organ_volumes import organ_volumes
from AIImagingLogic.report.registration_words import match_sentence, registration_sentences
from AIImagingLogic.report.response_section import ChosenResponse, response_section, sum_plot_svg
from AIImagingLogic.report.texts import Texts
from AIImagingLogic.report.visit_cells import lesion_attributes, shown_visits, step_words, visit_blocks, visit_cells
from AIImagingLogic.report.visit_facts import visit_facts
from AIImagingLogic.report.visit_interval import interval_days

_TEMPLATE = "follow_up.html.j2"


def write_report(
    timeline: Timeline,
    pictures: Sequence[Picture],
    folder: Path,
    path: Path,
    language: str = "en",
    response: ChosenResponse | None = None,
) -> None:
    """Write the report of a follow-up of 1 to 20 visits as one HTML file that needs no other file, script or network.

    It prints on A4. Cells, lesions and the table of codes hold ``data-`` attributes for machines.

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
    language
        ``en`` or ``zh`` (simplified Chinese). What the table of phrases does not have stays in English and is marked
        so (``lang="en"``); names of models, sources and codes always do.
    response
        What response criteria say, when targets were chosen.

    Raises
    ------
    LanguageError
        The reports do not have that language.
    OutputError
        The file cannot be written.
    FileNotFoundError
        A picture is missing.
    """
    html = render_report(timeline, pictures, folder, language, response)
    with written_atomically(path) as temporary:
        temporary.write_text(html, encoding="utf-8")


def render_report(
    timeline: Timeline,
    pictures: Sequence[Picture],
    folder: Path,
    language: str = "en",
    response: ChosenResponse | None = None,
) -> str:
    """Return the report as HTML; parameters as of `write_report`."""
    texts = Texts(language)
    template_folder = resource_path(f"report/{_TEMPLATE}").parent
    environment = Environment(
        loader=FileSystemLoader(template_folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["say"] = lambda text: _said(texts, text)
    environment.filters["said"] = texts.said
    style = (template_folder / "follow_up.css").read_text(encoding="utf-8")
    return environment.get_template(_TEMPLATE).render(
        t=texts,
        style=Markup(style),  # our own file, not user text
        growth_plot=Markup(growth_plot_svg(timeline, language)),  # drawn here; its text is escaped by matplotlib
        sum_plot=Markup("" if response is None else sum_plot_svg(timeline, response, language)),  # drawn here
        response=None if response is None else response_section(timeline, response),
        **_contents(timeline, pictures, folder, texts),
    )


def _said(texts: Texts, text: str) -> str | Markup:
    known = texts.known(text)
    return Markup('<span lang="en">{}</span>').format(text) if known is None else known


def _contents(timeline: Timeline, pictures: Sequence[Picture], folder: Path, texts: Texts) -> dict[str, Any]:
    rows = lesion_rows(timeline)
    embedded = [(picture, _data_uri(folder / picture.file)) for picture in pictures]
    known = {row.number for row in rows}
    count = len(timeline.visits)
    return {
        "title": texts("title_follow_up" if count > 1 else "title_one_visit"),
        "many": count > 2,
        "assessments": timeline.assessments,
        "headline": next(iter(timeline.assessments), None),
        "visits": visit_facts(timeline),
        "visit_blocks": visit_blocks(count),
        "interval_days": interval_days(timeline),
        "rows": rows,
        "cells": visit_cells(timeline),
        "columns": shown_visits(timeline),
        "steps": step_words(timeline),
        "lesion_attributes": lesion_attributes(timeline),
        "codes": coded_terms(timeline),
        "rules": graded_rules(timeline),
        "unlinked": [row for row in rows if row.status != "matched"],
        "missing": tuple(dict.fromkeys(item for entry in timeline.assessments for item in entry.missing)),
        "lesion_pictures": {
            row.number: [item for item in embedded if item[0].lesion_number == row.number] for row in rows
        },
        "overview_pictures": [item for item in embedded if item[0].lesion_number not in known],
        "plotted": len(plotted_lesions(timeline)),
        "organs": organ_volumes(timeline),
        "registrations": _registrations(timeline),
        "match_sentence": match_sentence(timeline.lesions),
        "models": models_used(timeline.provenance, texts.language),
        "provenance": timeline.provenance,
        "notes": tuple(dict.fromkeys((*timeline.notes, *timeline.provenance.notes))),
    }


def _registrations(timeline: Timeline) -> list[dict[str, Any]]:
    """Return each registration between neighbours in words; no sentences where there is none."""
    return [
        {
            "kind": "none" if registration is None else registration.kind,
            "earlier": earlier.label,
            "later": later.label,
            "sentences": () if registration is None else registration_sentences(registration),
        }
        for registration, (earlier, later) in zip(timeline.registrations, pairwise(timeline.visits))
    ]


def _data_uri(path: Path) -> str:
    return f"data:image/png;base64,{base64.b64encode(path.read_bytes()).decode('ascii')}"
