"""Reports in English and Chinese: the same facts, every text in both, and nothing half translated."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path

import pytest
from hand_made_timeline import hand_made_timeline
from many_visits_report import many_visits

from AIImagingLogic.followup.criteria.assess import assess_response
from AIImagingLogic.followup.criteria.from_timeline import baseline_lesions, facts_from_timeline
from AIImagingLogic.followup.criteria.target_choice import propose_targets
from AIImagingLogic.models.catalogue import model_card
from AIImagingLogic.records.resources import load_resource, resource_path
from AIImagingLogic.report.html import render_report
from AIImagingLogic.report.phrases import said_in_chinese
from AIImagingLogic.report.response_section import ChosenResponse
from AIImagingLogic.report.texts import LANGUAGES, LanguageError, Texts

NUMBER = re.compile(r"\d+(?:\.\d+)?")
# Names, units and ids that a Chinese report keeps; whatever stands in <code> and <cite> is a code or a source.
KEPT = set(
    re.findall(
        r"\S+",
        "mm ml HU CT MR PET AI Imaging SHA UCUM GB UID Lung RADS v Fleischner RECIST MILD PR SD PD CR NE A B S X "
        "elastix LIDC IDRI Dice python m Testing Benchmarks Training real_ct json Python test_ct_lungs py nodule_score "
        "demo_truth FLAIR T test_registration_deformable mg d",
    )
)


def response_of(timeline):
    lesions = baseline_lesions(timeline)
    choice = propose_targets(lesions, "recist-1.1", 1.25)
    return ChosenResponse(choice, assess_response(facts_from_timeline(timeline, choice), "recist-1.1"))


def visible(html: str) -> str:
    """Return the words that a reader sees, codes and sources left out."""
    body = html[html.index("<body>") :]
    body = re.sub(r"<(code|cite|style)[^>]*>.*?</\1>", " ", body, flags=re.S)
    labels = " ".join(re.findall(r'(?:alt|aria-label)="([^"]*)"', body))
    return unescape(re.sub(r"<[^>]+>", " ", body) + labels)


def numbers(text: str) -> set[str]:
    return set(NUMBER.findall(text))


def test_every_text_is_there_in_both_languages_with_the_same_places():
    texts = load_resource("report/texts.json")["texts"]
    for key, entry in texts.items():
        assert set(entry) == set(LANGUAGES), key
        places = [sorted(re.findall(r"\{\w+\}", entry[language])) for language in LANGUAGES]
        assert places[0] == places[1], key
        assert all(entry[language].strip() for language in LANGUAGES), key


def test_every_text_that_the_template_asks_for_is_there():
    asked = re.findall(r"""\bt\(["'](\w+)["']""", resource_path("report/follow_up.html.j2").read_text("utf-8"))
    assert len(asked) > 80
    assert set(asked) <= set(load_resource("report/texts.json")["texts"])


def test_a_chinese_sentence_has_every_place_of_the_english_one():
    for entry in load_resource("report/phrases_zh.json")["sentences"]:
        english = re.findall(r"\{(\w+)[#&!]?\}", entry["en"])
        assert sorted(english) == sorted(re.findall(r"\{(\w+)\}", entry["zh"])), entry["en"]


@pytest.mark.parametrize("name", ["lung_rads_2022", "fleischner_2017", "recist_1_1", "irecist", "bts_2015", "nelson"])
def test_every_row_of_the_rule_tables_is_said_in_chinese_with_the_same_numbers(name):
    rows = load_resource(f"rules/{name}.json")["rows"]
    flat = [row for part in rows.values() for row in part] if isinstance(rows, dict) else rows
    for row in flat:
        for field in ("text", "category", "next_step"):
            english = row.get(field) or ""
            chinese = said_in_chinese(english)
            assert chinese is not None, english
            assert numbers(chinese) == numbers(english), english


def test_every_label_of_measurements_and_status_is_said_in_chinese():
    labels = [entry["label"] for entry in load_resource("measurements.json")["measurements"].values()]
    assert [label for label in labels if said_in_chinese(label) is None] == []


@pytest.mark.parametrize("many", [True, False])
def test_no_english_word_is_left_in_a_chinese_report_of_what_the_program_says(many, tmp_path):
    timeline = many_visits()
    html = render_report(timeline, [], tmp_path, "zh", response_of(timeline) if many else None)
    left = sorted(set(re.findall(r"[A-Za-z_]+", visible(html))) - KEPT)
    assert left == []
    assert '<html lang="zh-CN">' in html
    assert 'lang="en"' not in html
    for term in ("实性结节", "部分实性结节", "磨玻璃结节", "倍增时间", "随访 5", "新发", "消失", "无法评估"):
        assert term in html


def test_the_figures_of_both_languages_are_the_same(tmp_path):
    timeline = many_visits()
    english, chinese = (
        render_report(timeline, [], tmp_path, language, response_of(timeline)) for language in LANGUAGES
    )
    ours = re.compile(r'<td class="number.*?</td>', re.S)
    for before, after in zip(ours.findall(english), ours.findall(chinese), strict=True):
        assert NUMBER.findall(visible(f"<body>{before}")) == NUMBER.findall(visible(f"<body>{after}"))
    assert re.findall(r'data-[a-z-]+="[^"]*"', english) == re.findall(r'data-[a-z-]+="[^"]*"', chinese)


def test_what_cannot_be_translated_stays_in_english_and_is_marked_so(tmp_path):
    html = render_report(hand_made_timeline(), [], tmp_path, "zh")
    assert '<span lang="en">Scene not written: the host is not installed.</span>' in html
    assert "=Linked &lt;i&gt;by hand&lt;/i&gt;" in html


@pytest.mark.parametrize("name", sorted(load_resource("report/cards_zh.json")["cards"]))
def test_a_translated_card_is_of_the_installed_version_and_has_its_figures(name):
    said, card = load_resource("report/cards_zh.json")["cards"][name], model_card(name)
    assert said["version"] == card.version, "translate the new card, or take the old translation out"
    assert len(said["limits"]) == len(card.limits)
    for field in ("intended_use", "tested_on", "training_data"):
        assert numbers(said[field]) >= numbers(getattr(card, field)), field
    for chinese, english in zip(said["limits"], card.limits):
        assert numbers(chinese) == numbers(english)


def test_a_language_that_is_not_there_is_refused_with_advice(tmp_path: Path):
    with pytest.raises(LanguageError, match="'fr'") as caught:
        render_report(many_visits(), [], tmp_path, "fr")
    assert "en or zh" in str(caught.value)


@pytest.mark.parametrize(
    "english",
    [
        "Its outline at the earlier visit (500 mm³) holds 2 findings of the later one (together 300 mm³).",
        "Linked by the user, 3.2 mm from where the registration expects it.",
        "Marked as resolved by the user.",
        "Cannot be called new: its place lies 6 mm outside the image of the baseline.",
        "Found 1.5 mm from where the registration expects it (tolerance 3.0 mm), but the reading with 'Nodule 4' of "
        "the follow-up 2 is nearly as good; last seen at the follow-up 1.",
        "There is no registration between the baseline and the follow-up 12.",
        "Volume 100 to 130 mm³ (+30%, 95% interval +3 to +57%), beyond the measurement error (±27%, MILD trial); mean "
        "diameter +0.8 mm. No doubling time: the visits are not dated or of the same time.",
    ],
)
def test_reasons_that_links_and_corrections_give_are_said_with_all_their_figures(english):
    chinese = said_in_chinese(english)
    assert chinese is not None
    assert sorted(NUMBER.findall(chinese)) == sorted(NUMBER.findall(english))
    assert set(re.findall(r"[A-Za-z]+", chinese)) <= {"mm", "MILD"}


def test_words_are_never_guessed():
    assert said_in_chinese("The nodule is probably benign.") is None
    assert said_in_chinese("Found 2.5 mm from where the registration expects it (tolerance 3.0 mm). Quite odd.") is None
    assert Texts("zh").said("Quite odd.") == "Quite odd."
    assert json.loads(json.dumps(said_in_chinese("follow-up 12"))) == "随访 12"
