"""From volume nodes to result nodes and, when asked for, files. Needs no panel."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from slicer.ScriptedLoadableModule import ScriptedLoadableModuleLogic

from AIFollowUpLib.dates import order_of
from AIFollowUpLib.given_input import GivenInput
from AIFollowUpLib.lesion_choice import LesionChoice
from AIFollowUpLib.parameters import AIFollowUpParameters

_TASK = "AIImagingLogic.tasks.follow_up:follow_up_visits"
_TASK_WITH_FILES = "AIImagingLogic.cli.follow_up_files:follow_up_visits_with_files"
_TASK_GIVEN = "AIImagingLogic.cli.follow_given_lesions:follow_given_lesions"
_COHORT = "AIImagingLogic.cli.cohort_job:read_cohort"
_SIGNED_OFF = "AIImagingLogic.cli.signed_off_files:write_signed_off"
FEWEST_VISITS, MOST_VISITS = 2, 20


class AIFollowUpLogic(ScriptedLoadableModuleLogic):
    """Follows up volumes of a scene in another process and adds the results to that scene."""

    def __init__(self) -> None:
        ScriptedLoadableModuleLogic.__init__(self)

    def getParameterNode(self) -> AIFollowUpParameters:
        return AIFollowUpParameters(super().getParameterNode())

    def process(
        self,
        *volumes: Any,
        dates: Sequence[datetime | None] | None = None,
        outputFolder: Path | None = None,
        lesions: Sequence[LesionChoice] | None = None,
        lungNodules: bool = False,
        wholeSegments: bool = False,
        wait: bool = True,
    ) -> Any:
        """Follow lung nodules, or lesions that are given, through the visits of a patient.

        Parameters
        ----------
        *volumes : vtkMRMLScalarVolumeNode
            2 to 20 chest CTs in HU, of one scene; of any modality where the lesions are given. Where all are dated,
            each on its own, their dates say the order; else they are given in order of time. Results share the linear
            parent transform of their volume.
        dates
            When each was acquired, None where the scene knows or nobody does.
        outputFolder
            Where to make a folder with result.json, tables, segmentations and report.html; none when None. When it
            cannot be written, the results come into the scene all the same, with a note.
        lesions
            Of each volume, where its lesions come from; None: the detector of lung nodules finds them at every visit.
        lungNodules
            Given lesions are lung nodules on chest CT: measured as the detector does, and graded by its guidelines.
        wholeSegments
            Each segment that is given is one lesion; else each connected part of it.
        wait
            Return when the nodes are there; else at once.

        Returns
        -------
        FollowUpNodes
            With `wait`: the new nodes; visits are in order of time.
        SceneRun
            Without `wait`: the run; see its `on_finish`, `nodes`, `outcome` and `cancel`.

        Raises
        ------
        AIImagingError
            An input is unusable, one is given twice, or they are dated against the given order; with `wait`, also that
            the run failed or was cancelled. Nothing was added.
        """
        from AIImagingLib.application_service import application_service

        from AIImagingLogic.jobs.job import Job
        from AIImagingLogic.scene.follow_up_sources import visit_input
        from AIImagingLogic.scene.scene_run import SceneRun

        typed = dates or (None,) * len(volumes)
        images = [
            visit_input(volume, date, f"volume of visit {number}")
            for number, (volume, date) in enumerate(zip(volumes, typed, strict=True), start=1)
        ]
        _checkVisits(volumes, [image.facts["acquired"] for image in images])
        order, _dated = order_of([image.facts["acquired"] for image in images])
        ordered = [volumes[index] for index in order]
        scene = ordered[0].GetScene()
        arguments: dict[str, Any] = {"visits": [images[index] for index in order], "in_given_order": True}
        if outputFolder is not None:
            arguments["folder"] = str(outputFolder)
        given = None if lesions is None else [GivenInput(lesions[index], volumes[index]) for index in order]
        if given is not None:
            arguments |= {
                "lesions": [one.form for one in given],
                "nodules": lungNodules,
                "by_part": not wholeSegments,
                "dicom_files": [one.files for one in given],
            }

        def addToScene(timeline: Any) -> Any:
            from AIFollowUpLib.stored_result import store_result
            from AIImagingLogic.scene.follow_up_results import add_follow_up_results

            nodes = add_follow_up_results(timeline, ordered, scene)
            for one, visit in zip(given or (), nodes.visits):
                one.tellWhoDrew(visit.lesions)
            store_result(nodes, timeline)
            return nodes

        job = Job(
            title=_title([volume.GetName() for volume in ordered]),
            function=_function(given is not None, outputFolder is not None),
            arguments=arguments,
        )
        service = application_service()
        run = SceneRun(service.service, scene, job, ordered, addToScene)
        service.follow(run)
        return run.wait() if wait else run

    def writeSignedOff(self, table: Any, timeline: Any, who: str, when: str, outputFolder: Path) -> Any:
        """Start writing the files of a change table that was signed off, and return the run.

        Parameters
        ----------
        table : vtkMRMLTableNode that it was made of
        timeline : Timeline, as corrected
        who, when : as on the table
        outputFolder : a new folder is made in it

        Returns
        -------
        SceneRun
            Its nodes are the timeline with the notes that `cli.signed_off_files` adds; the last names the new folder.
        """
        from AIImagingLib.application_service import application_service

        from AIImagingLogic.jobs.job import Job
        from AIImagingLogic.scene.scene_run import SceneRun

        arguments = {"timeline": timeline.to_json(_imageToSend), "folder": str(outputFolder), "who": who, "when": when}
        job = Job(title=f"{table.GetName()}: report", function=_SIGNED_OFF, arguments=arguments)
        service = application_service()
        run = SceneRun(service.service, table.GetScene(), job, [], lambda signed: signed)
        service.follow(run)
        return run

    def readCohort(self, folder: Any, rules: str = "recist-1.1", anonymous: bool = True, wait: bool = True) -> Any:
        """Read the saved results of many patients, and add their table, waterfall and spider plot to the scene.

        Parameters
        ----------
        folder : holds a folder a patient, with what `aiimaging followup` or `aiimaging criteria` saved
        rules : id of the criteria
        anonymous : patients are called P01, P02, ..., not by the names of their folders
        wait : return the CohortNodes when they are there; else at once the SceneRun

        Raises
        ------
        AIImagingError
            No folder is named; with `wait`, also that no patient could be read.
        """
        import slicer
        from AIImagingLib.application_service import application_service

        from AIImagingLogic.jobs.job import Job
        from AIImagingLogic.records.errors import SceneError
        from AIImagingLogic.scene.follow_up_cohort import add_cohort_plots
        from AIImagingLogic.scene.scene_run import SceneRun

        if not str(folder).strip():
            raise SceneError("No folder is chosen.", "Choose the folder that holds a folder for each patient.")
        scene = slicer.mrmlScene
        arguments = {"folder": str(folder), "rules": rules, "anonymous": anonymous}
        service = application_service()
        job = Job(title="Cohort", function=_COHORT, arguments=arguments)
        run = SceneRun(service.service, scene, job, [], lambda cohort: add_cohort_plots(cohort, scene))
        service.follow(run)
        return run.wait() if wait else run


def _imageToSend(value: Any, name: str) -> Any:
    """Return an image of a timeline as an argument of a job; the report needs no transforms."""
    import SimpleITK as sitk

    from AIImagingLogic.jobs.job import ImageInput

    if not isinstance(value, sitk.Image):
        return None
    voxels = sitk.GetArrayFromImage(value)
    return ImageInput(voxels, value.GetSpacing(), value.GetOrigin(), value.GetDirection())


def _function(given: bool, withFiles: bool) -> str:
    """Return the job's function; the one for given lesions writes files too, when it is told a folder."""
    if given:
        return _TASK_GIVEN
    return _TASK_WITH_FILES if withFiles else _TASK


