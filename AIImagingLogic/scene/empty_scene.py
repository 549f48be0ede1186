"""An empty MRML scene that can be filled, saved and loaded without the desktop application."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from typing import Any

from AIImagingLogic.scene.host import load_slicer

_MEGABYTES_OF_CACHE = 200


def make_scene() -> Any:
    """Return a new vtkMRMLScene with Slicer's colour tables and a subject hierarchy.

    Raises
    ------
    SceneError
        Slicer's classes are not installed.
    """
    slicer = load_slicer()
    scene = slicer.vtkMRMLScene()
    colours = slicer.vtkMRMLColorLogic()
    colours.SetMRMLScene(scene)
    # The tables stay in the scene; the logic must not watch it on while it is being read or written.
    colours.SetMRMLScene(None)
    # Without these in the scene's registry, markups would be left out of a saved scene without a word.
    scene.RegisterNodeClass(slicer.vtkMRMLMarkupsJsonStorageNode())
    scene.RegisterNodeClass(slicer.vtkMRMLMarkupsROIJsonStorageNode())
    # And without this, a scene saved while the Segment Editor was open would be refused as a whole.
    scene.RegisterNodeClass(slicer.vtkMRMLSegmentEditorNode())
    _let_bundles_be_read(slicer, scene)
    slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    return scene


def _let_bundles_be_read(slicer: Any, scene: Any) -> None:
    """Give the scene the cache and data manager without which `ReadFromMRB` refuses."""
    folder = tempfile.mkdtemp(prefix="aiimaging-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    cache = slicer.vtkCacheManager()
    cache.SetRemoteCacheDirectory(folder)
    cache.SetRemoteCacheLimit(_MEGABYTES_OF_CACHE)
    cache.SetMRMLScene(scene)
    scene.SetCacheManager(cache)
    manager = slicer.vtkDataIOManager()
    manager.SetCacheManager(cache)
    scene.SetDataIOManager(manager)
