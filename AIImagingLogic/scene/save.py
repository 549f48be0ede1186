"""Scenes to .mrb files and back."""

from __future__ import annotations

import contextlib
import os
import tempfile
import zipfile
from collections.abc import Iterator
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
    path = path.absolute()
    with (
        written_atomically(path) as temporary,
        # The bundle's inner folder is named after the file: the file has its final name from the start.
        tempfile.TemporaryDirectory(prefix=".scene-", dir=path.parent) as folder,
    ):
        bundle = Path(folder) / path.name
        with _empty_segmentations_left_out(scene):
            written = scene.WriteToMRB(str(bundle), None, messages)
        if not written or not bundle.exists():
            raise SceneError(f"The scene could not be written to '{path}'{_said(messages)}.", "Check the free space.")
        bundle.replace(temporary)


@contextlib.contextmanager
def _empty_segmentations_left_out(scene: Any) -> Iterator[None]:
    """Keep segmentations without a segment out of the file meanwhile: Slicer's writer ends the process at one."""
    nodes = scene.GetNodesByClass("vtkMRMLSegmentationNode")
    every = [nodes.GetItemAsObject(index) for index in range(nodes.GetNumberOfItems())]
    empty = [node for node in every if node.GetSegmentation().GetNumberOfSegments() == 0 and node.GetSaveWithScene()]
    for node in empty:
        node.SetSaveWithScene(False)
    try:
        yield
    finally:
        for node in empty:
            node.SetSaveWithScene(True)


def load_scene(path: Path) -> Any:
    """Return the scene of an .mrb file.

    Raises
    ------
    SceneError
        The file is missing or is not a scene.
    """
    if not path.is_file():
        raise SceneError(f"The scene '{path}' does not exist.", "Name an .mrb file.")
    if not zipfile.is_zipfile(path):
        raise SceneError(
            f"The scene '{path}' could not be read: it is no bundle, or cut off.", "Name a whole .mrb file."
        )
    scene = make_scene()
    messages = load_slicer().vtkMRMLMessageCollection()
    with _working_folder_kept():
        loaded = scene.ReadFromMRB(str(path.absolute()), False, messages)
    if not loaded:
        raise SceneError(f"The scene '{path}' could not be read{_said(messages)}.", "Name a whole .mrb file.")
    return scene


@contextlib.contextmanager
def _working_folder_kept() -> Iterator[None]:
    """Slicer unpacks a bundle in the working folder's place, and stays there when unpacking fails."""
    folder = Path.cwd()
    try:
        yield
    finally:
        os.chdir(folder)


def _said(messages: Any) -> str:
    text = messages.GetAllMessagesAsString() if messages.GetNumberOfMessages() else ""
    return f": {' '.join(text.split())}" if text else ""