def _title(names: list[str]) -> str:
    if len(names) == FEWEST_VISITS:
        return " → ".join(names)
    return f"{names[0]} → {names[-1]} ({len(names)} visits)"


def _checkVisits(volumes: Sequence[Any], dates: Sequence[datetime | None]) -> None:
    """Refuse at once what the task would refuse after the volumes were copied."""
    from AIImagingLogic.records.errors import WrongImageError

    if not FEWEST_VISITS <= len(volumes) <= MOST_VISITS:
        raise WrongImageError(
            f"A follow-up needs {FEWEST_VISITS} to {MOST_VISITS} visits, not {len(volumes)}.",
            "Choose the visits to compare.",
        )
    for index, volume in enumerate(volumes):
        if volume in volumes[:index]:
            raise WrongImageError(f"'{volume.GetName()}' is on the list twice.", "Choose two different visits.")
    if order_of(dates)[1]:
        return
    dated = [(date, volume.GetName()) for date, volume in zip(dates, volumes, strict=True) if date is not None]
    for (before, earlier), (after, later) in zip(dated, dated[1:]):
        if after < before:
            raise WrongImageError(
                f"'{later}' ({after:%Y-%m-%d}) is dated before '{earlier}' ({before:%Y-%m-%d}), and not every visit "
                "has a date of its own.",
                "State the true dates, or put the visits in order of time.",
            )
