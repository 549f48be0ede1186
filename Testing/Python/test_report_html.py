"""The HTML report: complete, self-contained, safe, readable."""

from __future__ import annotations

import dataclasses
import re
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hand_made_timeline import BASELINE_DATE, PATIENT_UID, hand_made_timeline

from AIImagingLogic.models.catalogue import model_card
from AIImagingLogic.records.errors import OutputError
from AIImagingLogic.records.picture import Picture
from AIImagingLogic.report.html import render_report, write_report

# The smallest PNG: one grey pixel.
PIXEL_PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010800000000"
    "3a7e9b550000000a49444154789c636000000002000148afa4710000000049454e44ae426082"
)


class _Page(HTMLParser):
    """Collects what the tests ask of a page: tags with attributes, text, and whether every tag is closed."""

    VOID = {"meta", "br", "img"}

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.style = ""

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag
        if tag in ("th", "td"):
            self.text += " "

    def handle_data(self, data):
        if self.open and self.open[-1] == "style":
            self.style += data
        elif self.open:
            self.text += data

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


def _page(html: str) -> _Page:
    page = _Page()
    page.feed(html)
    page.text = re.sub(r"\s+", " ", page.text)
    return page


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "lesion_01.png").write_bytes(PIXEL_PNG)
    return tmp_path


@pytest.fixture
def page(folder: Path) -> _Page:
    pictures = [
        Picture("pictures/lesion_01.png", "Lesion 1 in three planes.", 1),
        Picture("pictures/lesion_01.png", "Both lungs."),
    ]
    write_report(hand_made_timeline(), pictures, folder, folder / "report.html")
    return _page((folder / "report.html").read_text(encoding="utf-8"))


