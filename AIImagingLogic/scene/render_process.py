"""The process that draws pictures, apart from the program: a fault of the graphics driver ends it alone.

``python -m AIImagingLogic.scene.render_process REQUEST.json FOLDER`` draws into FOLDER and prints each file's name.
"""

from __future__ import annotations

import sys
from pathlib import Path

from AIImagingLogic.records.errors import AIImagingError
from AIImagingLogic.records.json_form import load_record
from AIImagingLogic.scene.picture_request import PictureRequest


def main(arguments: list[str]) -> int:
    """Draw what the request file asks for. Returns 0, or an error's exit code after its line on standard error."""
    request = load_record(PictureRequest, Path(arguments[0]))
    folder = Path(arguments[1])
    try:
        _draw(request, folder)
    except AIImagingError as error:
        sys.stderr.write(f"{error.what}\n")
        return error.exit_code
    return 0


def _draw(request: PictureRequest, folder: Path) -> None:
    from AIImagingLogic.scene.lesion_sheet import LesionSheets
    from AIImagingLogic.scene.overview_sheet import draw_overview

    if request.overview is not None:
        draw_overview(request.overview, folder / request.overview.file)
        _tell(request.overview.file)
    sheets = LesionSheets() if request.lesions else None
    for picture in request.lesions:
        assert sheets is not None
        sheets.draw(picture, folder / picture.file)
        _tell(picture.file)


def _tell(file: str) -> None:
    sys.stdout.write(f"{file}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
