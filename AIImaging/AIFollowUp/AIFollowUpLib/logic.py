"""From two volume nodes to result nodes and, when asked for, files. Needs no panel."""

from datetime import datetime
from pathlib import Path
from typing import Any

from slicer.ScriptedLoadableModule import ScriptedLoadableModuleLogic

from AIFollowUpLib.parameters import AIFollowUpParameters

_TASK = "AIImagingLogic.tasks.follow_up:follow_up"
_TASK_WITH_FILES = "AIImagingLogic.cli.follow_up_files:follow_up_with_files"


class AIFollowUpLogic(ScriptedLoadableModuleLogic):
    """Follows up volumes of a scene in another process and adds the results to that scene."""

    def __init__(self) -> None:
        ScriptedLoadableModuleLogic.__init__(self)

    def getParameterNode(self) -> AIFollowUpParameters:
        return AIFollowUpParameters(super().getParameterNode())

    def process(
        self,
        baselineVolume: Any,
        followUpVolume: Any,
        baselineDate: datetime | None = None,
        followUpDate: datetime | None = None,
        outputFolder: Path | None = None,
        wait: bool = True,
    ) -> Any:
        """Follow lung nodules from one volume to another.

        Parameters
        ----------
        baselineVolume, followUpVolume : vtkMRMLScalarVolumeNode
            Chest CT in HU, of one scene. Results share the linear parent transform of their volume.
        baselineDate, followUpDate
            When they were acquired, where the scene does not know.
        outputFolder
            Where to make a folder with result.json, tables, segmentations and report.html; none when None. When it
            cannot be written, the results come into the scene all the same, with a note.
        wait
            Return when the nodes are there; else at once.

        Returns
        -------
        FollowUpNodes
            With `wait`: the new nodes.
        SceneRun
            Without `wait`: the run; see its `on_finish`, `nodes`, `outcome` and `cancel`.

        Raises
        ------
        AIImagingError
            An input is unusable, both are the same, or they are dated the wrong way round; with `wait`, also that the
            run failed or was cancelled. Nothing was added.
        """
        from AIImagingLib.application_service import application_service

        from AIImagingLogic.jobs.job import Job
        from AIImagingLogic.scene.job_inputs import image_input
        from AIImagingLogic.scene.scene_run import SceneRun

        baseline = image_input(baselineVolume, baselineDate, "baseline volume")
        later = image_input(followUpVolume, followUpDate, "follow-up volume")
        _checkPair(baselineVolume, followUpVolume, baseline.facts["acquired"], later.facts["acquired"])
        scene = baselineVolume.GetScene()
        arguments = {"baseline": baseline, "followup": later}
        if outputFolder is not None:
            arguments["folder"] = str(outputFolder)

        def addToScene(timeline: Any) -> Any:
            from AIFollowUpLib.stored_result import store_result
            from AIImagingLogic.scene.follow_up_results import add_follow_up_results

            nodes = add_follow_up_results(timeline, (baselineVolume, followUpVolume), scene)
            store_result(nodes, timeline)
            return nodes

        job = Job(
            title=f"{baselineVolume.GetName()} → {followUpVolume.GetName()}",
            function=_TASK if outputFolder is None else _TASK_WITH_FILES,
            arguments=arguments,
        )
        service = application_service()
        run = SceneRun(service.service, scene, job, [baselineVolume, followUpVolume], addToScene)
        service.follow(run)
        return run.wait() if wait else run


def _checkPair(baselineVolume: Any, followUpVolume: Any, before: datetime | None, after: datetime | None) -> None:
    """Refuse at once what the task would refuse after the volumes were copied."""
    from AIImagingLogic.records.errors import WrongImageError

    if baselineVolume is followUpVolume:
        raise WrongImageError(
            f"'{baselineVolume.GetName()}' is both baseline and follow-up.", "Choose two different visits."
        )
    if before and after and after < before:
        raise WrongImageError(
            f"The follow-up '{followUpVolume.GetName()}' ({after:%Y-%m-%d}) is dated before the baseline "
            f"'{baselineVolume.GetName()}' ({before:%Y-%m-%d}).",
            "Swap the two, or state the true dates.",
        )
