"""What was done in a slice view, and the ROI that was chosen, as prompts."""

from slicer.i18n import tr as _


def prompt_of_gesture(gesture, points, volume, lasso_chosen):
    """Return what a gesture shows.

    Parameters
    ----------
    gesture : Gesture that has ended
    points : (N, 3) RAS mm of the world, where it went
    volume : source volume
    lasso_chosen : whether a line in the object is closed around it
    """
    from AIImagingLogic.scene.coordinates import array_of_vtk_matrix
    from AIImagingLogic.scene.segment_correction_prompts import box_of_corners, click, lasso, scribble

    if gesture.is_click:
        return click(volume, points[0], gesture.inside)
    if gesture.box:
        axes = array_of_vtk_matrix(gesture.view.sliceLogic().GetSliceNode().GetSliceToRAS())
        return box_of_corners(volume, points[0], points[-1], axes)
    if gesture.inside and lasso_chosen:
        return lasso(volume, points)
    return scribble(volume, points, gesture.inside)


def prompt_of_roi(roi, volume):
    """Return the box of an ROI node.

    Raises
    ------
    SceneError
        None is chosen.
    """
    from AIImagingLogic.records.errors import SceneError
    from AIImagingLogic.scene.segment_correction_prompts import box_of_roi

    if roi is None:
        raise SceneError(_("No ROI is chosen."), _("Make one around the object in the Markups module."))
    return box_of_roi(volume, roi)
