"""Checks the environment, fetches and keeps models, and brings kept results back. Needs no panel."""

import slicer
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleLogic

from AIModelsLib.environment_check import EnvironmentCheck
from AIModelsLib.store_actions import StoreActions


class AIModelsLogic(ScriptedLoadableModuleLogic):
    """What the panel does, for scripts.

    Attributes
    ----------
    store : StoreActions
    """

    def __init__(self):
        ScriptedLoadableModuleLogic.__init__(self)
        self.store = StoreActions()

    def checkEnvironment(self, wait=True):
        """Examine this computer and its Python in another process.

        Parameters
        ----------
        wait : bool
            Return when it is done; else at once.

        Returns
        -------
        EnvironmentReport
            With `wait`: what was found.
        EnvironmentCheck
            Without `wait`: the check; see its `on_finish`, `report`, `outcome` and `cancel`.

        Raises
        ------
        AIImagingError
            With `wait`: the check failed or was cancelled.
        """
        from AIImagingLib.application_service import application_service

        service = application_service()
        check = EnvironmentCheck(service.service)
        service.follow(check)
        return check.wait() if wait else check

    def loadRecovered(self, path, scene=None):
        """Add a result that was kept as a file to a scene; the file stays.

        Parameters
        ----------
        path : pathlib.Path
            As `AIImagingLogic.jobs.recovery.recovered` lists it.
        scene : vtkMRMLScene
            The application's when None.

        Returns
        -------
        RecoveredNodes
            The new nodes, and what the user should know of them.

        Raises
        ------
        AIImagingError
            The file is broken or has no form in a scene; nothing was added.
        """
        from AIImagingLogic.jobs.recovery import load_recovered
        from AIImagingLogic.scene.recovered_results import add_recovered

        return add_recovered(load_recovered(path), slicer.mrmlScene if scene is None else scene)
