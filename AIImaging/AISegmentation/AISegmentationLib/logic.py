"""From a volume node to a segmentation node and its measurements. Needs no panel."""

from typing import Any

from slicer.ScriptedLoadableModule import ScriptedLoadableModuleLogic

from AISegmentationLib.parameters import AISegmentationParameters


class AISegmentationLogic(ScriptedLoadableModuleLogic):
    """Segments volumes of a scene in another process and adds the results to that scene."""

    def __init__(self) -> None:
        ScriptedLoadableModuleLogic.__init__(self)

    def getParameterNode(self) -> AISegmentationParameters:
        return AISegmentationParameters(super().getParameterNode())

    def process(self, inputVolume: Any, modelId: str = "ct-lungs", wait: bool = True) -> Any:
        """Outline and measure organs of a volume.

        Parameters
        ----------
        inputVolume : vtkMRMLScalarVolumeNode
            In the unit that the model's card names, such as HU. Its linear parent transform is shared by the results.
        modelId
            A built-in model for the task ``segment``, or one that is on this computer.
        wait
            Return when the nodes are there; else at once.

        Returns
        -------
        SegmentationNodes
            With `wait`: the new segmentation and table nodes.
        SceneRun
            Without `wait`: the run; see its `on_finish`, `nodes`, `outcome` and `cancel`.

        Raises
        ------
        AIImagingError
            The volume is unusable; with `wait`, also that the run failed or was cancelled. Nothing was added.
        """
        from AIImagingLib.application_service import application_service

        from AIImagingLogic.jobs.job import Job
        from AIImagingLogic.models.listing import listed_card
        from AIImagingLogic.scene.job_inputs import image_input, require_volume
        from AIImagingLogic.scene.scene_run import SceneRun

        require_volume(inputVolume)
        scene = inputVolume.GetScene()

        def add_to_scene(result: Any) -> Any:
            from AIImagingLogic.scene.segmentation_results import add_segmentation_result

            return add_segmentation_result(result, inputVolume, scene)

        job = Job(
            title=f"{listed_card(modelId).name} of '{inputVolume.GetName()}'",
            function="AIImagingLogic.tasks.segment:segment_and_measure",
            arguments={"image": image_input(inputVolume), "model": modelId},
        )
        service = application_service()
        run = SceneRun(service.service, scene, job, [inputVolume], add_to_scene)
        service.follow(run)
        return run.wait() if wait else run
