"""From a volume node to probabilities of classes and a heat map. Needs no panel."""

from typing import Any

from slicer.ScriptedLoadableModule import ScriptedLoadableModuleLogic

from AIClassificationLib.parameters import AIClassificationParameters


class AIClassificationLogic(ScriptedLoadableModuleLogic):
    """Classifies volumes of a scene in another process and adds the results to that scene."""

    def __init__(self) -> None:
        ScriptedLoadableModuleLogic.__init__(self)

    def getParameterNode(self) -> AIClassificationParameters:
        return AIClassificationParameters(super().getParameterNode())

    def process(self, inputVolume: Any, model: str, explain: str = "", wait: bool = True) -> Any:
        """Tell which classes a volume shows, and where.

        Parameters
        ----------
        inputVolume : vtkMRMLScalarVolumeNode or vtkMRMLVectorVolumeNode
            Of grey values, or of three colours, as the model needs it. Its linear parent transform is shared by the
            heat map.
        model
            Id of a classification model on this computer, or path of a package.
        explain
            Key or name of the class that the heat map is about; empty: the most probable one.
        wait
            Return when the nodes are there; else at once.

        Returns
        -------
        ClassificationNodes
            With `wait`: the new table, chart and heat map.
        SceneRun
            Without `wait`: the run; see its `on_finish`, `nodes`, `outcome` and `cancel`.

        Raises
        ------
        AIImagingError
            Volume or model is unusable; with `wait`, also that the run failed or was cancelled. Nothing was added.
        """
        from AIImagingLib.application_service import application_service

        from AIImagingLogic.jobs.job import Job
        from AIImagingLogic.models.installed_classifiers import classifier_name
        from AIImagingLogic.scene.colour_input import grey_or_colour_input
        from AIImagingLogic.scene.scene_run import SceneRun

        image = grey_or_colour_input(inputVolume)
        scene = inputVolume.GetScene()

        def add_to_scene(result: Any) -> Any:
            from AIImagingLogic.scene.classification_results import add_classification_result

            return add_classification_result(result, inputVolume, scene)

        job = Job(
            title=f"{classifier_name(model)} on '{inputVolume.GetName()}'",
            function="AIImagingLogic.tasks.classify:classify",
            arguments={"image": image, "model": model, "explain": explain},
        )
        service = application_service()
        run = SceneRun(service.service, scene, job, [inputVolume], add_to_scene)
        service.follow(run)
        return run.wait() if wait else run
