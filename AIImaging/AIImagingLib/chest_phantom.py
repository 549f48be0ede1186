"""The chest phantom as two volumes of the scene, made by another process while Slicer stays usable."""

import weakref

import slicer
from slicer.i18n import tr as _

from AIImagingLib.error_display import show_error


def make_chest_phantom():
    """Start making the phantom; two volumes come into the scene, each in a dated study, when it is done.

    Returns
    -------
    SceneRun
        Its nodes are the volumes: baseline, follow-up. When the scene is closed meanwhile, it is cancelled.
    """
    from AIImagingLib.application_service import application_service
    from AIImagingLogic.jobs.job import Job
    from AIImagingLogic.scene.scene_run import SceneRun

    scene = slicer.mrmlScene
    job = Job(_("Chest phantom"), "AIImagingLogic.images.phantoms.sample_pair:make_sample_pair")
    service = application_service()
    run = SceneRun(service.service, scene, job, [], lambda pair: _add(pair, scene))
    _cancel_when_scene_closes(run, scene)
    dialog = _busy_dialog(run)

    def on_finish(finished):
        dialog.close()
        dialog.deleteLater()
        if finished.error is not None:
            show_error(finished.error, _("Chest phantom"))
        else:
            slicer.util.setSliceViewerLayers(background=finished.nodes[0], fit=True)

    run.on_finish(on_finish)
    service.follow(run)
    return run


def _add(pair, scene):
    """Add both visits to the scene, as DICOM loading leaves a CT: in a study with its date. Returns the volumes."""
    from AIImagingLogic.records.resources import load_resource
    from AIImagingLogic.records.timeline import Visit
    from AIImagingLogic.scene.display_window import display_window
    from AIImagingLogic.scene.node_names import unique_name
    from AIImagingLogic.scene.subject_hierarchy import add_study
    from AIImagingLogic.scene.volumes import volume_node_from_image

    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    modality = slicer.vtkMRMLSubjectHierarchyConstants.GetDICOMSeriesModalityAttributeName()
    window = display_window("CT")
    names = [visit["node"] for visit in load_resource("sample_data.json")["phantom"]["visits"]]
    visits = (("baseline", pair.baseline, pair.baseline_info), ("follow-up", pair.followup, pair.followup_info))
    volumes = []
    for name, (label, image, info) in zip(names, visits, strict=True):
        levels = (window.lower, window.upper)
        volume = volume_node_from_image(image, scene, unique_name(scene, name), window=levels)
        add_study(scene, Visit(label, info, None, ()), [volume])
        hierarchy.SetItemAttribute(hierarchy.GetItemByDataNode(volume), modality, info.modality)
        volumes.append(volume)
    return tuple(volumes)


def _cancel_when_scene_closes(run, scene):
    """A phantom that nobody waits for is not worth a file in the recovery folder."""
    known = weakref.ref(run)

    def on_close(caller, event):
        waiting = known()
        if waiting is not None:
            waiting.cancel()

    tag = scene.AddObserver(scene.StartCloseEvent, on_close)
    run.on_finish(lambda finished: scene.RemoveObserver(tag))


def _busy_dialog(run):
    """Show what is going on, with a Cancel. No end can be told, so the bar only moves."""
    dialog = slicer.util.createProgressDialog(
        labelText=_("Making the chest phantom, about 20 s."), windowTitle=_("Sample data"), maximum=0
    )
    dialog.connect("canceled()", run.cancel)
    dialog.show()
    return dialog