def test_report_needs_nothing_but_itself(page):
    assert not page.open
    assert not page.all("script") and not page.all("link") and not page.all("iframe")
    assert len(page.all("img")) == 2
    assert all(image["src"].startswith("data:image/png;base64,") for image in page.all("img"))
    policy = next(meta["content"] for meta in page.all("meta") if meta.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'")
    assert page.style and not re.search(r"url\(|@import", page.style)


def test_report_opens_with_the_category_its_reason_its_row_and_the_next_step(page):
    conclusion = page.text[page.text.index("Conclusion") : page.text.index("Visits")]
    for words in (
        "Lung-RADS v2022 4B",
        "Diagnostic work-up",
        "growing and 11.2 mm",
        "solid-growing-8",
        "Fleischner 2017",
    ):
        assert words in conclusion
    assert conclusion.count("Symptoms of infection") == 1  # asked by both guidelines, said once


def test_report_shows_every_lesion_with_units_change_uncertainty_and_status(page):
    table = page.text[page.text.index("Lesions and their change") : page.text.index("New, resolved or not evaluable")]
    for words in (
        "8.1 mm",
        "8.9 × 7.3 mm",
        "278 mm³",
        "95%: 222–334",
        "+457 mm³ (+164%)",
        "95%: +126 to +202%",
        "doubles in 128 days",
        "halves in 206 days",
        "95%: 120 or more",
        "within error",
        "ground-glass → part-solid",
        "−612 HU",
        "not seen where expected",
        "not evaluable",
    ):
        assert words in table
    unlinked = page.text[page.text.index("New, resolved or not evaluable") : page.text.index("Each lesion")]
    assert (
        "4 new." in unlinked and "5 resolved." in unlinked and "12 mm outside the follow-up's field of view" in unlinked
    )


def test_lung_volumes_follow_from_the_labels_and_the_spacing(page):
    # 48 and 32 voxels of 1 ml; at the follow-up each edge is 1.02 longer: 1.02 ** 3 = 1.061.
    quality = page.text[page.text.index("Lungs and registration") :]
    assert re.search(r"Right lung 48 ml 51 ml \+6%", quality)
    assert re.search(r"Left lung 32 ml 34 ml \+6%", quality)
    assert "0.41 before, 0.87 after" in quality and "0.34 mm" in quality
    assert "median; at most 2.9 mm" in quality


def test_report_names_models_with_limits_and_says_research_use(page):
    assert "Research use; not a medical device." in page.text
    assert "unknown-detector 9.9" in page.text and "no card of this version" in page.text
    assert "31.2" in page.text and "1.87 GB" in page.text and "not measured" in page.text


def test_limits_of_the_installed_card_are_shown_only_for_the_version_that_made_the_result(folder):
    timeline = hand_made_timeline()
    card = model_card("ct-lungs")

    def text(version: str) -> str:
        use = dataclasses.replace(timeline.provenance.models[0], version=version)
        provenance = dataclasses.replace(timeline.provenance, models=(use,))
        return _page(render_report(dataclasses.replace(timeline, provenance=provenance), [], folder)).text

    assert all(limit in text(card.version) for limit in card.limits)
    assert not any(limit in text("0.0.0-other") for limit in card.limits)


def test_texts_of_the_input_are_never_markup(page):
    assert "=Linked <i>by hand</i>" in page.text
    assert "B60f <sharp>" in page.text
    assert not page.all("i") and not page.all("sharp")


def test_report_holds_no_identifiers(folder):
    html = render_report(hand_made_timeline(), [], folder)
    assert PATIENT_UID not in html


def test_tables_and_pictures_can_be_read_out(page):
    assert all(header.get("scope") in ("col", "row") for header in page.all("th"))
    assert [image["alt"] for image in page.all("img")] == ["Both lungs.", "Lesion 1 in three planes."]
    assert any(figure.get("role") == "img" and figure.get("aria-label") for figure in page.all("figure"))


def test_growth_plot_is_inline_svg_and_the_same_each_time(folder):
    first, second = (render_report(hand_made_timeline(), [], folder) for _ in range(2))
    assert first == second
    svg = first[first.index("<svg") : first.index("</svg>") + 6]
    root = ElementTree.fromstring(svg)
    # What refers to other files would be fetched; references inside the drawing begin with '#'.
    links = [value for element in root.iter() for name, value in element.attrib.items() if name.endswith("href")]
    assert links and all(link.startswith("#") for link in links)


def test_report_without_lesions_dates_pictures_or_rules_says_so(folder):
    timeline = hand_made_timeline()
    undated = tuple(
        dataclasses.replace(visit, info=dataclasses.replace(visit.info, acquired=None), organs=None, findings=())
        for visit in timeline.visits
    )
    empty = dataclasses.replace(timeline, visits=undated, lesions=(), assessments=(), registrations=(), notes=())
    text = _page(render_report(empty, [], folder)).text
    assert "No lesion was found at either visit." in text
    assert "No guideline was applied." in text
    assert "interval unknown" in text and "undated" in text


def test_undated_visits_are_still_plotted(folder):
    timeline = hand_made_timeline()
    visits = tuple(
        dataclasses.replace(visit, info=dataclasses.replace(visit.info, acquired=None)) for visit in timeline.visits
    )
    html = render_report(dataclasses.replace(timeline, visits=visits), [], folder)
    assert "<svg" in html and f"{BASELINE_DATE:%Y-%m-%d}" not in html


def test_nothing_is_left_when_the_report_cannot_be_written(folder):
    (folder / "taken").mkdir()
    (folder / "taken" / "file").write_text("")
    with pytest.raises(OutputError):
        write_report(hand_made_timeline(), [], folder, folder / "taken")
    assert sorted(path.name for path in folder.iterdir()) == ["pictures", "taken"]


def test_one_visit_alone_is_reported_without_change_or_interval(folder):
    timeline = hand_made_timeline()
    lesions = tuple(
        dataclasses.replace(lesion, observations=lesion.observations[:1], expected_mm=(None,), changes=(), growth=None)
        for lesion in timeline.lesions
        if lesion.observations[0]
    )
    alone = dataclasses.replace(timeline, visits=timeline.visits[:1], registrations=(), lesions=lesions)
    page = _page(render_report(alone, [], folder))
    assert "Lung nodules Baseline 2024-01-10" in page.text and "8.1 mm" in page.text
    assert "interval unknown" not in page.text and "New, resolved" not in page.text


def test_a_shown_change_is_the_difference_of_the_shown_values(folder):
    timeline = hand_made_timeline()
    lesion = timeline.lesions[0]
    # 15.54 and 18.26 are shown as 15.5 and 18.3: a reader who subtracts finds 2.8, not the 2.7 of the unrounded values.
    change = dataclasses.replace(lesion.change("mean_diameter"), before=15.54, after=18.26, absolute=2.72)
    lesions = (dataclasses.replace(lesion, changes=(change,)),)
    text = _page(render_report(dataclasses.replace(timeline, lesions=lesions), [], folder)).text
    assert "+2.8 mm" in text and "+2.7 mm" not in text


def test_a_long_answer_of_a_guideline_stands_at_its_lesion_and_a_grade_in_the_table(folder):
    timeline = hand_made_timeline()
    lung_rads, fleischner = timeline.assessments
    answers = dataclasses.replace(fleischner, by_lesion={"1": "CT at 3 months, then at 18 months"})
    text = _page(render_report(dataclasses.replace(timeline, assessments=(lung_rads, answers)), [], folder)).text
    table, lesions = text[text.index("Lesions and their") : text.index("Growth")], text[text.index("Each lesion") :]
    assert "Lung-RADS v2022" in table and "Fleischner" not in table
    assert "Fleischner 2017: CT at 3 months, then at 18 months" in lesions
