"""The options of the Segment Editor effect 'AI correction', and a change in the views before it is applied."""

from __future__ import annotations

from pathlib import Path

import pytest

from Testing.Pictures.scene_views import photograph_slices, stand_at
from Testing.Python.correction_editor import correction_editor, correction_host

_VIEWS = ("Red", "Green", "Yellow")
_WIDTH = 420


def photograph(folder: Path) -> None:
    """Write the options with a change that waits, and the slice views with that change."""
    with (
        pytest.MonkeyPatch.context() as patch,
        correction_host(patch) as host,
        correction_editor(host) as editor,
    ):
        from PySide6 import QtGui

        from Testing.Host.pythonqt import unwrap

        editor.effect.ui.autoApplyBox.click()
        editor.effect.ui.visitGroup.collapsed = False
        editor.drag((40, 24))
        options = unwrap(editor.effect._widget)
        options.setFixedWidth(_WIDTH)
        options.adjustSize()
        host.process_events()
        picture = QtGui.QPixmap(options.size() * 2)
        picture.setDevicePixelRatio(2)
        picture.fill(options.palette().color(QtGui.QPalette.ColorRole.Window))
        options.render(picture)
        folder.mkdir(parents=True, exist_ok=True)
        if not picture.save(str(folder / "panel_correction.png"), "PNG"):
            raise OSError(f"The picture could not be written to {folder}.")
        stand_at(host.scene, _VIEWS, (-34.0, -24.0, 15.0), 66.0)
        photograph_slices(host.scene, [("", editor.volume, _VIEWS)], folder / "correction_preview.png")
