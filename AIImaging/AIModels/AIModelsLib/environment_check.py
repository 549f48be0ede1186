"""A check of the environment as a run: in another process, so that a broken package harms nobody here."""

from slicer.i18n import tr as _

from AIModelsLib.plain_run import PlainRun


class EnvironmentCheck(PlainRun):
    """Runs the examination as a job of the job service.

    When the other process cannot do it, which a broken environment can cause, only files are looked at, in this
    process; `note` then says so.

    Parameters
    ----------
    service : JobService

    Attributes
    ----------
    note : what the user should know of the report
    """

    def __init__(self, service):
        from AIImagingLogic.jobs.job import Job

        self.note = ""
        job = Job(title=_("Environment check"), function="AIImagingLogic.inference.environment:examine")
        PlainRun.__init__(self, service, job)

    @property
    def report(self):
        """The EnvironmentReport, None when there is none."""
        return self.result

    @property
    def outcome(self):
        """What became of the check, in a sentence or two."""
        if not self.finished:
            return _("The check is under way.")
        if self.error is not None:
            return str(self.error)
        return " ".join(part for part in (self.report.summary, self.note) if part)

    def onFailure(self, error):
        """Look at files only: whatever keeps the other process from answering is what this check is asked about."""
        from AIImagingLogic.inference.environment import examine
        from AIImagingLogic.records.errors import Cancelled

        if isinstance(error, Cancelled):
            self.error = error
            return
        try:
            self.result = examine(probe=False)
        # The caller polls for other runs too and must not fall over this one; the error is shown.
        except Exception as second:  # noqa: BLE001
            self.error = second
            return
        self.note = _("The process for trials did not answer, so packages were only looked at: {why}").format(why=error)
