"""What the Segment Editor shows as the help of the effect."""

from slicer.i18n import tr as _


def help_text():
    """Return it as HTML."""
    return "<html>" + _(
        "Correct the selected segment by showing what is wrong.<p><ul style='margin: 0'>"
        "<li><b>Click:</b> this belongs to the object. <b>Ctrl-click:</b> this does not.</li>"
        "<li><b>Drag:</b> the same with a line. <b>Box, lasso:</b> the object lies in it.</li>"
        "<li><b>Backspace</b> takes the last one back, <b>Delete</b> all of them, <b>Enter</b> accepts and records "
        "how the segment differs from what was proposed.</li>"
        "<li><b>Redraw slice:</b> drag around the object; this slice becomes what you drew, and the slices beside it "
        "follow as far as the image supports it.</li>"
        "<li><b>Grow like this</b> takes what lies next to the segment and looks like it. <b>Split here</b>, then "
        "a click, cuts the segment at its thinnest there. <b>Fill between slices</b> fills gaps. "
        "<b>Smooth to the edge</b> smooths the border and lets it follow the image.</li>"
        "<li><b>Carry</b> brings the segment, and what you showed of it, to another visit, as a new segment there."
        "</li></ul>"
        "The result follows at once in the segment; editable area, intensity mask and overwrite mode hold, and "
        "every step can be undone. Research use; not a medical device."
    )
