"""The test host refuses what PythonQt refuses, and lets through what works in Slicer."""

from __future__ import annotations

import functools

import pytest

from Testing import Host as test_host

pytestmark = pytest.mark.skipif(test_host.reason_missing() is not None, reason=str(test_host.reason_missing()))


@pytest.fixture
def qt():
    with test_host.running():
        import qt

        yield qt


REFUSED = {
    "a property is no method": (lambda qt: qt.QLabel("x").text(), TypeError, "'str' object is not callable"),
    "a number property neither": (lambda qt: qt.QWidget().width(), TypeError, "'int' object is not callable"),
    "keyword arguments of a constructor": (lambda qt: qt.QLabel(text="x"), ValueError, "kwargs"),
    "keyword arguments of a method": (lambda qt: qt.QLabel().setText(text="x"), ValueError, "kwargs"),
    "snake_case": (lambda qt: qt.QLabel().set_text("x"), AttributeError, "camelCase.*setText"),
    "a new attribute": (lambda qt: setattr(qt.QLabel(), "mine", 1), AttributeError, "creating new attributes"),
    "a method as a place": (lambda qt: setattr(qt.QLabel(), "clear", 1), AttributeError, "can not be overwritten"),
    "a read-only property": (lambda qt: setattr(qt.QWidget(), "width", 5), AttributeError, "not writable"),
    "a value that does not fit": (lambda qt: setattr(qt.QSpinBox(), "value", "5"), AttributeError, "does not accept"),
    "None for a bool": (lambda qt: setattr(qt.QLabel(), "enabled", None), AttributeError, "does not accept"),
    "an unknown signal": (lambda qt: qt.QPushButton().connect("clicked(int)", print), ValueError, "does not exist"),
    "a signal by name alone": (lambda qt: qt.QPushButton().connect("clicked", print), ValueError, "clicked\\(bool\\)"),
    "a signal with a type": (lambda qt: qt.QPushButton().clicked.connect(print, 2), ValueError, "number of arguments"),
    "Signal": (lambda qt: qt.Signal(int), AttributeError, "no signals"),
    "Slot": (lambda qt: qt.Slot(), AttributeError, "any callable"),
    "qt.QtWidgets": (lambda qt: qt.QtWidgets.QLabel, AttributeError, "in qt itself"),
    "scoped enums": (lambda qt: qt.QMessageBox.StandardButton.Ok, AttributeError, "qt.QMessageBox.Ok"),
    "a callable for a method": (lambda qt: qt.QMenu().addAction("x", print), ValueError, "no Python callable"),
    "a timer with a context": (lambda qt: qt.QTimer.singleShot(0, qt.QLabel(), print), ValueError, "milliseconds"),
    "wrong arguments": (lambda qt: qt.QProgressBar().setRange("a", "b"), ValueError, "wrong arguments"),
    "two Qt classes": (lambda qt: type("Both", (qt.QLabel, qt.QTimer), {}), TypeError, "lay-out conflict"),
    "super() for a Qt method": (lambda qt: _subclass(qt)().through_super(), AttributeError, "hasHeightForWidth"),
    "a destroyed object": (lambda qt: _destroyed(qt).text, ValueError, "destroyed"),
}


def _subclass(qt):
    class Mine(qt.QLabel):
        def through_super(self):
            return super().hasHeightForWidth()

    return Mine


def _destroyed(qt):
    label = qt.QLabel("x")
    label.delete()
    return label


@pytest.mark.parametrize("case", REFUSED)
def test_what_pythonqt_refuses_is_refused(qt, case):
    attempt, error, text = REFUSED[case]
    with pytest.raises(error, match=text):
        attempt(qt)


def test_isinstance_knows_the_exact_class_only(qt):
    button = qt.QPushButton()
    assert type(button) is qt.QPushButton and not isinstance(button, qt.QWidget) and button.inherits("QWidget")


def test_properties_are_attributes_and_enums_are_ints(qt):
    label, box = qt.QLabel("one"), qt.QSpinBox()
    label.text, label.name, label.alignment = "two", "caption", qt.Qt.AlignRight | qt.Qt.AlignTop
    box.maximum, box.value = 7, 6.9
    assert (label.text, label.objectName, box.value) == ("two", "caption", 6)
    assert label.alignment == 0x22 and qt.Qt.AlignRight == 2 and isinstance(qt.QMessageBox.Ok, int)
    label.setAlignment(0x84)
    assert label.alignment == int(qt.Qt.AlignCenter)
    assert qt.QTableWidget(2, 3).rowCount == 2 and qt.QStandardItemModel(2, 3).rowCount() == 2


