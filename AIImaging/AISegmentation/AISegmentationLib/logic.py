"""From volume nodes to a segmentation node and its measurements. Needs no panel."""

from collections.abc import Sequence
from typing import Any

from slicer.ScriptedLoadableModule import ScriptedLoadableModuleLogic

from AISegmentationLib.input_check import checkVolumes
from AISegmentationLib.parameters import AISegmentationParameters


class AISegmentationLogic(ScriptedLoadableModuleLogic):
    """Segments volumes of a scene in another process and adds the results to that scene."""

    def __init__(self) -> None:
        ScriptedLoadableModuleLogic.__init__(self)

    def getParameterNode(self) -> AISegmentationParameters:
        return AISegmentationParameters(super().getParameterNode())

    def process(
        self, inputVolume: Any, modelId: str = "ct-lungs", wait: bool = True, furtherVolumes: Sequence[Any] = ()
    ) -> Any:
        """Outline and measure organs of a volume.

        Parameters
        ----------
        inputVolume : vtkMRMLScalarVolumeNode
            In the unit that the model's card names, such as HU. Its linear parent transform is shared by the results.
            Of a model with several inputs it is the first, on whose grid the result lies and on which it is measured.
        modelId
            A built-in model for the task ``segment``, or one that is on this computer.
        wait
            Return when the nodes are there; else at once.
        furtherVolumes
            The model's other inputs, in the order of its card, under the same parent transform as the first. One on
            another grid is resampled.

        Returns
        -------
        SegmentationNodes
            With `wait`: the new segmentation and table nodes.
        SceneRun
            Without `wait`: the run; see its `on_finish`, `nodes`, `outcome` and `cancel`.

        Raises
        ------
        AIImagingError
            A volume is unusable, missing or given twice, there are too many, or they stand under different transforms
            (the message names input and volume); with `wait`, also that the run failed or was cancelled. Nothing was
            added.
        """
        from AIImagingLib.application_service import application_service

        from AIImagingLogic.jobs.job import Job
        from AIImagingLogic.models.listing import listed_card
        from AIImagingLogic.scene.job_inputs import image_input
        from AIImagingLogic.scene.scene_run import SceneRun

        card = listed_card(modelId)
        volumes = [inputVolume, *furtherVolumes]
        checkVolumes(card, volumes)
        scene = inputVolume.GetScene()

        def add_to_scene(result: Any) -> Any:
            from AIImagingLogic.scene.segmentation_results import add_segmentation_result

            return add_segmentation_result(result, inputVolume, scene)

        first, *more = [image_input(volume) for volume in volumes]
        job = Job(
            title=f"{card.name} of '{inputVolume.GetName()}'",
            function="AIImagingLogic.tasks.segment:segment_and_measure",
            arguments={"image": first, "more": more, "model": modelId},
        )
        service = application_service()
        run = SceneRun(service.service, scene, job, volumes, add_to_scene)
        service.follow(run)
        return run.wait() if wait else run
