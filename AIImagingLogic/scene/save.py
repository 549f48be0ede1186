"""Scenes to .mrb files and back."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from AIImagingLogic.records.atomic_files import written_atomically
from AIImagingLogic.records.errors import SceneError
from AIImagingLogic.scene.empty_scene import make_scene
from AIImagingLogic.scene.host import load_slicer


def save_scene(scene: Any, path: Path) -> None:
    """Write a scene with all of its data into one .mrb file, which appears whole or not at all.

    Raises
    ------
    OutputError
        The folder is not writable or the disk is full.
    SceneError
        Slicer could not write a node; the message names it.
    """
    messages = load_slicer().vtkMRMLMessageCollection()
    with (
        written_atomically(path) as temporary,
        # The bundle's inner folder is named after the file: the file has its final name from the start.
        tempfile.TemporaryDirectory(prefix=".scene-", dir=path.parent) as folder,
    ):
        bundle = Path(folder) / path.name
        if not scene.WriteToMRB(str(bundle), None, messages) or not bundle.exists():
            raise SceneError(f"The scene could not be written to '{path}'{_said(messages)}.", "Check the free space.")
        bundle.replace(temporary)


def load_scene(path: Path) -> Any:
    """Return the scene of an .mrb file.

    Raises
    ------
    SceneError
        The file is missing or is not a scene.
    """
    scene = make_scene()
    messages = load_slicer().vtkMRMLMessageCollection()
    if not path.is_file():
        raise SceneError(f"The scene '{path}' does not exist.", "Name an .mrb file.")
    if not scene.ReadFromMRB(str(path), False, messages):
        raise SceneError(f"The scene '{path}' could not be read{_said(messages)}.", "Name a whole .mrb file.")
    return scene


def _said(messages: Any) -> str:
    text = messages.GetAllMessagesAsString() if messages.GetNumberOfMessages() else ""
    return f": {' '.join(text.split())}" if text else ""