def test_value_classes_models_and_layouts_work(qt):
    table, item = qt.QTableWidget(1, 2), qt.QTableWidgetItem("Lung")
    item.setBackground(qt.QBrush(qt.QColor(255, 0, 0)))
    item.setData(qt.Qt.UserRole, "uid-1")
    table.setItem(0, 0, item)
    table.horizontalHeader().setSectionResizeMode(0, qt.QHeaderView.Stretch)
    table.setEditTriggers(qt.QAbstractItemView.NoEditTriggers)
    assert table.item(0, 0).text() == "Lung" and table.item(0, 0).data(256) == "uid-1"
    assert table.item(0, 0).background().color() == qt.QColor(255, 0, 0)
    holder = qt.QWidget()
    row = qt.QHBoxLayout(holder)
    row.addWidget(table)
    assert holder.layout() == row and table in holder.children() and table.parent() == holder
    assert isinstance(holder.children(), tuple) and holder.findChildren(qt.QTableWidget) == (table,)


def test_a_slot_gets_as_many_arguments_as_it_takes(qt):
    heard, button = [], qt.QPushButton()
    button.checkable = True

    class Listener:
        def none(self):
            heard.append("none")

        def one(self, checked):
            heard.append(checked)

    listener = Listener()
    button.connect("toggled(bool)", listener.none)
    button.connect("toggled(bool)", listener.one)
    button.toggled.connect(lambda row=5: heard.append(("row", row)))
    button.connect("toggled(bool)", functools.partial(heard.append))
    button.click()
    assert heard == ["none", True, ("row", True), True]
    heard.clear()
    assert button.disconnect("toggled(bool)", listener.one) and not button.disconnect("toggled(bool)", listener.one)
    button.checked = False
    assert heard == ["none", ("row", False), False]


def test_an_overridden_method_is_called_by_qt_and_attributes_are_allowed(qt):
    class Model(qt.QAbstractTableModel):
        def __init__(self, rows):
            qt.QAbstractTableModel.__init__(self)
            self.rows = rows

        def rowCount(self, parent=None):  # noqa: N802
            return len(self.rows)

        def columnCount(self, parent=None):  # noqa: N802
            return 1

        def data(self, index, role):
            return self.rows[index.row()] if role == qt.Qt.DisplayRole else None

    model, view = Model(["a", "b"]), qt.QTableView()
    view.setModel(model)
    assert view.model().index(1, 0).data() == "b" and view.model() is model


def test_what_a_slot_raises_is_raised_at_the_next_turn():
    from Testing.Host.pythonqt.faults import FaultInSlotError

    with test_host.running() as host:
        import qt
        import vtk

        button, watched = qt.QPushButton(), vtk.vtkObject()
        button.connect("clicked()", lambda: 1 / 0)
        button.click()
        with pytest.raises(FaultInSlotError, match="ZeroDivisionError"):
            host.process_events()
        qt.QTimer.singleShot(0, lambda: [][1])
        with pytest.raises(FaultInSlotError, match="IndexError"):
            host.process_events(until=lambda: False, timeout=5)

        def fail(caller, event):
            raise KeyError("observer")

        watched.AddObserver("ModifiedEvent", fail)
        watched.Modified()
        with pytest.raises(FaultInSlotError, match="KeyError"):
            host.process_events()
        button.click()
        with pytest.raises(FaultInSlotError):
            host.close()


def test_settings_are_of_the_host_and_dialogs_are_answered():
    with test_host.running() as host:
        import qt
        import slicer

        qt.QSettings().setValue("AIImaging/Folder", "/data")
        assert slicer.util.settingsValue("AIImaging/Folder", "") == "/data"
        host.messages.answer(True)
        assert slicer.util.confirmOkCancelDisplay("Really?") and not slicer.util.confirmYesNoDisplay("Sure?")
        slicer.util.errorDisplay("It failed.", detailedText="because")
        host.messages.answer("/tmp/scan.nrrd")
        assert qt.QFileDialog.getOpenFileName(None, "Open", "") == "/tmp/scan.nrrd"
        assert [(m.kind, m.text) for m in host.messages[:3]] == [
            ("question", "Really?"),
            ("question", "Sure?"),
            ("error", "It failed."),
        ]
    with test_host.running():
        import qt

        assert not qt.QSettings().contains("AIImaging/Folder")
