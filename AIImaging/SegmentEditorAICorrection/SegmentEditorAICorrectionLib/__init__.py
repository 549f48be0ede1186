"""Parts of the Segment Editor effect 'AI correction'."""

from SegmentEditorAICorrectionLib.SegmentEditorEffect import SegmentEditorEffect

__all__ = ["SegmentEditorEffect"]
