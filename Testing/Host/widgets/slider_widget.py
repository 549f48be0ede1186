"""ctkSliderWidget: a slider with a spin box for the same number."""

from __future__ import annotations

from typing import Any

from PySide6 import QtCore, QtWidgets

from Testing.Host.pythonqt.members import cpp_slot
from Testing.Host.widgets.declared import kept_property

_STEPS = 1000


class ctkSliderWidget(QtWidgets.QWidget):
    """A number between two limits."""

    valueChanged = QtCore.Signal(float)
    valueIsChanging = QtCore.Signal(float)
    decimalsChanged = QtCore.Signal(int)
    CPP_SIGNALS = {
        "valueChanged(double)": "valueChanged(double)",
        "valueIsChanging(double)": "valueIsChanging(double)",
        "decimalsChanged(int)": "decimalsChanged(int)",
    }

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        row = QtWidgets.QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        self._slider = QtWidgets.QSlider(QtCore.Qt.Orientation.Horizontal, self)
        self._slider.setRange(0, _STEPS)
        self._box = QtWidgets.QDoubleSpinBox(self)
        self._box.setRange(0.0, 100.0)
        row.addWidget(self._slider, 1)
        row.addWidget(self._box)
        self._box.valueChanged.connect(self._box_changed)
        self._slider.valueChanged.connect(self._slider_moved)

    def _box_changed(self, value: float) -> None:
        self._show(value)
        self.valueIsChanging.emit(value)
        self.valueChanged.emit(value)

    def _slider_moved(self, step: int) -> None:
        low, high = self._box.minimum(), self._box.maximum()
        self._box.setValue(low + (high - low) * step / _STEPS)

    def _show(self, value: float) -> None:
        low, high = self._box.minimum(), self._box.maximum()
        self._slider.blockSignals(True)
        self._slider.setValue(round(_STEPS * (value - low) / (high - low)) if high > low else 0)
        self._slider.blockSignals(False)

    def _value(self) -> float:
        return self._box.value()

    @cpp_slot
    def setValue(self, value: float) -> None:
        """Set the number."""
        self._box.setValue(value)

    @cpp_slot
    def setDecimals(self, decimals: int) -> None:
        """Set how many decimals are shown."""
        self._box.setDecimals(decimals)
        self.decimalsChanged.emit(decimals)

    @cpp_slot
    def setSpinBoxVisible(self, shown: bool) -> None:
        """Show or hide the spin box."""
        self._box.setVisible(shown)

    @cpp_slot
    def reset(self) -> None:
        """Go back to the lowest value."""
        self._box.setValue(self._box.minimum())

    value = QtCore.Property(float, _value, setValue)
    decimals = QtCore.Property(int, lambda self: self._box.decimals(), setDecimals)
    minimum = QtCore.Property(float, lambda self: self._box.minimum(), lambda self, v: self._box.setMinimum(v))
    maximum = QtCore.Property(float, lambda self: self._box.maximum(), lambda self, v: self._box.setMaximum(v))
    singleStep = QtCore.Property(float, lambda self: self._box.singleStep(), lambda self, v: self._box.setSingleStep(v))
    prefix = QtCore.Property(str, lambda self: self._box.prefix(), lambda self, v: self._box.setPrefix(v))
    suffix = QtCore.Property(str, lambda self: self._box.suffix(), lambda self, v: self._box.setSuffix(v))
    spinBoxVisible = QtCore.Property(bool, lambda self: not self._box.isHidden(), setSpinBoxVisible)
    pageStep = kept_property(float, "pageStep", 10.0)
    tickInterval = kept_property(float, "tickInterval", 0.0)
    tracking = kept_property(bool, "tracking", True)
    popupSlider = kept_property(bool, "popupSlider", False)


class ctkDoubleSpinBox(QtWidgets.QWidget):
    """A spin box for one number."""

    valueChanged = QtCore.Signal(float)
    editingFinished = QtCore.Signal()
    CPP_SIGNALS = {"valueChanged(double)": "valueChanged(double)", "editingFinished()": "editingFinished()"}

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        row = QtWidgets.QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        self._box = QtWidgets.QDoubleSpinBox(self)
        row.addWidget(self._box)
        self._box.valueChanged.connect(self.valueChanged.emit)
        self._box.editingFinished.connect(self.editingFinished.emit)

    @cpp_slot
    def setValue(self, value: float) -> None:
        """Set the number."""
        self._box.setValue(value)

    value = QtCore.Property(float, lambda self: self._box.value(), setValue)
    decimals = QtCore.Property(int, lambda self: self._box.decimals(), lambda self, v: self._box.setDecimals(v))
    minimum = QtCore.Property(float, lambda self: self._box.minimum(), lambda self, v: self._box.setMinimum(v))
    maximum = QtCore.Property(float, lambda self: self._box.maximum(), lambda self, v: self._box.setMaximum(v))
    singleStep = QtCore.Property(float, lambda self: self._box.singleStep(), lambda self, v: self._box.setSingleStep(v))
    suffix = QtCore.Property(str, lambda self: self._box.suffix(), lambda self, v: self._box.setSuffix(v))
