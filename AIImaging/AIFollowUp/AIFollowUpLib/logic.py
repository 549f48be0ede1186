"""From two volume nodes to result nodes and, when asked for, files. Needs no panel."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from slicer.ScriptedLoadableModule import ScriptedLoadableModuleLogic

from AIFollowUpLib.parameters import AIFollowUpParameters

# Nearly all of a run is the follow-up itself; the rest is writing files.
_COMPUTED = 0.92


class AIFollowUpLogic(ScriptedLoadableModuleLogic):
    """Runs a follow-up on volumes of a scene and adds its results to that scene."""

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
        onReport: Callable[[float, str], None] | None = None,
        isCancelled: Callable[[], bool] | None = None,
    ) -> Any:
        """Follow lung nodules from one volume to another.

        Parameters
        ----------
        baselineVolume, followUpVolume : vtkMRMLScalarVolumeNode
            Chest CT in HU, of one scene.
        baselineDate, followUpDate
            When they were acquired, where the scene does not know.
        outputFolder
            Where to make a folder with result.json, tables, segmentations and report.html; none when None.
        onReport, isCancelled
            Told the fraction done and a message; asked whether to stop.

        Returns
        -------
        FollowUpNodes
            The new nodes.

        Raises
        ------
        AIImagingError
            An input is unusable, the run was cancelled, or files could not be written; nothing was added.
        """
        from AIImagingLogic.records.errors import SceneError
        from AIImagingLogic.records.progress import Progress
        from AIImagingLogic.scene.follow_up_results import add_follow_up_results
        from AIImagingLogic.scene.parent_transforms import input_image
        from AIImagingLogic.scene.volume_info import info_of_volume_node
        from AIImagingLogic.tasks.follow_up import follow_up

        scene = baselineVolume.GetScene()
        volumes = (baselineVolume, followUpVolume)
        progress = Progress(onReport, isCancelled)
        images = tuple(input_image(volume) for volume in volumes)
        infos = [
            info_of_volume_node(volume, image, acquired)
            for volume, image, acquired in zip(volumes, images, (baselineDate, followUpDate), strict=True)
        ]
        timeline = follow_up(images[0], infos[0], images[1], infos[1], progress=progress.part(0.0, _COMPUTED))
        progress.check_cancelled()
        written = None
        if outputFolder is not None:
            written = self._writeFiles(timeline, images, outputFolder, progress.part(_COMPUTED, 1.0))
        if not all(scene.IsNodePresent(volume) for volume in volumes):
            advice = f"The results are in '{written}'." if written else "Load it and run again."
            raise SceneError("A volume was removed from the scene during the run.", advice)
        return add_follow_up_results(timeline, volumes, images, scene)

    def _writeFiles(self, timeline: Any, images: tuple[Any, ...], folder: Path, progress: Any) -> Path:
        from AIImagingLogic.cli.follow_up_output import write_follow_up
        from AIImagingLogic.cli.output_folder import whole_folder

        target = folder / f"AI follow-up {datetime.now():%Y-%m-%d %H.%M.%S}"
        with whole_folder(target, overwrite=False) as temporary:
            write_follow_up(timeline, images, temporary, with_scene=False, with_pictures=False, progress=progress)
        return target
