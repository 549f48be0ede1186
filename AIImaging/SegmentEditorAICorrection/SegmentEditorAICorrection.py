"""The hidden module that registers the Segment Editor effect 'AI correction'."""

import importlib.util
import sys
from pathlib import Path

import slicer

if importlib.util.find_spec("AIImagingLib") is None:
    # Added from the source tree: what the panels share lies in the folder above.
    sys.path.append(str(Path(__file__).resolve().parents[1]))

from AIImagingLib.logic_package import make_logic_package_importable
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import ScriptedLoadableModule, ScriptedLoadableModuleTest

__all__ = ["SegmentEditorAICorrection", "SegmentEditorAICorrectionTest"]


class SegmentEditorAICorrection(ScriptedLoadableModule):
    """Shown in no menu: its effect is found in the Segment Editor."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = _("Segment Editor AI Correction")
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "Segmentation")]
        self.parent.dependencies = ["Segmentations"]
        self.parent.contributors = ["AI Imaging contributors"]
        self.parent.hidden = True
        self.parent.helpText = _(
            "Registers the Segment Editor effect 'AI correction': a click adds to the selected segment, Ctrl-click "
            "removes. Research use; not a medical device."
        )
        self.parent.acknowledgementText = _("Built on SimpleITK and 3D Slicer.")
        make_logic_package_importable()
        slicer.app.connect("startupCompleted()", self.registerEditorEffect)

    def registerEditorEffect(self):
        import qSlicerSegmentationsEditorEffectsPythonQt as effects

        # Slicer takes the class from the loaded package; it would else load the file in the place of the package.
        import SegmentEditorAICorrectionLib

        instance = effects.qSlicerSegmentEditorScriptedEffect(None)
        folder = Path(SegmentEditorAICorrectionLib.__file__).parent
        instance.setPythonSource((folder / "SegmentEditorEffect.py").as_posix())
        instance.self().register()


class SegmentEditorAICorrectionTest(ScriptedLoadableModuleTest):
    """Runs in Slicer; the effect is imported when it does, not while Slicer starts."""

    def runTest(self):
        from SegmentEditorAICorrectionLib.in_slicer_test import run

        run()
