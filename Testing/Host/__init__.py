"""A stand-in for Slicer's desktop in which the panels of this extension run without Slicer, and are photographed.

What is real: the MRML scene, its nodes and logics, and `slicer.util` (slicer-core). What stands in: Qt as PythonQt
shows it, over PySide6, with PythonQt's rules and refusals; CTK's and Slicer's widgets; parameter nodes; the
application, its layouts and modules. What it is not: Slicer. It draws no slices, runs no panel of a C++ module, loads
no file through Slicer's dialogs, and speaks one language. Tests that pass here are still to be run in Slicer.

    with running() as host:
        panel = host.open_module("AIImaging/AIFollowUp")
        panel.choose("visitSelector1", volume)
        panel.click("applyButton")
        host.process_events(until=lambda: panel.ui.applyButton.enabled)

See Docs/test_host.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from Testing.Host.host import Host, running, start

__all__ = ["Host", "reason_missing", "running", "start"]


def reason_missing() -> str | None:
    """Return why the host cannot run here, None when it can: for `pytest.mark.skipif`."""
    try:
        import slicer  # noqa: F401
        from PySide6 import QtUiTools, QtWidgets  # noqa: F401
    except ImportError as error:
        return f"The test host needs slicer-core and PySide6 with Qt's system libraries: {error}."
    return None


def __getattr__(name: str) -> Any:
    if name in ("Host", "running", "start"):
        from Testing.Host import host

        return getattr(host, name)
    raise AttributeError(f"module 'Testing.Host' has no attribute '{name}'")
