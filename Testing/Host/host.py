"""The host: starts the stand-in application, opens modules, runs the event loop, and cleans up."""

from __future__ import annotations

import gc
import importlib
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import slicer
import slicer.util
from PySide6 import QtCore

from AIImagingLogic.scene.empty_scene import make_scene
from Testing.Host.application import scripted_module, translation
from Testing.Host.application.application import make_application
from Testing.Host.application.messages import Messages
from Testing.Host.application.modules import Modules, qSlicerScriptedLoadableModule
from Testing.Host.application.packaging import Packaging
from Testing.Host.application.sample_data import SampleData
from Testing.Host.event_gap import EventGapMeter
from Testing.Host.installed import Installed, forget_modules_of
from Testing.Host.panel import Panel
from Testing.Host.parameters import wrapper as parameter_wrapper
from Testing.Host.pythonqt import unwrap, wrap, wrapper_class
from Testing.Host.pythonqt.calls import intercepts
from Testing.Host.pythonqt.faults import raise_faults, record_uncaught, take_faults
from Testing.Host.pythonqt.modules import make_ctk, make_qt
from Testing.Host.pythonqt.signals import forget_connections
from Testing.Host.widgets import all_stand_ins, scene_observers
from Testing.Host.widgets.mrml_widget import qSlicerScriptedLoadableModuleWidget
from Testing.Host.widgets.ui_file import UiLoader

_running: list[Host] = []


