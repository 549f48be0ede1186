"""Whether a change goes into the segment at once, or is shown first: the effect's parameter and its widgets."""

from slicer.i18n import tr as _

_PARAMETER = "AutoApply"


def set_default(effect):
    """Let changes go in at once where nothing was chosen (`effect`: the scripted effect)."""
    effect.setParameterDefault(_PARAMETER, 1)


class ApplyAtOnce:
    """The box 'Apply at once'.

    Parameters
    ----------
    effect : the scripted effect, which keeps the parameter
    ui : widgets of the effect
    present_tool : returns the CorrectionTool that is there; None while there is none
    """

    def __init__(self, effect, ui, present_tool):
        self._effect, self._ui, self._present_tool = effect, ui, present_tool
        ui.autoApplyBox.connect("toggled(bool)", self._on_toggled)

    def close(self):
        """Listen no more."""
        self._ui.autoApplyBox.disconnect("toggled(bool)", self._on_toggled)

    def show(self):
        """Let the widgets and the tool be as the parameter says."""
        if self._effect.parameterSetNode() is None:
            return
        at_once = self._effect.integerParameter(_PARAMETER) != 0
        was_blocked = self._ui.autoApplyBox.blockSignals(True)
        self._ui.autoApplyBox.checked = at_once
        self._ui.autoApplyBox.blockSignals(was_blocked)
        self._ui.acceptButton.text = _("Accept") if at_once else _("Apply")
        tool = self._present_tool()
        if tool is not None and tool.changes.auto_apply != at_once:
            tool.changes.auto_apply = at_once

    def _on_toggled(self, checked):
        if self._effect.parameterSetNode() is not None:
            self._effect.setParameter(_PARAMETER, 1 if checked else 0)
            self.show()
