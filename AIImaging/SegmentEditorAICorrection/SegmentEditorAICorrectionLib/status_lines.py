"""What the effect says of a change in its own line."""

from slicer.i18n import tr as _


def applied_line(edit):
    """Return what was changed (an AppliedEdit)."""
    return _("{added} voxels added, {removed} removed.").format(added=edit.added, removed=edit.removed)


def proposed_line(planned):
    """Return what would be changed (a PlannedEdit, or None for nothing)."""
    if planned is None or planned.empty:
        return _("Nothing would change.")
    said = _("{added} voxels would be added, {removed} removed. Enter applies it.")
    return said.format(added=planned.added, removed=planned.removed)


def accepted_line(recorded):
    """Return how the segment differs from what was proposed (a CorrectedSegment)."""
    said = _("Accepted: {added:.2f} mL added, {removed:.2f} mL removed, {clicks} prompts.")
    return said.format(added=recorded.added_ml, removed=recorded.removed_ml, clicks=recorded.clicks)
