"""Pictures of the report: its first page in English and a page in Chinese, and the plots of a made-up cohort.

python -m Testing.Pictures.report [FOLDER]

The pages are laid out for print by WeasyPrint and drawn by PyMuPDF (pip install weasyprint pymupdf), with whatever
Chinese font the computer has. The follow-up is that of the tests, the cohort is made up: no patient is shown.
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
from pathlib import Path

import pymupdf
import weasyprint
from PIL import Image

from AIImagingLogic.report.html import render_report
from AIImagingLogic.report.response_plots import BestChange, ChangeOverTime, spider_svg, waterfall_svg

_ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(_ROOT / "Testing" / "Python"))

from many_visits_report import many_visits  # noqa: E402 - the tests' folder is no package
from test_report_languages import response_of  # noqa: E402

_BEST = (-100, -72, -55, -48, -41, -33, -30, -22, -15, -9, -4, 0, 6, 14, 24, 38, 61, 130)
_COURSES = ((-20, -45, -60, -72), (-10, -33, -35), (5, 2, -8, -12), (18, 44), (-35, -40, -20, 10), (-60, -100, -100))
_DAYS = (56.0, 112.0, 170.0, 230.0)
_DPI = 75


def main() -> None:
    """Draw the pages and the plots."""
    parser = argparse.ArgumentParser(prog="python -m Testing.Pictures.report", description=__doc__)
    parser.add_argument("output", nargs="?", type=Path, default=_ROOT / "Docs" / "Pictures")
    output = parser.parse_args().output
    timeline = many_visits()
    response = response_of(timeline)
    pages = []
    with tempfile.TemporaryDirectory() as folder:
        for language, page in (("en", 0), ("zh", 2)):
            html = render_report(timeline, [], Path(folder), language, response)
            pages.append(_page(html, page))
    sheet = Image.new("RGB", (sum(page.width for page in pages) + 12, pages[0].height), "#9aa5b1")
    sheet.paste(pages[0], (0, 0))
    sheet.paste(pages[1], (pages[0].width + 12, 0))
    sheet.save(output / "report_pages.png", optimize=True)
    best = [BestChange(f"P{index:02}", value, _response(value)) for index, value in enumerate(_BEST)]
    (output / "report_waterfall.svg").write_text(waterfall_svg(best), encoding="utf-8")
    courses = [
        ChangeOverTime(
            f"P{index:02}", _DAYS[: len(values)], values, "PD" if values[-1] > 20 else _response(min(values))
        )
        for index, values in enumerate(_COURSES)
    ]
    (output / "report_spider.svg").write_text(spider_svg(courses), encoding="utf-8")


def _page(html: str, number: int) -> Image.Image:
    document = pymupdf.open(stream=weasyprint.HTML(string=html).write_pdf(), filetype="pdf")
    return Image.open(io.BytesIO(document[number].get_pixmap(dpi=_DPI).tobytes("png")))


def _response(percent: float) -> str:
    return "CR" if percent <= -100 else "PR" if percent <= -30 else "PD" if percent >= 20 else "SD"


if __name__ == "__main__":
    main()