class Host:
    """A running stand-in for Slicer; one at a time in a process.

    Attributes
    ----------
    scene : vtkMRMLScene, empty but for what Slicer itself has in it
    messages : what was shown to the user; ``messages.answer(True)`` prepares an answer
    packaging : what modules asked to install (``asked``), and whether the user allows it (``allowed``)
    samples : the sample data that modules have registered (``sources``)
    folder : a temporary folder with the settings and what Slicer would keep
    """

    def __init__(self) -> None:
        if _running:
            raise RuntimeError("A host is running already: close it first.")
        self.folder = Path(tempfile.mkdtemp(prefix="aiimaging-host-"))
        self.scene = make_scene()
        self.messages, self.packaging, self.samples = Messages(), Packaging(), SampleData()
        self._panels: list[Panel] = []
        self._installed = Installed()
        self._path = list(sys.path)
        self._application = make_application()
        take_faults()
        self._install()
        _running.append(self)

    def _install(self) -> None:
        put = self._installed
        UiLoader.stand_ins = all_stand_ins.STAND_INS
        QtCore.QSettings.setDefaultFormat(QtCore.QSettings.Format.IniFormat)
        scope = QtCore.QSettings.Scope.UserScope
        QtCore.QSettings.setPath(QtCore.QSettings.Format.IniFormat, scope, str(self.folder))
        put.module("qt", make_qt(UiLoader))
        put.module("ctk", make_ctk(all_stand_ins.CTK))
        put.attribute(slicer, "mrmlScene", self.scene)
        put.attribute(slicer, "modules", Modules())
        for kind in (*all_stand_ins.SLICER, qSlicerScriptedLoadableModule):
            put.attribute(slicer, kind.__name__, wrapper_class(kind))
        put.module("slicer.i18n", translation.make_module())
        put.module("slicer.ScriptedLoadableModule", scripted_module.make_module())
        put.module("slicer.parameterNodeWrapper", parameter_wrapper.make_module())
        put.module("slicer.packaging", self.packaging.module())
        put.module("SampleData", self.samples.module())
        put.attribute(slicer.util, "_messageDisplay", self.messages.display)
        put.attribute(slicer.util, "messageBox", self.messages.box)
        put.attribute(sys, "excepthook", record_uncaught)
        intercepts.update(self.messages.intercepts())
        self._application.begin(self.scene, self.folder)
        # Slicer has made every module's logic by now; without this one no segment can be added.
        _ = slicer.modules.segmentations
        put.attribute(slicer, "app", wrap(self._application))

    def open_module(self, folder: str | Path, enter: bool = True) -> Panel:
        """Load a module from its folder as Slicer does, make its panel, and open it.

        Parameters
        ----------
        folder
            With ``<Name>.py`` in it, ``<Name>`` being the folder's name.
        enter
            Whether the user sees the panel (its `enter` is called).

        Raises
        ------
        Exception
            What the module raises; Slicer would show it in the log, and no panel.
        """
        folder = Path(folder).resolve()
        name = folder.name
        for path in (str(folder), str(folder.parent)):
            if path not in sys.path:
                sys.path.insert(0, path)
        file = importlib.import_module(name)
        module = wrap(qSlicerScriptedLoadableModule(name, str(folder / f"{name}.py")))
        getattr(file, name)(module)
        setattr(slicer.modules, name.lower(), module)
        setattr(slicer.modules, f"{name}Instance", module)
        unwrap(slicer.app.moduleManager()).add(name, unwrap(module))
        parent = wrapper_class(qSlicerScriptedLoadableModuleWidget)()
        parent.setMRMLScene(self.scene)
        widget = getattr(file, f"{name}Widget")(parent)
        unwrap(parent)._python = widget
        unwrap(module).hold(unwrap(parent))
        widget.setup()
        panel = Panel(self, widget, parent, module)
        self._panels.append(panel)
        parent.show()
        self.process_events()
        if enter:
            panel.enter()
        return panel

    def process_events(self, until: Callable[[], Any] | None = None, timeout: float = 30.0) -> None:
        """Run the event loop: until nothing waits, or until a condition holds.

        Raises
        ------
        TimeoutError
            The condition did not come to hold within `timeout` seconds.
        FaultInSlotError
            A slot, a timer, an observer or an overridden method raised.
        """
        deadline = time.monotonic() + timeout
        loop = QtCore.QEventLoop()
        flags = QtCore.QEventLoop.ProcessEventsFlag
        self._drain()
        raise_faults()
        while until is not None and not until():
            if time.monotonic() > deadline:
                raise TimeoutError(f"Waited {timeout:g} s in vain.")
            # A timer wakes the loop, so that a condition that no event tells of is looked at again.
            QtCore.QTimer.singleShot(5, lambda: None)
            loop.processEvents(flags.AllEvents | flags.WaitForMoreEvents)
            raise_faults()

    def _drain(self) -> None:
        for _ in range(3):
            self._application.processEvents()
            self._application.sendPostedEvents(None, QtCore.QEvent.Type.DeferredDelete)

    @contextmanager
    def longest_event_gap(self) -> Iterator[list[float]]:
        """Measure while the block runs; afterwards the list holds one number: the longest gap in milliseconds."""
        meter, result = EventGapMeter(), []  # type: ignore[var-annotated]
        meter.start()
        try:
            yield result
        finally:
            result.append(meter.stop())

    def choose(self, panel: Panel, name: str, value: Any) -> None:
        """Choose a value in a panel; see `Panel.choose`."""
        panel.choose(name, value)

    def close_scene(self) -> None:
        """Close the scene, as File > Close Scene does."""
        self.scene.Clear(0)
        unwrap(slicer.app.layoutManager()).forget_views()
        self.process_events()

    def quit(self) -> None:
        """Tell all that listen that Slicer is about to quit."""
        unwrap(slicer.app).aboutToQuit.emit()
        self.process_events()

    def close(self) -> None:
        """Unload the modules, remove every observer and put Python back as it was; then raise what went wrong.

        Raises
        ------
        FaultInSlotError
            A slot, a timer, an observer or an overridden method raised and nobody has seen it.
        """
        if self not in _running:
            return
        manager = unwrap(slicer.app.moduleManager())
        for panel in self._panels:
            panel.parent.exit()
            manager.moduleAboutToBeUnloaded.emit(panel.widget.moduleName)
        unwrap(slicer.app).aboutToQuit.emit()
        self._drain()
        forget_connections()
        scene_observers.forget_all()
        for panel in self._panels:
            target = unwrap(panel.parent)
            target._python = None
            target.close()
            target.deleteLater()
        self._panels.clear()
        slicer.modules.release()
        self._application.end()
        self._drain()
        intercepts.clear()
        self._installed.undo()
        _forget_shared_service()
        forget_modules_of([folder for folder in sys.path if folder not in self._path])
        sys.path[:] = self._path
        _running.remove(self)
        shutil.rmtree(self.folder, ignore_errors=True)
        gc.collect()
        raise_faults()


def _forget_shared_service() -> None:
    """Let the next host have a job service of its own: this one's was closed with it, and it is a Slicer of its own."""
    service = sys.modules.get("AIImagingLogic.jobs.service")
    forget = getattr(getattr(service, "shared_service", None), "cache_clear", None)
    if forget is not None:
        forget()


def start() -> Host:
    """Start the host."""
    return Host()


@contextmanager
def running() -> Iterator[Host]:
    """A host for the length of a block (or of a pytest fixture)."""
    host = start()
    try:
        yield host
    finally:
        host.close()
