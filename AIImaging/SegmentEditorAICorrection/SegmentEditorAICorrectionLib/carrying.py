"""The part of the effect that carries a segment, and what was shown of it, to another visit."""

from AIImagingLib.application_service import application_service
from slicer.i18n import tr as _


class Carrying:
    """What the group 'Another visit' of the effect does.

    Parameters
    ----------
    ui : widgets of the effect
    say : shows a line of text
    failed : shows an error
    """

    def __init__(self, ui, say, failed):
        from AIImagingLogic.scene.segment_correction_carry import CorrectionCarrier

        self._ui, self._say = ui, say
        # Not the worker of the clicks: a registration takes longer than anybody waits for a click.
        self._carrier = CorrectionCarrier(application_service().service, self._done, failed, self._step)

    @property
    def waiting(self):
        """Whether something is being carried."""
        return self._carrier.waiting

    def start(self, editor_node):
        """Carry the selected segment of an editor to the chosen volume."""
        from AIImagingLogic.scene.editor_rules_write import selected
        from AIImagingLogic.scene.segment_correction_carry import CarryOrder

        segmentation, segment_id = selected(editor_node)
        self._carrier.carry(
            CarryOrder(
                segmentation,
                segment_id,
                source=editor_node.GetSourceVolumeNode(),
                target=self._ui.visitSelector.currentNode(),
                into=self._ui.intoSelector.currentNode(),
                transform=self._ui.transformSelector.currentNode(),
                aligned=self._ui.alignedBox.checked,
            )
        )

    def poll(self):
        """Take over what the worker answered."""
        self._carrier.poll()

    def cancel(self):
        """Carry no further."""
        self._carrier.cancel()

    def _step(self, text):
        self._say(_("{step}…").format(step=text))

    def _done(self, made):
        said = _("Carried: {voxels} voxels in '{segmentation}'.")
        self._say(" ".join([said.format(voxels=made.voxels, segmentation=made.segmentation.GetName()), *made.notes]))
