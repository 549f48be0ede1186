"""The stand-ins that `ctk`, `slicer` and .ui files get."""

from __future__ import annotations

from Testing.Host.widgets.checkable_nodes import qMRMLCheckableNodeComboBox
from Testing.Host.widgets.collapsible_button import ctkCollapsibleButton
from Testing.Host.widgets.combo_boxes import (
    ctkCheckableComboBox,
    ctkCheckablePushButton,
    ctkCheckBox,
    ctkCollapsibleGroupBox,
    ctkComboBox,
    ctkMessageBox,
)
from Testing.Host.widgets.mrml_widget import qMRMLWidget, qSlicerScriptedLoadableModuleWidget, qSlicerWidget
from Testing.Host.widgets.node_combo_box import qMRMLNodeComboBox
from Testing.Host.widgets.path_line_edit import ctkDirectoryButton, ctkPathLineEdit
from Testing.Host.widgets.plot_view import qMRMLPlotView
from Testing.Host.widgets.segments_table import qMRMLSegmentsTableView
from Testing.Host.widgets.slider_widget import ctkDoubleSpinBox, ctkSliderWidget
from Testing.Host.widgets.table_view import qMRMLTableView

CTK: list[type] = [
    ctkCheckBox,
    ctkCheckableComboBox,
    ctkCheckablePushButton,
    ctkCollapsibleButton,
    ctkCollapsibleGroupBox,
    ctkComboBox,
    ctkDirectoryButton,
    ctkDoubleSpinBox,
    ctkMessageBox,
    ctkPathLineEdit,
    ctkSliderWidget,
]
SLICER: list[type] = [
    qMRMLCheckableNodeComboBox,
    qMRMLNodeComboBox,
    qMRMLPlotView,
    qMRMLSegmentsTableView,
    qMRMLTableView,
    qMRMLWidget,
    qSlicerScriptedLoadableModuleWidget,
    qSlicerWidget,
]
STAND_INS: dict[str, type] = {kind.__name__: kind for kind in CTK + SLICER}
