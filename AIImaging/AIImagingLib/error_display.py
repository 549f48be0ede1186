"""An error as a person sees it: one line, once; the log holds the rest."""

import logging

import slicer
from slicer.i18n import tr as _


def error_line(error):
    """Return the error in one line; what was not raised on purpose is logged with its traceback."""
    from AIImagingLogic.records.errors import AIImagingError

    line = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, AIImagingError):
        return line
    logging.error("AI Imaging: unexpected error", exc_info=error)
    return _("Unexpected {kind}: {what} (see the log)").format(kind=type(error).__name__, what=line)


def show_error(error, title):
    """Show the error in a message box, unless the user cancelled, and return its line."""
    from AIImagingLogic.records.errors import Cancelled

    line = error_line(error)
    if not isinstance(error, Cancelled):
        slicer.util.errorDisplay(line, windowTitle=title)
    return line
