"""One row for each run under way: what it is, how far, how long still, how much memory, and its Cancel."""

import qt
from slicer.i18n import tr as _


class RunRows:
    """The rows of a panel, in a layout of its own; a row goes when its run has finished.

    Parameters
    ----------
    widget : qt.QWidget
        Empty; hidden while there is nothing to show.
    """

    def __init__(self, widget):
        self._widget = widget
        self._layout = qt.QVBoxLayout(widget)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._rows = []
        widget.visible = False

    def add(self, run):
        """Show `run` (a SceneRun) until it has finished."""
        row = _RunRow(run)
        self._rows.append(row)
        self._layout.addWidget(row.widget)
        self._widget.visible = True
        run.handle.on_change(lambda handle: row.show())
        run.on_finish(lambda finished: self._remove(row))

    def clear(self):
        """Take all rows away; their runs go on."""
        for row in list(self._rows):
            self._remove(row)

    def _remove(self, row):
        if row not in self._rows:
            return
        self._rows.remove(row)
        self._layout.removeWidget(row.widget)
        row.widget.hide()
        row.widget.deleteLater()
        self._widget.visible = bool(self._rows)


class _RunRow:
    def __init__(self, run):
        self._run = run
        self.widget = qt.QWidget()
        self._title = qt.QLabel(run.handle.job.title)
        self._bar = qt.QProgressBar()
        self._bar.setRange(0, 100)
        self._detail = qt.QLabel()
        self._cancel = qt.QToolButton()
        self._cancel.text = _("Cancel")
        self._cancel.toolTip = _("Stop this run; nothing is added to the scene")
        self._cancel.connect("clicked(bool)", self._onCancel)
        layout = qt.QGridLayout(self.widget)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._title, 0, 0, 1, 2)
        layout.addWidget(self._bar, 1, 0)
        layout.addWidget(self._cancel, 1, 1)
        layout.addWidget(self._detail, 2, 0, 1, 2)
        self.show()

    def show(self):
        """Show what the run's handle says now."""
        handle = self._run.handle
        self._bar.value = round(100 * handle.fraction)
        self._detail.text = " · ".join(_details(handle))

    def _onCancel(self):
        self._cancel.enabled = False
        self._run.cancel()


def _details(handle):
    """Return the words under a bar: stage, time left, memory."""
    yield handle.stage or _("Waiting for the run before it")
    if handle.seconds_left is not None:
        yield _("about {time} left").format(time=duration_text(handle.seconds_left))
    if handle.memory_gb is not None:
        yield _("{memory:.1f} GB of memory").format(memory=handle.memory_gb)


def duration_text(seconds):
    """Return a duration as a person says it: ``40 s``, ``3 min``."""
    if seconds < 90:
        return _("{seconds} s").format(seconds=max(1, round(seconds)))
    return _("{minutes} min").format(minutes=round(seconds / 60))
