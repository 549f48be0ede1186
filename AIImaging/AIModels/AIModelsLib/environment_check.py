"""A check of the environment as a run: in another process, so that a broken package harms nobody here."""

from slicer.i18n import tr as _


class EnvironmentCheck:
    """Runs the examination as a job of the job service; the application service follows it like a run of a task.

    When the other process cannot do it, which a broken environment can cause, only files are looked at, in this
    process; `note` then says so.

    Parameters
    ----------
    service : JobService

    Attributes
    ----------
    handle : of the job: state, fraction, stage
    finished : whether nothing more will happen
    report : EnvironmentReport, None when there is none
    note : what the user should know of the report
    error : why there is no report
    """

    def __init__(self, service):
        from AIImagingLogic.jobs.job import Job

        self.finished = False
        self.report = None
        self.note = ""
        self.error = None
        self._callbacks = []
        self._service = service
        job = Job(title=_("Environment check"), function="AIImagingLogic.inference.environment:examine")
        self.handle = service.submit(job)
        self.handle.on_change(self._onChange)

    @property
    def outcome(self):
        """What became of the check, in a sentence or two."""
        if not self.finished:
            return _("The check is under way.")
        if self.error is not None:
            return str(self.error)
        return " ".join(part for part in (self.report.summary, self.note) if part)

    def on_finish(self, callback):
        """Call `callback` with this check when it has finished; at once when it has already."""
        if self.finished:
            callback(self)
        else:
            self._callbacks.append(callback)

    def cancel(self):
        """Ask for the end; returns at once."""
        self.handle.cancel()

    def application_closes(self):
        """Stop: nobody will read the report."""
        if not self.finished:
            self.cancel()

    def wait(self):
        """Process until the check has finished, and return the report, or raise why there is none."""
        import time

        while not self.finished:
            self._service.poll()
            time.sleep(0.005)
        if self.error is not None:
            raise self.error
        return self.report

    def _onChange(self, handle):
        if not handle.state.ended or self.finished:
            return
        from AIImagingLogic.records.errors import Cancelled

        try:
            self.report = handle.result()
        except Cancelled as error:
            self.error = error
        # Whatever keeps the other process from answering (a lost worker, a package that it or we cannot import) is
        # what this check is asked about.
        except Exception as error:  # noqa: BLE001
            self._lookAtFiles(error)
        self.finished = True
        callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback(self)

    def _lookAtFiles(self, error):
        from AIImagingLogic.inference.environment import examine

        try:
            self.report = examine(probe=False)
        # The caller polls for other runs too and must not fall over this one; the error is shown.
        except Exception as second:  # noqa: BLE001
            self.error = second
            return
        self.note = _("The process for trials did not answer, so packages were only looked at: {why}").format(why=error)
