"""Pictures of a follow-up, drawn by Slicer's displayable managers in a process of their own."""

from __future__ import annotations

import contextlib
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import SimpleITK as sitk

from AIImagingLogic.records.atomic_files import make_folder, written_atomically
from AIImagingLogic.records.errors import SceneError
from AIImagingLogic.records.json_form import save_record
from AIImagingLogic.records.picture import Picture
from AIImagingLogic.records.progress import Progress
from AIImagingLogic.records.timeline import Lesion, Timeline
from AIImagingLogic.scene.display_window import display_window
from AIImagingLogic.scene.picture_planning import PICTURE_FOLDER, plan_pictures
from AIImagingLogic.scene.picture_request import PictureRequest
from AIImagingLogic.scene.subject_hierarchy import visit_title

_ADVICE = "Pictures need OpenGL without a screen; on Debian or Ubuntu: apt install libegl1 libgl1-mesa-dri."
_LONGEST_SILENCE_SECONDS = 120.0
_POLL_SECONDS = 0.2


def render_follow_up_pictures(
    timeline: Timeline, images: Sequence[sitk.Image], folder: Path, progress: Progress | None = None
) -> tuple[Picture, ...]:
    """Draw an overview in 3D and every lesion in three planes, all visits in one picture.

    Parameters
    ----------
    timeline : visits and lesions
    images : the image of each visit, LPS mm
    folder : output folder; the files go into its folder ``pictures``
    progress : told of each picture

    Returns
    -------
    tuple of Picture
        The overview first, then the lesions in order. `file` is relative to `folder`.

    Raises
    ------
    SceneError
        Slicer's classes or OpenGL are missing, or the drawing process failed. No picture is left behind.
    OutputError
        The folder is not writable or the disk is full.
    Cancelled
        The user cancelled.
    """
    progress = progress or Progress()
    progress.report(0.0, "Preparing the pictures")
    request = plan_pictures(timeline, images)
    files = ([request.overview.file] if request.overview else []) + [picture.file for picture in request.lesions]
    if not files:
        return ()
    with tempfile.TemporaryDirectory(prefix="aiimaging-") as temporary:
        drawn = Path(temporary) / "drawn"
        drawn.mkdir()
        save_record(request, Path(temporary) / "request.json")
        _run(Path(temporary), drawn, files, progress.part(0.15, 1.0))
        target = make_folder(folder / PICTURE_FOLDER)
        for file in files:
            with written_atomically(target / file) as path:
                shutil.copyfile(drawn / file, path)
    return _with_captions(timeline, request)


def _run(folder: Path, drawn: Path, files: Sequence[str], progress: Progress) -> None:
    """Run the drawing process to its end, and hear of each file."""
    command = [_python(), "-m", "AIImagingLogic.scene.render_process", str(folder / "request.json"), str(drawn)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}
    if sys.platform == "linux":
        # EGL needs no X server; asked for an X window first, VTK crashes where the X libraries are missing.
        environment.setdefault("VTK_DEFAULT_OPENGL_WINDOW", "vtkEGLRenderWindow")
    with (folder / "errors.txt").open("w+", encoding="utf-8", errors="replace") as errors:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, env=environment, text=True, encoding="utf-8"
        )
        assert process.stdout is not None
        try:
            done = _listen(process, process.stdout, len(files), progress)
        finally:
            with contextlib.suppress(OSError):
                process.kill()
            process.wait()
            process.stdout.close()
        errors.seek(0)
        said = [line.strip() for line in errors.read().splitlines() if line.strip()]
    missing = [file for file in files if not (drawn / file).is_file()]
    if done != 0 or missing:
        raise SceneError(_what_went_wrong(done, said), _ADVICE)


def _listen(process: subprocess.Popen[str], output: IO[str], count: int, progress: Progress) -> int | None:
    """Report each file that the process names. Returns its exit status, None when it fell silent."""
    lines: queue.Queue[str | None] = queue.Queue()
    threading.Thread(target=_forward, args=(output, lines), daemon=True).start()
    heard = time.monotonic()
    drawn = 0
    while time.monotonic() - heard < _LONGEST_SILENCE_SECONDS:
        progress.check_cancelled()
        try:
            line = lines.get(timeout=_POLL_SECONDS)
        except queue.Empty:
            continue
        if line is None:
            return process.wait(timeout=_LONGEST_SILENCE_SECONDS)
        heard = time.monotonic()
        drawn += 1
        progress.report(drawn / count, f"Picture {drawn} of {count}")
    return None


def _forward(output: IO[str], lines: queue.Queue[str | None]) -> None:
    with contextlib.suppress(ValueError):  # closed while reading: the process was ended
        for line in output:
            lines.put(line)
    lines.put(None)


def _what_went_wrong(status: int | None, said: Sequence[str]) -> str:
    if status is None:
        return "Drawing the pictures took too long and was ended."
    if status < 0:
        return f"The graphics driver crashed while drawing the pictures (signal {-status})."
    return f"The pictures could not be drawn: {said[-1]}" if said else "The pictures could not be drawn."


def _python() -> str:
    """Return the Python to run: in the desktop application, sys.executable is the application itself."""
    if "python" in Path(sys.executable).name.lower():
        return sys.executable
    found = shutil.which("PythonSlicer")
    if found is None:
        raise SceneError("No Python was found to draw the pictures with.", _ADVICE)
    return found


def _with_captions(timeline: Timeline, request: PictureRequest) -> tuple[Picture, ...]:
    pictures = []
    visits = " and ".join(visit_title(visit).replace(", ", " of ").lower() for visit in timeline.visits)
    if request.overview is not None:
        caption = f"Organs and numbered lesions in 3D, seen from the front: {visits}."
        pictures.append(Picture(f"{PICTURE_FOLDER}/{request.overview.file}", caption))
    window = display_window(timeline.visits[0].info.modality)
    window_name = window.name if window else ""
    for lesion, picture in zip(timeline.lesions, request.lesions, strict=True):
        pictures.append(
            Picture(f"{PICTURE_FOLDER}/{picture.file}", _caption(timeline, lesion, visits, window_name), lesion.number)
        )
    return tuple(pictures)


def _caption(timeline: Timeline, lesion: Lesion, visits: str, window: str) -> str:
    unseen = [visit.label for visit, uid in zip(timeline.visits, lesion.observations, strict=True) if uid is None]
    words = f"Lesion {lesion.number} in axial, coronal and sagittal planes at the {visits}"
    if window:
        words += f", {window}"
    if unseen:
        words += f"; not seen at the {' and '.join(unseen)}"
    return f"{words}."
