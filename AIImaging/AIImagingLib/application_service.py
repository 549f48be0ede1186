"""The job service of this application, and the timer through which panels hear from it."""

import qt
import slicer

_POLL_MS = 30


class ApplicationService:
    """Starts runs, tells them what happened from the main thread, and ends with the application.

    The timer ticks only while a run is under way.

    Parameters
    ----------
    service : JobService
        The one that all tasks share when None.
    """

    def __init__(self, service=None):
        from AIImagingLogic.jobs.service import shared_service

        self.service = shared_service() if service is None else service
        self._runs = []
        self._timer = qt.QTimer()
        self._timer.setInterval(_POLL_MS)
        self._timer.connect("timeout()", self.poll)
        slicer.app.connect("aboutToQuit()", self.close)

    def follow(self, run):
        """Keep `run` (a SceneRun) informed until it has finished."""
        self._runs.append(run)
        self._timer.start()

    def poll(self):
        self.service.poll()
        self._runs = [run for run in self._runs if not run.finished]
        if not self._runs:
            self._timer.stop()

    def close(self):
        """Keep what is finished but not in the scene yet as files, stop the rest, end the workers."""
        self._timer.stop()
        for run in self._runs:
            run.application_closes()
        self._runs = []
        self.service.close()


_application_service = None


def application_service():
    """Return the one `ApplicationService`, made when it is first asked for."""
    global _application_service
    if _application_service is None:
        _application_service = ApplicationService()
    return _application_service
