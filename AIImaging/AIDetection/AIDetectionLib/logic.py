"""From a volume node to findings in the scene, and on to their review. Needs no panel."""

from typing import Any

from slicer.ScriptedLoadableModule import ScriptedLoadableModuleLogic

from AIDetectionLib.parameters import AIDetectionParameters


class AIDetectionLogic(ScriptedLoadableModuleLogic):
    """Finds lung nodules on chest CTs of a scene in another process and adds the results to that scene."""

    def __init__(self) -> None:
        ScriptedLoadableModuleLogic.__init__(self)

    def getParameterNode(self) -> AIDetectionParameters:
        return AIDetectionParameters(super().getParameterNode())

    def process(self, inputVolume: Any, modelId: str = "ct-lung-nodules", wait: bool = True) -> Any:
        """Find, outline and measure the lung nodules of a chest CT, or what another detector finds.

        Parameters
        ----------
        inputVolume : vtkMRMLScalarVolumeNode
            For the built-in detectors a chest CT in HU. Its linear parent transform is shared by the results.
        modelId
            A built-in model for the task ``detect``, or one that is on this computer.
        wait
            Return when the nodes are there; else at once.

        Returns
        -------
        DetectionNodes
            With `wait`: the new nodes (organs, lesions, points, box, table).
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
            from AIImagingLogic.scene.detection_results import add_detection_results

            return add_detection_results(result, inputVolume, scene)

        job = Job(
            title=f"{listed_card(modelId).name} of '{inputVolume.GetName()}'",
            function="AIImagingLogic.tasks.detect:detect",
            arguments={"image": image_input(inputVolume), "model": modelId},
        )
        service = application_service()
        run = SceneRun(service.service, scene, job, [inputVolume], add_to_scene)
        service.follow(run)
        return run.wait() if wait else run

    def findingView(self, findings: Any) -> Any:
        """Return the `FindingView` of findings, which goes through them and records what a person says of them.

        Parameters
        ----------
        findings : DetectionNodes or vtkMRMLMarkupsFiducialNode
            What `process` returned, or its point list: of a saved scene too.

        Raises
        ------
        SceneError
            It is no list of findings.
        """
        from AIImagingLogic.scene.finding_view import FindingView

        return FindingView.from_nodes(getattr(findings, "points", findings))

    def measureAgain(self, findings: Any, uid: str, wait: bool = True) -> Any:
        """Measure the outline of a finding, which a person has corrected in the Segment Editor, once more.

        Table, point and box get the new figures, the review says `edited`. What the program had proposed, outline and
        figures, is kept in a hidden segmentation.

        Parameters
        ----------
        findings : DetectionNodes or vtkMRMLMarkupsFiducialNode
        uid
            Of the finding.
        wait
            Return when it is measured; else at once.

        Returns
        -------
        FindingView
            With `wait`.
        SceneRun
            Without `wait`.

        Raises
        ------
        AIImagingError
            The outline is empty or not there any more, the volume is gone or unusable; with `wait`, also that the run
            failed or was cancelled. Nothing was changed.
        """
        from AIImagingLib.application_service import application_service

        from AIDetectionLib.correction import measure_again

        service = application_service()
        run = measure_again(self.findingView(findings), uid, service)
        service.follow(run)
        return run.wait() if wait else run

    def mergeFindings(self, findings: Any, uids: Any, wait: bool = True) -> Any:
        """Let several findings be one: its outline is that of all, and it is measured anew.

        The largest keeps its name and uid; the others leave the list. What the program had proposed is kept in a
        hidden segmentation.

        Parameters
        ----------
        findings : DetectionNodes or vtkMRMLMarkupsFiducialNode
        uids
            Of two findings or more.
        wait
            Return when it is done, the `FindingView`; else at once, the SceneRun.

        Raises
        ------
        AIImagingError
            An outline is empty or not there, the volume is gone; with `wait`, also that the run failed or was
            cancelled. No finding was changed.
        """
        from AIImagingLib.application_service import application_service

        from AIDetectionLib.merge_split import merge

        service = application_service()
        run = merge(self.findingView(findings), list(uids), service)
        service.follow(run)
        return run.wait() if wait else run

    def splitFinding(self, findings: Any, uid: str, wait: bool = True) -> Any:
        """Let a finding be several: a part around each mark of its parts list, or its connected parts without marks.

        The largest part keeps its name and uid; see `mergeFindings` for all else. The marks are those of
        `AIDetectionLib.merge_split.parts_list`.
        """
        from AIImagingLib.application_service import application_service

        from AIDetectionLib.merge_split import split

        service = application_service()
        run = split(self.findingView(findings), uid, service)
        service.follow(run)
        return run.wait() if wait else run

    def exportFindings(self, findings: Any, path: Any) -> None:
        """Write the findings with their review to a CSV file, in the columns of the command line's `findings.csv`.

        Parameters
        ----------
        findings : DetectionNodes or vtkMRMLMarkupsFiducialNode
        path : str or Path

        Raises
        ------
        SceneError
            It is no list of findings, or its table was removed.
        OutputError
            The file cannot be written.
        """
        from AIDetectionLib.findings_export import export_findings

        export_findings(getattr(findings, "points", findings), path)

    def readingDesk(self, scene: Any, studyFile: Any, reader: str, onChange: Any = None, onRefused: Any = None) -> Any:
        """Return the `ReadingDesk` of a reader of a study: it brings cases onto a scene and records what is done.

        Parameters
        ----------
        scene : vtkMRMLScene
        studyFile : str or Path
            study.json of a planned study; see `aiimaging reading plan`.
        reader
            Code.
        onChange, onRefused
            Called when a mark was changed in a view; told the ReadingError when that was not allowed.

        Raises
        ------
        AIImagingError
            There is no such study or reader, or another program has the reader's file open.
        """
        from pathlib import Path

        import slicer

        from AIImagingLogic.evaluation.reading_recorder import ReadingRecorder
        from AIImagingLogic.scene.reading_desk import ReadingDesk

        def ignored(*arguments: Any) -> None:
            """Nobody wants to know."""

        recorder = ReadingRecorder(Path(studyFile), reader, f"Slicer revision {slicer.app.revision}")
        return ReadingDesk(scene, recorder, onChange or ignored, onRefused or ignored)
